import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import type { Dashboard } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { ChartPanel } from "@/components/ChartPanel";
import { Button } from "@/components/controls";
import { useShades } from "@/features/dashboard/shades";
import { count, dateTime } from "@/lib/format";
import { usePreferences, useTheme } from "@/lib/preferences";
import { adding, within } from "@/lib/query";
import {
  bucketName,
  gaps,
  type Shade,
  type TimeChart,
  type TimeSeries,
  timeOption,
} from "@/lib/timechart";

export type Zoom = (from: string, to: string) => void;

interface Props {
  data: Dashboard;
  title: string;
  unit: string;
  kind?: "line" | "bar";
  format: (value: number | null) => string;
  /** Colours are tokens, resolved anew when the theme changes. */
  series: (colour: (token: string) => string) => TimeSeries[];
  points?: (colour: (token: string) => string) => TimeChart["points"];
  t?: number[];
  line?: TimeChart["line"];
  log?: boolean;
  max?: number;
  floating?: boolean;
  onZoom: Zoom;
  tools?: ReactNode;
  wide?: boolean;
  summary?: string;
  /** The metrics that the chart shows, by the beginnings of their names: their alerts shade it. */
  metrics?: readonly string[];
  /** What the list that a click opens asks for besides the time. */
  condition?: string;
  /** Other lists that the values of a bucket lead to. */
  links?: (values: Record<string, number | null>) => { name: string; condition: string }[];
}

export function TimePanel(props: Props) {
  const { data, t = data.t, format, kind = "line" } = props;
  const { zone } = usePreferences();
  const theme = useTheme();
  const [pin, setPin] = useState<number | null>(null);
  const navigate = useNavigate();
  const org = useOrg();
  const d = useDeploymentId();
  const shades = useShades(d, props.metrics, data);
  const { series: makeSeries, points: makePoints, line, log, max, floating } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the makers close over `data` and `log`
  const { option, series } = useMemo(() => {
    const colour = (name: string) =>
      getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    const made = makeSeries(colour);
    const points = makePoints?.(colour);
    return {
      series: made,
      option: timeOption({
        t,
        bucketSeconds: data.bucket_seconds,
        series: made,
        points: points?.some((one) => one.data.length > 0) ? points : undefined,
        kind,
        zone,
        format,
        line,
        log,
        max,
        floating,
        span: [Date.parse(data.from), Date.parse(data.to)],
        shades,
      }),
    };
  }, [data, theme, zone, log, kind, t, shades]);

  const pick = (x: number, y: number) => {
    if (makePoints && data.points) {
      const width = Date.parse(data.to) - Date.parse(data.from);
      const near = nearest(makePoints(() => "")?.[0]?.data ?? [], x, y, width, max);
      const hit = near === null ? undefined : data.points[near];
      if (hit) {
        void navigate({
          to: "/o/$org/deployments/$d/review/$asset",
          params: { org, d, asset: hit.prediction },
          search: { src: "list" },
        });
        return;
      }
    }
    let index = -1;
    t.forEach((start, i) => {
      if (start * 1000 <= x) index = i;
    });
    setPin(index >= 0 ? index : null);
  };
  const breaks = series.reduce((n, one) => Math.max(n, gaps(one.values)), 0);
  return (
    <ChartPanel
      title={props.title}
      subtitle={`${props.unit} · ${bucketName(data.bucket_seconds)} buckets`}
      summary={[
        props.summary ?? "",
        breaks ? `${breaks} gaps.` : "No gaps.",
        ...shades.map((one) => `Alert: ${one.name}, from ${dateTime(one.from, zone)}.`),
      ].join(" ")}
      table={() => ({
        head: [`Time (${zone === "UTC" ? "UTC" : "local"})`, ...series.map((one) => one.name)],
        rows: t.map((at, i) => [
          dateTime(at * 1000, zone),
          ...series.map((one) => one.values[i] ?? null),
        ]),
      })}
      option={option}
      time
      wide={props.wide}
      tools={props.tools}
      onZoom={(from, to) => props.onZoom(new Date(from).toISOString(), new Date(to).toISOString())}
      onPick={pick}
      overlay={
        pin !== null && t[pin] !== undefined ? (
          <Pinned
            data={data}
            at={t[pin]}
            index={pin}
            series={series}
            format={format}
            condition={props.condition}
            links={props.links}
            onClose={() => setPin(null)}
          />
        ) : undefined
      }
      note={
        series.length > 1 || shades.length > 0 ? (
          <Legend
            series={series.length > 1 ? series : []}
            square={kind === "bar"}
            shades={shades}
          />
        ) : undefined
      }
    />
  );
}

function nearest(
  data: [number, number][],
  x: number,
  y: number,
  width: number,
  max: number | undefined,
): number | null {
  const top = max ?? Math.max(...data.map((one) => one[1]), 1e-9);
  let best: number | null = null;
  let distance = 0.0009;
  data.forEach(([px, py], i) => {
    const far = ((px - x) / width) ** 2 + ((py - y) / top / 3) ** 2;
    if (far < distance) {
      distance = far;
      best = i;
    }
  });
  return best;
}

export function Legend(props: {
  series: TimeSeries[];
  square?: boolean;
  shades?: readonly Shade[];
}) {
  const named = props.series.filter((one) => !one.faint);
  const alerts = new Map(props.shades?.map((one) => [one.name, one.tone]));
  return (
    <div className="legend" aria-hidden="true">
      {named.map((one) => (
        <span key={one.name} className="key">
          <span
            className={props.square ? "swatch square" : "swatch"}
            style={{ color: one.colour }}
          />
          {one.name}
        </span>
      ))}
      {[...alerts].map(([name, tone]) => (
        <span key={name} className="key">
          <span className="swatch shade" style={{ color: `var(--${tone})` }} />
          {name} fired
        </span>
      ))}
    </div>
  );
}

/** The tooltip of a click: it stays while live data arrives, and leads to the predictions behind it. */
function Pinned(props: {
  data: Dashboard;
  at: number;
  index: number;
  series: TimeSeries[];
  format: (value: number | null) => string;
  condition: Props["condition"];
  links: Props["links"];
  onClose: () => void;
}) {
  const org = useOrg();
  const d = useDeploymentId();
  const { zone } = usePreferences();
  const [frozen] = useState(() => ({
    at: props.at,
    rows: props.series.map((one) => ({ name: one.name, value: one.values[props.index] ?? null })),
    n: props.data.volume[props.data.t.indexOf(props.at)] ?? null,
  }));
  const bounds = within(frozen.at * 1000, (frozen.at + props.data.bucket_seconds) * 1000);
  const values = Object.fromEntries(frozen.rows.map((row) => [row.name, row.value]));
  const lists = [
    {
      name: frozen.n === null ? "Open the predictions" : `Open ${count(frozen.n)} predictions`,
      condition: props.condition ?? "",
    },
    ...(props.links?.(values) ?? []),
  ];
  return (
    <div className="pinned" role="dialog" aria-label="Pinned values">
      <div className="row">
        <strong className="grow">{dateTime(frozen.at * 1000, zone)}</strong>
        <Button tone="quiet" icon="cross" aria-label="Unpin" onClick={props.onClose} />
      </div>
      <dl>
        {frozen.rows.map((row) => (
          <div key={row.name}>
            <dt>{row.name}</dt>
            <dd>{props.format(row.value)}</dd>
          </div>
        ))}
        <div>
          <dt>n</dt>
          <dd>{count(frozen.n)}</dd>
        </div>
      </dl>
      {lists.map((one) => (
        <Link
          key={one.name}
          className="list"
          to="/o/$org/deployments/$d/predictions"
          params={{ org, d }}
          search={{ q: adding(one.condition, ...bounds) }}
        >
          {one.name}
        </Link>
      ))}
    </div>
  );
}
