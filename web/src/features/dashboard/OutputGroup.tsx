import type { Dashboard, Deployment, Histogram } from "@/api/types";
import { Panel } from "@/components/ChartPanel";
import { Empty } from "@/components/states";
import { GlobalDistribution } from "@/features/dashboard/GlobalDistribution";
import { HeatMap } from "@/features/dashboard/HeatMap";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { compact, count, decimal } from "@/lib/format";
import { labelToken } from "@/lib/palette";
import { quoted } from "@/lib/query";

const TOP = 8;

interface Group {
  name: string;
  slot: number | null;
  values: number[];
}

/** The eight most frequent labels in the labelmap's order, the rest summed. */
export function topLabels(names: string[], boxes: number[][], only?: string): Group[] {
  const all = names.map((name, i) => ({ name, slot: i as number | null, values: boxes[i] ?? [] }));
  if (only) return all.filter((one) => one.name === only);
  if (all.length <= TOP) return all;
  const sum = (one: Group) => one.values.reduce((a, b) => a + b, 0);
  const top = new Set([...all].sort((a, b) => sum(b) - sum(a)).slice(0, TOP));
  const rest = all.filter((one) => !top.has(one));
  const values = rest[0]!.values.map((_, i) =>
    rest.reduce((n, one) => n + (one.values[i] ?? 0), 0),
  );
  return [...all.filter((one) => top.has(one)), { name: "other", slot: null, values }];
}

export function OutputGroup(props: {
  data: Dashboard;
  deployed: Deployment;
  label: string | undefined;
  onZoom: Zoom;
}) {
  const { data, deployed, label } = props;
  const classified = deployed.type === "CLASSIFICATION";
  const counts = classified ? data.labels.images : data.labels.boxes;
  const groups = topLabels(data.labels.names, counts, label);
  const total = groups.reduce((n, one) => n + one.values.reduce((a, b) => a + b, 0), 0);
  const perLabel = data.labels.names.map((_, i) => (counts[i] ?? []).reduce((a, b) => a + b, 0));
  return (
    <>
      <TimePanel
        key={label}
        data={data}
        title="Label distribution"
        unit={classified ? "images per label" : "shapes per label"}
        kind="bar"
        format={(value) => (value === null ? "–" : compact(value))}
        series={(colour) =>
          groups.map((one) => ({
            name: one.name,
            values: one.values,
            colour: colour(one.slot === null ? "control" : labelToken(one.slot)),
          }))
        }
        condition={label ? `labels = ${quoted(label)}` : undefined}
        summary={`${count(total)} in ${groups.length} labels.`}
        onZoom={props.onZoom}
      />
      <GlobalDistribution data={data} counts={perLabel} />
      {!classified && <HeatMap data={data} label={label} />}
      <Bars
        title="Score"
        unit={`of each ${classified ? "image" : "shape"}, 0–1`}
        histogram={data.scores}
        format={(value) => decimal(value)}
      />
      {!classified && (
        <>
          <Bars title="Shapes per image" unit="count" histogram={data.box_count} format={count} />
          <Bars
            title="Shape area"
            unit="share of the image, log scale"
            histogram={data.box_area}
            format={(value) => `${Number((value * 100).toPrecision(2))} %`}
          />
        </>
      )}
    </>
  );
}

function Bars(props: {
  title: string;
  unit: string;
  histogram: Histogram;
  format: (edge: number) => string;
}) {
  const { edges, counts } = props.histogram;
  const n = counts.reduce((a, b) => a + b, 0);
  const top = Math.max(1, ...counts);
  const edge = (value: number | undefined) => (value === undefined ? "" : props.format(value));
  const label = `${props.title}: ${count(n)} values from ${edge(edges[0])} to ${edge(edges.at(-1))}`;
  return (
    <Panel
      title={props.title}
      subtitle={`${props.unit} · n = ${compact(n)}`}
      summary={label}
      table={() => ({
        head: ["From", "To", "Count"],
        rows: counts.map((value, i) => [edge(edges[i]), edge(edges[i + 1]), value]),
      })}
    >
      {n === 0 ? (
        <Empty compact title="None in this range" />
      ) : (
        <div className="histogram">
          <svg
            viewBox={`0 0 ${counts.length * 10} 100`}
            preserveAspectRatio="none"
            role="img"
            aria-label={label}
          >
            {counts.map((value, i) => (
              <rect
                // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place
                key={i}
                x={i * 10 + 0.5}
                width={9}
                y={100 - (value / top) * 100}
                height={(value / top) * 100}
              >
                <title>{`${edge(edges[i])} – ${edge(edges[i + 1])}: ${count(value)}`}</title>
              </rect>
            ))}
          </svg>
          <div className="scale small muted">
            <span>{edge(edges[0])}</span>
            <span>{edge(edges[Math.floor(edges.length / 2)])}</span>
            <span>{edge(edges.at(-1))}</span>
          </div>
        </div>
      )}
    </Panel>
  );
}
