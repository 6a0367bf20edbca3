import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { feedbackLoop, reference, training } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { useOrg } from "@/app/params";
import { Icon } from "@/components/Icon";
import { useLiveQueries } from "@/lib/live/hooks";

type Tone = "ok" | "warn" | "danger" | "accent" | "";

export const POLICY_NAMES = {
  DEPLOY_SHADOW: "shadow",
  DEPLOY_CHAMPION: "champion",
  DEPLOY_MANUAL: "manual",
  AUTO_PROMOTE: "auto-promote",
} as const;

/** The pipeline at a glance; each badge opens its setting. */
export function StageBadges({ deployment }: { deployment: Deployment }) {
  const d = deployment.id;
  const data = useQuery(reference(d)).data;
  const loop = useQuery(feedbackLoop(d)).data;
  const train = useQuery(training(d)).data;
  useLiveQueries(
    ["reference", "job", "submission", "retraining", "dataset_version"],
    [
      ["reference", d],
      ["feedback-loop", d],
      ["training", d],
    ],
    { deployment: d },
  );
  return (
    <span className="row wrap">
      {data && (
        <Stage
          d={d}
          stage="training-data"
          name="Training data"
          tone={
            ({ none: "", computing: "accent", ready: "ok", failed: "danger" } as const)[data.state]
          }
          value={
            {
              none: "off",
              computing: data.total ? `${Math.floor((100 * data.done) / data.total)} %` : "…",
              ready: null,
              failed: "failed",
            }[data.state]
          }
        />
      )}
      {loop && (
        <Stage
          d={d}
          stage="feedback-loop"
          name="Feedback"
          tone={loop.active ? "ok" : ""}
          value={loop.active ? (loop.automatic ? "automatic" : null) : "off"}
        />
      )}
      {train && (
        <Stage
          d={d}
          stage="training"
          name="Training"
          tone={train.active ? "ok" : ""}
          value={
            train.active
              ? `${train.running ? "running " : ""}${train.submitted}/${train.threshold}${train.alert_rules.length > 0 ? " or alert" : ""}`
              : "off"
          }
        />
      )}
      <Stage
        d={d}
        stage="delivery"
        name="Delivery"
        tone={deployment.delivery.active ? "ok" : ""}
        value={deployment.delivery.active ? POLICY_NAMES[deployment.delivery.policy] : "off"}
      />
    </span>
  );
}

function Stage(props: {
  d: string;
  stage: string;
  name: string;
  tone: Tone;
  value: string | null;
}) {
  const org = useOrg();
  return (
    <Link
      to="/o/$org/deployments/$d/settings/$stage"
      params={{ org, d: props.d, stage: props.stage }}
      className={`badge ${props.tone}`}
      title={`${props.name}: ${props.value ?? "on"}`}
    >
      {props.name}{" "}
      {props.value === null ? <Icon name="check" size={12} /> : <span>{props.value}</span>}
    </Link>
  );
}
