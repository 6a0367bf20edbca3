import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { labelFree } from "@/api/queries";
import type { Dashboard, LabelFree, LabelFreeNumber } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { ChartPanel, Panel } from "@/components/ChartPanel";
import { Progress, Segments } from "@/components/controls";
import { Empty, Failure, Skeleton } from "@/components/states";
import { useShades } from "@/features/dashboard/shades";
import { Legend } from "@/features/dashboard/TimePanel";
import { count, dateTime, decimal } from "@/lib/format";
import { token } from "@/lib/palette";
import { usePreferences, useTheme } from "@/lib/preferences";
import { type TimeSeries, timeOption } from "@/lib/timechart";

const TITLE = "Estimate without labels";
const NAMES: Record<string, string> = { precision: "Precision", recall: "Recall", f1: "F1" };
const nameOf = (name: string) => NAMES[name] ?? "Accuracy";

/** What the numbers will be before anything is reviewed, and how such estimates did on reviewed windows. */
export function LabelFreePanel(props: { data: Dashboard; model: "champion" | "shadow" }) {
  const { data, model } = props;
  const d = useDeploymentId();
  const query = useQuery(labelFree(d, model, { from: data.from, to: data.to }));
  const found = query.data;
  if (found?.numbers.some((one) => one.state !== "collecting")) {
    return <Tested found={found} data={data} model={model} />;
  }
  return (
    <Panel title={TITLE} subtitle={model}>
      {query.error && !found ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : !found ? (
        <Skeleton height={160} />
      ) : (
        <Collecting found={found} />
      )}
    </Panel>
  );
}

function Collecting({ found }: { found: LabelFree }) {
  const org = useOrg();
  const d = useDeploymentId();
  return (
    <Empty
      compact
      title={`${count(found.reviewed)} of ${count(found.needed)} drawn reviews`}
      action={
        <Link
          className="button"
          to="/o/$org/deployments/$d/review/$asset"
          params={{ org, d, asset: "next" }}
          search={{ src: "queue" }}
        >
          Review
        </Link>
      }
    >
      <Progress label="Reviews to learn from" done={found.reviewed} total={found.needed} />
      <p>Reviews of the queue teach how often a score is right; new images are judged by that.</p>
    </Empty>
  );
}

function Tested(props: { found: LabelFree; data: Dashboard; model: "champion" | "shadow" }) {
  const { found, data, model } = props;
  const theme = useTheme();
  const { zone } = usePreferences();
  const d = useDeploymentId();
  const [name, setName] = useState("f1");
  const one = found.numbers.find((some) => some.name === name) ?? found.numbers[0]!;
  const end = Math.max(Date.parse(data.to), ...found.t.map((t) => t * 1000));
  const start = Math.min(Date.parse(data.from), ...found.t.map((t) => t * 1000));
  const span = useMemo(
    () => ({ from: new Date(start).toISOString(), to: new Date(end).toISOString() }),
    [start, end],
  );
  const shades = useShades(d, ["quality."], span);
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const { option, series } = useMemo(() => {
    const series: TimeSeries[] = [
      { name: "estimated", values: one.estimated, colour: token("accent"), dashed: true },
      { name: "realised", values: one.realised, colour: token("text") },
    ];
    const made = timeOption({
      t: found.t,
      bucketSeconds: 0,
      series,
      kind: "line",
      zone,
      max: 1,
      format: (value) => decimal(value, 3),
      span: [start, end],
      shades,
    });
    return { series, option: { ...made, series: [...drawnOf(made.series), ...now(one, end)] } };
  }, [found, one, zone, theme, start, end, shades]);
  const said = saying(one, found);
  return (
    <ChartPanel
      title={TITLE}
      subtitle={`${model} · newest ${count(found.images)} images · learned from n = ${count(found.reviewed)} drawn reviews`}
      summary={`${nameOf(one.name)}: ${said}`}
      option={option}
      height={176}
      time
      tools={
        found.numbers.length > 1 && (
          <Segments
            label="Estimate of"
            value={one.name}
            options={found.numbers.map((some) => ({ value: some.name, label: nameOf(some.name) }))}
            onChange={setName}
          />
        )
      }
      table={() => ({
        head: ["Window's end", "Estimated", "Realised"],
        rows: [
          ...found.t.map((t, i) => [
            dateTime(t * 1000, zone, true),
            decimal(one.estimated[i], 3),
            decimal(one.realised[i], 3),
          ]),
          [dateTime(end, zone, true), decimal(one.value, 3), null],
        ],
      })}
      note={
        <>
          <Legend series={series} shades={shades} />
          <p className={one.state === "off" ? "note small alarm" : "note small muted"}>
            {said} Windows of {count(found.window)} reviewed images. It does not see that boxes of a
            score are no longer right as often.
          </p>
        </>
      }
    />
  );
}

/** "0.912 [0.880, 0.944]", or why there is none. */
export function saying(one: LabelFreeNumber, { limit }: Pick<LabelFree, "limit">): string {
  const tested = `back-test error ${decimal(one.error, 3)}`;
  if (one.state === "off") return `Off: ${tested} > ${decimal(limit)}.`;
  if (one.value === null) return "No image in this range.";
  const range =
    one.low === null || one.high === null
      ? ", no interval yet"
      : ` [${decimal(one.low, 3)}, ${decimal(one.high, 3)}]`;
  const proof = one.state === "unproved" ? "not yet back-tested" : `${tested} ≤ ${decimal(limit)}`;
  return `${decimal(one.value, 3)}${range}, ${proof}.`;
}

const drawnOf = <T,>(series: T | T[] | undefined): T[] =>
  series === undefined ? [] : Array.isArray(series) ? series : [series];

/** The estimate of now: a dot on its interval. */
function now(one: LabelFreeNumber, at: number) {
  if (one.value === null) return [];
  const base = {
    type: "line" as const,
    name: "estimated now",
    itemStyle: { color: token("accent") },
  };
  const whisker = {
    ...base,
    silent: true,
    symbol: "none",
    lineStyle: { color: token("accent"), width: 2 },
    tooltip: { show: false },
    data: [
      [at, one.low],
      [at, one.high],
    ],
  };
  const dot = { ...base, symbol: "circle", symbolSize: 8, data: [[at, one.value]] };
  return one.low === null ? [dot] : [whisker, dot];
}
