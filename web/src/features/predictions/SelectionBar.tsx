import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { datasetVersions, feedbackLoop } from "@/api/queries";
import type { Predicted } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Button, RightButton } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Notice } from "@/components/states";
import { toast } from "@/components/toasts";
import { count } from "@/lib/format";

interface Submitted {
  submitted: number;
  refused: { prediction: string; why: string }[];
}

export function SelectionBar(props: {
  items: readonly Predicted[];
  selected: ReadonlySet<string>;
  reviewed: number;
  onClear: () => void;
  onFirst: (n: number) => void;
}) {
  const { items, selected, reviewed } = props;
  const [asking, setAsking] = useState<"selected" | "all" | null>(null);
  const chosen = items.filter((one) => selected.has(one.id));
  const ready = chosen.filter((one) => one.status === "REVIEWED");
  if (selected.size === 0 && reviewed === 0) return null;
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selection">
      {selected.size > 0 ? (
        <>
          <strong>{count(selected.size)} selected</strong>
          <RightButton
            scope="reviews:submit"
            tone="primary"
            aria-disabled={ready.length === 0}
            title={ready.length === 0 ? "None of them is reviewed and unsubmitted" : undefined}
            onClick={() => ready.length > 0 && setAsking("selected")}
          >
            Submit {count(ready.length)}
          </RightButton>
          <Button onClick={props.onClear}>Clear selection</Button>
        </>
      ) : (
        <>
          <span className="muted">Select with X or the boxes</span>
          <Button onClick={() => props.onFirst(100)}>First 100</Button>
        </>
      )}
      {reviewed > 0 && (
        <RightButton scope="reviews:submit" onClick={() => setAsking("all")}>
          Submit all reviewed ({count(reviewed)})
        </RightButton>
      )}
      {asking && (
        <SubmitDialog
          ids={asking === "selected" ? ready.map((one) => one.id) : null}
          n={asking === "selected" ? ready.length : reviewed}
          left={asking === "selected" ? chosen.length - ready.length : 0}
          onClose={() => setAsking(null)}
          onDone={props.onClear}
        />
      )}
    </div>
  );
}

function SubmitDialog(props: {
  ids: string[] | null;
  n: number;
  left: number;
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
      const refused = answer.refused.length;
      toast(
        `${count(answer.submitted)} submitted${refused ? `, ${refused} refused: ${answer.refused[0]!.why}` : ""}`,
        { tone: refused ? "danger" : "ok" },
      );
      void client.invalidateQueries({ queryKey: ["predictions", d] });
      void client.invalidateQueries({ queryKey: ["counts", d] });
      void client.invalidateQueries({ queryKey: ["training", d] });
      props.onDone();
      props.onClose();
    },
  });
  const off = loop !== undefined && (!loop.active || targets.length === 0);
  return (
    <Dialog
      title={`Submit ${count(props.n)} reviewed ${props.n === 1 ? "prediction" : "predictions"}`}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button tone="primary" disabled={submit.isPending} onClick={() => submit.mutate()}>
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
            The feedback loop is off or has no target.{" "}
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
