import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { harm } from "@/api/queries";
import type { Harm } from "@/api/types";
import { useDeploymentId } from "@/app/params";
import { ChartPanel, Panel } from "@/components/ChartPanel";
import { Progress } from "@/components/controls";
import { Empty, Failure, Skeleton } from "@/components/states";
import { count, dateTime, decimal, percent } from "@/lib/format";
import { token } from "@/lib/palette";
import { usePreferences, useTheme } from "@/lib/preferences";
import { timeOption } from "@/lib/timechart";

/** Whether the champion loses more than it did: an alarm that may be read as often as one likes. */
export function HarmPanel() {
  const d = useDeploymentId();
  const { data, error, refetch } = useQuery(harm(d));
  if (data && data.t.length > 0) return <Evidence data={data} />;
  return (
    <Panel title="Harm" subtitle="is the champion worse than it was?">
      {error && !data ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : !data ? (
        <Skeleton height={160} />
      ) : (
        <Empty compact title={`${data.baseline.images} of ${data.baseline.needed} drawn reviews`}>
          <Progress
            label="Reviews for the baseline"
            done={data.baseline.images}
            total={data.baseline.needed}
          />
          <p>
            The first {data.baseline.needed} reviews of the queue say what is usual
            {data.baseline.loss === null ? "" : ` (loss ${decimal(data.baseline.loss)} so far)`}.
            Those after them are compared with it.
          </p>
        </Empty>
      )}
    </Panel>
  );
}

function Evidence({ data }: { data: Harm }) {
  const theme = useTheme();
  const { zone } = usePreferences();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const option = useMemo(() => {
    const [from, to] = [Math.min(...data.t), Math.max(...data.t)];
    return timeOption({
      t: [],
      bucketSeconds: 0,
      series: [],
      points: [
        {
          name: "evidence",
          colour: token(data.state === "ringing" ? "danger" : "accent"),
          data: data.t.map((t, i): [number, number] => [t * 1000, data.evidence[i]!]),
        },
      ],
      kind: "line",
      zone,
      floating: true,
      format: (value) => decimal(value, 1),
      line: { value: data.threshold, name: "rings at" },
      span: [from * 1000, Math.max(to, from + 60) * 1000],
    });
  }, [data, zone, theme]);
  const { baseline } = data;
  const said =
    data.state === "ringing"
      ? `Worse than it was, since ${data.rang ? dateTime(data.rang, zone) : "now"}.`
      : "No harm shown.";
  return (
    <ChartPanel
      title="Harm"
      subtitle={`log₁₀ of the evidence · n = ${count(data.images)} drawn reviews`}
      summary={`${said} Loss ${decimal(data.loss, 3)}, at most ${decimal(baseline.bound, 3)} before.`}
      option={option}
      height={176}
      time
      table={() => ({
        head: ["Time", "Evidence"],
        rows: data.t.map((t, i) => [dateTime(t * 1000, zone, true), decimal(data.evidence[i])]),
      })}
      note={
        <p className={data.state === "ringing" ? "note small alarm" : "note small muted"}>
          {said} Mean loss {decimal(data.loss, 3)}; before, {decimal(baseline.loss, 3)} and at most{" "}
          {decimal(baseline.bound, 3)}. False at most once in {Math.round(1 / data.alpha)}{" "}
          deployments; margin {percent(data.margin)}.
        </p>
      }
    />
  );
}
