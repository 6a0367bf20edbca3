import { useState } from "react";
import type { Dashboard } from "@/api/types";
import { Button } from "@/components/controls";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { compact, count, seconds } from "@/lib/format";

type Models = "champion" | "both" | "shadow";

export function ServiceGroup(props: { data: Dashboard; models: Models; onZoom: Zoom }) {
  const { data, models, onZoom } = props;
  const [log, setLog] = useState(false);
  const { champion, shadow } = data.latency;
  const showChampion = models !== "shadow" || !shadow;
  const showShadow = models !== "champion" && shadow;
  const last = champion.p95.filter((one) => one !== null).at(-1);
  return (
    <>
      <TimePanel
        data={data}
        title="Volume"
        metrics={["volume"]}
        unit="predictions"
        kind="bar"
        format={(value) => (value === null ? "–" : compact(value))}
        series={(colour) => [
          { name: "predictions", values: data.volume, colour: colour("champion") },
        ]}
        summary={`${count(data.predictions)} predictions.`}
        onZoom={onZoom}
      />
      <TimePanel
        key={`latency ${models} ${log}`}
        data={data}
        title="Latency"
        metrics={["latency."]}
        unit="seconds"
        format={seconds}
        log={log}
        points={(colour) =>
          data.points && showChampion
            ? [
                {
                  name: "champion",
                  colour: colour("champion"),
                  data: data.points.map((one) => [one.t * 1000, one.latency]),
                },
              ]
            : undefined
        }
        series={(colour) => [
          ...(showChampion
            ? [
                { name: "champion p50", values: champion.p50, colour: colour("champion") },
                {
                  name: "champion p95",
                  values: champion.p95,
                  colour: colour("champion"),
                  faint: true,
                  over: "champion p50",
                },
                {
                  name: "champion p99",
                  values: champion.p99,
                  colour: colour("champion"),
                  faint: true,
                },
              ]
            : []),
          ...(showShadow
            ? [
                {
                  name: "shadow p50",
                  values: shadow.p50,
                  colour: colour("shadow"),
                  dashed: true,
                },
                {
                  name: "shadow p95",
                  values: shadow.p95,
                  colour: colour("shadow"),
                  dashed: true,
                  faint: true,
                  over: "shadow p50",
                },
              ]
            : []),
        ]}
        links={(values) => {
          const p95 = values["champion p95"];
          if (p95 === null || p95 === undefined) return [];
          const least = Number(p95.toPrecision(3));
          return [{ name: `Open those ≥ ${seconds(least)}`, condition: `latency >= ${least}` }];
        }}
        summary={`p95 ${seconds(last)}.`}
        onZoom={onZoom}
        tools={
          <Button tone="quiet" aria-pressed={log} onClick={() => setLog(!log)}>
            log
          </Button>
        }
      />
    </>
  );
}
