import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { quality } from "@/api/queries";
import type { Dashboard, Deployment } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Empty, Failure, Loading, Notice } from "@/components/states";
import { ConfusionPanel } from "@/features/dashboard/Confusion";
import { Calibration, PrecisionRecall } from "@/features/dashboard/Curves";
import { Disagreement } from "@/features/dashboard/Disagreement";
import { ErrorKinds, Slices } from "@/features/dashboard/Findings";
import { HarmPanel } from "@/features/dashboard/HarmPanel";
import { LabelFreePanel } from "@/features/dashboard/LabelFreePanel";
import { LabelScores } from "@/features/dashboard/LabelScores";
import { type Judged, Scores } from "@/features/dashboard/Scores";
import type { Zoom } from "@/features/dashboard/TimePanel";
import { count, percent } from "@/lib/format";

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
  ["image_f1", "F1 of an image"],
] as const;
const CLASSIFIED = [
  ["accuracy", "Accuracy"],
  ["macro_f1", "Macro F1"],
  ["weighted_f1", "Weighted F1"],
] as const;

export function AgreementGroup(props: {
  data: Dashboard;
  deployed: Deployment;
  models: Models;
  onZoom: Zoom;
}) {
  const { data, deployed, models, onZoom } = props;
  const ofShadow = models === "shadow" && deployed.shadow !== null;
  return (
    <>
      <Disagreement data={data} onZoom={onZoom} />
      <HarmPanel />
      <LabelFreePanel data={data} model={ofShadow ? "shadow" : "champion"} />
    </>
  );
}

/** What reviews say of the models: on reviewed images, and as estimate for all of production. */
export function QualityGroup(props: { data: Dashboard; deployed: Deployment; models: Models }) {
  const { data, deployed, models } = props;
  const d = useDeploymentId();
  const span = { from: data.from, to: data.to };
  const wantsShadow = models !== "champion" && deployed.shadow !== null;
  const wantsChampion = models !== "shadow" || deployed.shadow === null;
  const first = useQuery({ ...quality(d, "champion", span), enabled: wantsChampion });
  const second = useQuery({ ...quality(d, "shadow", span), enabled: wantsShadow });
  const judged: Judged[] = [];
  if (wantsChampion && first.data?.report) {
    judged.push({ name: "champion", report: first.data.report });
  }
  if (wantsShadow && second.data?.report) {
    judged.push({ name: "shadow", report: second.data.report });
  }
  const main = judged[0];
  const error = (wantsChampion && first.error) || (wantsShadow && second.error);
  if (!main && error) {
    return (
      <Panel title="Quality" wide>
        <Failure error={error} retry={() => void first.refetch()} />
      </Panel>
    );
  }
  if (!main && ((wantsChampion && first.isPending) || (wantsShadow && second.isPending))) {
    return (
      <Panel title="Quality" wide>
        <Loading rows={4} label="Loading the reviews" />
      </Panel>
    );
  }
  if (!main) return <NoReview />;
  const said = main.report.on_reviewed;
  const estimate = main.report.estimate;
  const kinds = estimate
    ? `n = ${count(said.images)} reviewed · production: effective n = ${count(estimate.effective)}`
    : `n = ${count(said.images)} reviewed`;
  const skipped = estimate?.if_skipped;
  return (
    <>
      {skipped && (
        <div className="wide">
          <Notice tone="warn">
            {percent(estimate?.skipped_share, 1)} of the drawn weight was skipped: {skipped.name}{" "}
            would be between {skipped.low.toFixed(3)} and {skipped.high.toFixed(3)} with it.
          </Notice>
        </div>
      )}
      {"accuracy" in said ? (
        <>
          <Scores title="Classification" subtitle={kinds} rows={CLASSIFIED} models={judged} />
          <ConfusionPanel confusion={said.confusion} images={said.images} />
        </>
      ) : (
        <>
          <Scores title="Average precision" subtitle={kinds} rows={AP} models={judged} />
          <Scores title="Average recall" subtitle={kinds} rows={AR} models={judged} />
          <Scores
            title="At the threshold"
            subtitle={`score ≥ ${deployed.threshold.toFixed(2)}, IoU ≥ 0.5`}
            rows={AT_THRESHOLD}
            models={judged}
          />
          <PrecisionRecall models={judged} />
          {main.report.confusion && (
            <ConfusionPanel
              confusion={main.report.confusion}
              images={main.report.confusion.images}
              background
            />
          )}
          <ErrorKinds models={judged} />
        </>
      )}
      <LabelScores of={main} />
      <Calibration models={judged} />
      <Slices of={main} />
    </>
  );
}

function NoReview() {
  const org = useOrg();
  const d = useDeploymentId();
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
