import type { Dashboard, Deployment } from "@/api/types";
import { Bins } from "@/features/dashboard/Bins";
import { GlobalDistribution } from "@/features/dashboard/GlobalDistribution";
import { HeatMap } from "@/features/dashboard/HeatMap";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { compact, count, decimal } from "@/lib/format";
import { labelToken } from "@/lib/palette";
import { adding, quoted, within } from "@/lib/query";

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
  models: "champion" | "both" | "shadow";
  onZoom: Zoom;
}) {
  const { data, deployed, label, models } = props;
  const classified = deployed.type === "CLASSIFICATION";
  const counts = classified ? data.labels.images : data.labels.boxes;
  const groups = topLabels(data.labels.names, counts, label);
  const total = groups.reduce((n, one) => n + one.values.reduce((a, b) => a + b, 0), 0);
  const span = within(Date.parse(data.from), Date.parse(data.to));
  const of = (name: "scores" | "box_count" | "box_area") => ({
    champion: models === "shadow" && data.shadow ? null : data[name],
    shadow: models === "champion" ? null : (data.shadow?.[name] ?? null),
  });
  const perLabel = data.labels.names.map((_, i) => (counts[i] ?? []).reduce((a, b) => a + b, 0));
  return (
    <>
      <TimePanel
        key={label}
        data={data}
        title="Label distribution"
        metrics={["champion.", "shadow.", "boxes."]}
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
      <Bins
        title="Score"
        unit={`of each ${classified ? "image" : "shape"}, 0–1`}
        {...of("scores")}
        format={(value) => decimal(value)}
      />
      {!classified && (
        <>
          <Bins
            title="Shapes per image"
            unit="count"
            {...of("box_count")}
            whole
            format={count}
            query={(low) => adding(`boxes = ${low}`, ...span)}
          />
          <Bins
            title="Shape area"
            unit="share of the image, log scale"
            {...of("box_area")}
            format={(value) => `${Number((value * 100).toPrecision(2))} %`}
          />
        </>
      )}
    </>
  );
}
