import { Link } from "@tanstack/react-router";
import type { Dashboard } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Empty } from "@/components/states";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { count, percent } from "@/lib/format";

/** On how many images champion and shadow differ, with the confidence sequence of the share. */
export function Disagreement({ data, onZoom }: { data: Dashboard; onZoom: Zoom }) {
  const org = useOrg();
  const d = useDeploymentId();
  const { disagreement } = data;
  if (!disagreement || disagreement.total.compared === 0) {
    return (
      <Panel title="Disagreement">
        <Empty
          compact
          title={disagreement ? "No image in this range was answered by both" : "No shadow"}
          icon="info"
          action={
            <Link
              className="button"
              to="/o/$org/deployments/$d/rollouts/$r"
              params={{ org, d, r: "current" }}
            >
              Deploy a shadow
            </Link>
          }
        >
          It compares what champion and shadow answer to the same image.
        </Empty>
      </Panel>
    );
  }
  const { total, share, low, high, compared } = disagreement;
  const known = (values: number[]) => values.map((one, i) => (compared[i] ? one : null));
  const level = percent(disagreement.level);
  return (
    <TimePanel
      data={data}
      title="Disagreement"
      metrics={["disagreement."]}
      unit={`share of images · in all ${percent(total.share)} [${percent(total.low)}, ${percent(total.high)}], n = ${count(total.compared)}`}
      max={1}
      format={(value) => percent(value)}
      series={(colour) => [
        { name: `low, ${level}`, values: known(low), colour: colour("shadow"), faint: true },
        {
          name: `high, ${level}`,
          values: known(high),
          colour: colour("shadow"),
          faint: true,
          over: `low, ${level}`,
        },
        { name: "they differ", values: share, colour: colour("shadow") },
      ]}
      links={() => [{ name: "Open those that differ", condition: "disagreement > 0" }]}
      summary={`They differ on ${count(total.differ)} of ${count(total.compared)} images: ${percent(total.share, 1)}, ${level} confidence sequence ${percent(total.low, 1)} to ${percent(total.high, 1)}.`}
      onZoom={onZoom}
    />
  );
}
