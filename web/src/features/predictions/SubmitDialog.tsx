import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { post } from "@/api/client";
import { datasetVersions, feedbackLoop } from "@/api/queries";
import type { Submitted } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Notice } from "@/components/states";
import { toast } from "@/components/toasts";
import { count } from "@/lib/format";

/** Copies reviews into the feedback loop; what it refuses stays on screen, with the reason. */
export function SubmitDialog(props: {
  ids: string[] | null;
  n: number;
  left: number;
  nameOf: (id: string) => string;
  onClose: () => void;
  onDone: () => void;
}) {
  const d = useDeploymentId();
  const org = useOrg();
  const client = useQueryClient();
  const { data: loop } = useQuery(feedbackLoop(d));
  const { data: versions } = useQuery(datasetVersions());
  const targets = (versions?.items ?? []).filter((one) => loop?.dataset_versions.includes(one.id));
  const submit = useMutation({
    mutationFn: () =>
      post<Submitted>(
        "review",
        `/deployments/${d}/submissions`,
        props.ids === null ? { all_reviewed: true } : { predictions: props.ids },
      ),
    onSuccess: (answer) => {
      void client.invalidateQueries({ queryKey: ["predictions", d] });
      void client.invalidateQueries({ queryKey: ["counts", d] });
      void client.invalidateQueries({ queryKey: ["training", d] });
      props.onDone();
      if (answer.refused.length > 0) return;
      toast(`${count(answer.submitted)} sent: submitted once they are in the dataset`, {
        tone: "ok",
      });
      props.onClose();
    },
  });
  const off = loop !== undefined && (!loop.active || targets.length === 0);
  if (submit.data && submit.data.refused.length > 0) {
    return <Outcome answer={submit.data} nameOf={props.nameOf} onClose={props.onClose} />;
  }
  return (
    <Dialog
      title={`Submit ${count(props.n)} reviewed ${props.n === 1 ? "prediction" : "predictions"}`}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button tone="primary" disabled={submit.isPending || off} onClick={() => submit.mutate()}>
            Submit {count(props.n)}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Picture and review are copied into{" "}
          {targets.length === 0
            ? "the feedback loop's dataset versions"
            : targets.map((one) => `${one.dataset_name} ${one.version}`).join(", ")}
          .
        </p>
        {props.left > 0 && (
          <p className="muted">
            {count(props.left)} of the selection stay out: not reviewed, or submitted before.
          </p>
        )}
        {off && (
          <Notice tone="warn">
            The feedback loop is off or has no target: it would refuse them.{" "}
            <Link
              to="/o/$org/deployments/$d/settings/$stage"
              params={{ org, d, stage: "feedback-loop" }}
            >
              Set it
            </Link>
          </Notice>
        )}
        <FormProblem error={submit.error} />
      </div>
    </Dialog>
  );
}

function Outcome(props: {
  answer: Submitted;
  nameOf: (id: string) => string;
  onClose: () => void;
}) {
  const { submitted, refused } = props.answer;
  return (
    <Dialog
      title={`${count(submitted)} sent, ${count(refused.length)} refused`}
      onClose={props.onClose}
      actions={<Button onClick={props.onClose}>Close</Button>}
    >
      <ul className="refused" aria-label="Refused">
        {refused.map((one) => (
          <li key={one.prediction}>
            <strong>{props.nameOf(one.prediction)}</strong> {one.why}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
