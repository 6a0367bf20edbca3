import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { drift } from "@/api/queries";
import type { Dashboard, DriftFeature } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Progress } from "@/components/controls";
import { Empty, Failure } from "@/components/states";
import { Cdf } from "@/features/dashboard/Cdf";
import { ImageSize } from "@/features/dashboard/ImageSize";
import { LastPredictions } from "@/features/dashboard/LastPredictions";
import { Pictures } from "@/features/dashboard/Pictures";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { decimal, percent } from "@/lib/format";

export function InputGroup({ data, onZoom }: { data: Dashboard; onZoom: Zoom }) {
  const { outlier } = data;
  return (
    <>
      {outlier ? (
        <TimePanel
          data={data}
          title="Outlier score"
          metrics={["outlier."]}
          unit="1 − p"
          max={1}
          format={(value) => decimal(value)}
          line={{ value: outlier.alarm, name: "alarm" }}
          links={() => [{ name: "Open those in alarm", condition: `outlier >= ${outlier.alarm}` }]}
          points={(colour) =>
            data.points
              ? [
                  {
                    name: "outlier score",
                    colour: colour("accent"),
                    data: data.points.map((one): [number, number] => [
                      one.t * 1000,
                      one.outlier ?? Number.NaN,
                    ]),
                  },
                ]
              : undefined
          }
          series={(colour) => [
            { name: "p50", values: outlier.p50, colour: colour("accent") },
            {
              name: "p95",
              values: outlier.p95,
              colour: colour("accent"),
              faint: true,
              over: "p50",
            },
            {
              name: "share in alarm",
              values: outlier.share_alarm,
              colour: colour("danger"),
            },
          ]}
          summary={`Alarm at ${outlier.alarm}.`}
          onZoom={onZoom}
        />
      ) : (
        <NeedsTrainingData title="Outlier score" data={data} />
      )}
      {data.drift ? (
        <TimePanel
          data={data}
          title="Drift"
          metrics={["drift."]}
          unit="Kolmogorov–Smirnov D"
          t={data.drift.t}
          max={1}
          format={(value) => decimal(value)}
          line={
            data.drift.threshold === null
              ? undefined
              : { value: data.drift.threshold, name: "threshold" }
          }
          series={(colour) => [{ name: "D", values: data.drift!.d, colour: colour("shadow") }]}
          summary={data.drift.alarm ? "Alarm: the live window differs." : "No alarm."}
          onZoom={onZoom}
        />
      ) : (
        <NeedsTrainingData title="Drift" data={data} />
      )}
      {data.drift && data.drift.features.length > 0 && <Features data={data} />}
      <div className="panels wide">
        <Pictures data={data} onZoom={onZoom} />
        <ImageSize data={data} />
      </div>
      <LastPredictions data={data} />
    </>
  );
}

function Features({ data }: { data: Dashboard }) {
  const d = useDeploymentId();
  const { feature } = useSearch({ from: "/inside/o/$org/deployments/$d/dashboard" });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/dashboard" });
  const features = [...data.drift!.features].sort((a, b) => b.d / b.threshold - a.d / a.threshold);
  const chosen = feature ?? features[0]!.name;
  const curves = useQuery({ ...drift(d, chosen), placeholderData: (old) => old });
  const choose = (name: string) =>
    void navigate({ search: (old) => ({ ...old, feature: name }), replace: true });
  return (
    <Panel
      title="Drift by feature"
      subtitle={`last ${data.drift!.window} images against training`}
      wide
      table={() => ({
        head: ["Feature", "D", "Threshold", "p", "Rejected"],
        rows: features.map((one) => [
          one.name,
          one.d,
          one.threshold,
          one.p,
          one.rejected ? "yes" : "no",
        ]),
      })}
    >
      <div className="features">
        <ul>
          {features.slice(0, 8).map((one) => (
            <FeatureRow
              key={one.name}
              feature={one}
              chosen={one.name === chosen}
              onChoose={choose}
            />
          ))}
        </ul>
        <div className="cdf">
          {curves.data && <Cdf curves={curves.data} />}
          {curves.error && !curves.data && (
            <Failure error={curves.error} retry={() => void curves.refetch()} />
          )}
        </div>
      </div>
    </Panel>
  );
}

function FeatureRow(props: {
  feature: DriftFeature;
  chosen: boolean;
  onChoose: (name: string) => void;
}) {
  const { feature } = props;
  return (
    <li>
      <button
        type="button"
        className="feature"
        aria-pressed={props.chosen}
        onClick={() => props.onChoose(feature.name)}
      >
        <span className="truncate">{feature.name}</span>
        <span className="bar">
          <span
            className={feature.rejected ? "fill rejected" : "fill"}
            style={{ width: `${Math.min(100, feature.d * 100)}%` }}
          />
          <span className="mark" style={{ left: `${Math.min(100, feature.threshold * 100)}%` }} />
        </span>
        <span className="num">{decimal(feature.d)}</span>
      </button>
    </li>
  );
}

export function NeedsTrainingData({ title, data }: { title: string; data: Dashboard }) {
  const org = useOrg();
  const d = useDeploymentId();
  const { reference } = data;
  const set = (
    <Link
      className="button"
      to="/o/$org/deployments/$d/settings/$stage"
      params={{ org, d, stage: "training-data" }}
    >
      {reference.state === "none" ? "Set training data" : "Open training data"}
    </Link>
  );
  return (
    <Panel title={title}>
      {reference.state === "computing" ? (
        <Empty
          compact
          title={`Reference ${percent(reference.total ? reference.done / reference.total : 0)}`}
          action={set}
        >
          <Progress done={reference.done} total={reference.total} label="Reference" />
        </Empty>
      ) : reference.state === "failed" ? (
        <Empty compact title="The reference failed" icon="warn" action={set}>
          {reference.error}
        </Empty>
      ) : reference.state === "ready" ? (
        <Empty compact title="No scored image in this range" icon="clock" />
      ) : (
        <Empty compact title="Needs training data" icon="info" action={set}>
          It compares live images with those the model was trained on.
        </Empty>
      )}
    </Panel>
  );
}
