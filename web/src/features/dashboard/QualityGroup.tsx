import { Link } from "@tanstack/react-router";
import type { ClassificationQuality, Dashboard, Deployment, Quality } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Empty } from "@/components/states";
import { ClassificationPanels } from "@/features/dashboard/ClassificationPanels";
import { count, decimal } from "@/lib/format";

type Models = "champion" | "both" | "shadow";

const AP = [
  ["ap_50_95", "AP @.50:.95"],
  ["ap_50", "AP @.50"],
  ["ap_75", "AP @.75"],
  ["ap_small", "AP small"],
  ["ap_medium", "AP medium"],
  ["ap_large", "AP large"],
] as const;
const AR = [
  ["ar_50_95", "AR @.50:.95"],
  ["ar_50", "AR @.50"],
  ["ar_75", "AR @.75"],
  ["ar_small", "AR small"],
  ["ar_medium", "AR medium"],
  ["ar_large", "AR large"],
] as const;
const AT_THRESHOLD = [
  ["precision", "Precision"],
  ["recall", "Recall"],
  ["f1", "F1"],
] as const;

type Score = Exclude<keyof Quality, "per_label" | "macro" | "weighted">;
type Rows = readonly (readonly [Score, string])[];

export function isClassification(
  quality: Quality | ClassificationQuality,
): quality is ClassificationQuality {
  return "confusion" in quality;
}

export function QualityGroup(props: { data: Dashboard; deployed: Deployment; models: Models }) {
  const { data, deployed, models } = props;
  const org = useOrg();
  const d = useDeploymentId();
  const { champion, shadow, reviewed } = data.quality;
  const first = champion ?? shadow;
  if (!first || reviewed === 0) {
    return (
      <Panel title="Quality" wide>
        <Empty
          compact
          title="No reviewed image in this range"
          icon="eye"
          action={
            <Link
              className="button primary"
              to="/o/$org/deployments/$d/review/$asset"
              params={{ org, d, asset: "next" }}
              search={{ src: "queue" }}
            >
              Review
            </Link>
          }
        >
          Average precision and recall compare predictions with reviews.
        </Empty>
      </Panel>
    );
  }
  if (isClassification(first)) {
    return (
      <ClassificationPanels
        champion={champion as ClassificationQuality | null}
        shadow={shadow as ClassificationQuality | null}
        kind={data.quality.kind}
      />
    );
  }
  const both = {
    champion: models === "shadow" ? null : (champion as Quality | null),
    shadow: models === "champion" ? null : (shadow as Quality | null),
  };
  const subtitle = `${data.quality.kind} · n = ${count(reviewed)} images`;
  return (
    <>
      <Scores title="Average precision" subtitle={subtitle} rows={AP} {...both} />
      <Scores title="Average recall" subtitle={subtitle} rows={AR} {...both} />
      <Scores
        title="At the threshold"
        subtitle={`score ≥ ${deployed.threshold}, IoU ≥ 0.5 · n = ${count(reviewed)}`}
        rows={AT_THRESHOLD}
        {...both}
      />
    </>
  );
}

function Scores(props: {
  title: string;
  subtitle: string;
  rows: Rows;
  champion: Quality | null;
  shadow: Quality | null;
}) {
  const models = [
    { name: "champion", quality: props.champion },
    { name: "shadow", quality: props.shadow },
  ].filter((one): one is { name: string; quality: Quality } => one.quality !== null);
  return (
    <Panel
      title={props.title}
      subtitle={props.subtitle}
      summary={models
        .map(
          (one) => `${one.name} ${props.rows[0]![1]} ${decimal(one.quality[props.rows[0]![0]], 3)}`,
        )
        .join(", ")}
      table={() => ({
        head: ["Metric", ...models.map((one) => one.name)],
        rows: props.rows.map(([key, name]) => [
          name,
          ...models.map((one) => decimal(one.quality[key], 3)),
        ]),
      })}
    >
      <ul className="scores">
        {props.rows.map(([key, name]) => (
          <li key={key}>
            <span>{name}</span>
            <span className="tracks">
              {models.map((one) => (
                <span key={one.name} className="track">
                  <span
                    className={`fill ${one.name}`}
                    style={{ width: `${100 * (one.quality[key] ?? 0)}%` }}
                  />
                </span>
              ))}
            </span>
            <span className="values">
              {models.map((one) => (
                <span
                  key={one.name}
                  className={one.name}
                  title={one.quality[key] === null ? "No ground truth of this size" : one.name}
                >
                  {decimal(one.quality[key], 3)}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
