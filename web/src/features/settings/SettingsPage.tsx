import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { deployment } from "@/api/queries";
import { useDeploymentId, useOrg } from "@/app/params";
import { Empty, Loaded } from "@/components/states";
import { AlertsCard } from "@/features/alerts/AlertsCard";
import { DeliveryCard } from "@/features/settings/DeliveryCard";
import { FeedbackCard } from "@/features/settings/FeedbackCard";
import { GeneralCard } from "@/features/settings/GeneralCard";
import { TrainingCard } from "@/features/settings/TrainingCard";
import { TrainingDataCard } from "@/features/settings/TrainingDataCard";
import { useLiveQueries } from "@/lib/live/hooks";
import "@/features/settings/settings.css";

const STAGES = [
  ["general", "General", GeneralCard],
  ["training-data", "Training data", TrainingDataCard],
  ["feedback-loop", "Feedback loop", FeedbackCard],
  ["training", "Training", TrainingCard],
  ["delivery", "Delivery", DeliveryCard],
  ["alerts", "Alerts", AlertsCard],
] as const;

export default function SettingsPage() {
  const d = useDeploymentId();
  const org = useOrg();
  const { stage } = useParams({ from: "/inside/o/$org/deployments/$d/settings/$stage" });
  const query = useQuery(deployment(d));
  useLiveQueries(
    [
      "reference",
      "job",
      "retraining",
      "submission",
      "dataset_version",
      "experiment",
      "deployment",
      "alert",
    ],
    [
      ["reference", d],
      ["training", d],
      ["feedback-loop", d],
      ["deployment", d],
    ],
    { deployment: d },
  );
  const chosen = STAGES.find(([path]) => path === stage);
  return (
    <div className="content settings">
      <nav aria-label="Settings">
        {STAGES.map(([path, name]) => (
          <Link
            key={path}
            to="/o/$org/deployments/$d/settings/$stage"
            params={{ org, d, stage: path }}
            activeProps={{ className: "active" }}
          >
            {name}
          </Link>
        ))}
      </nav>
      <div className="settings-body">
        {chosen ? (
          <Loaded query={query}>
            {(deployed) => {
              const Card = chosen[2];
              return <Card key={`${d} ${stage}`} deployed={deployed} />;
            }}
          </Loaded>
        ) : (
          <Empty title={`There is no setting “${stage}”`} icon="search" />
        )}
      </div>
    </div>
  );
}
