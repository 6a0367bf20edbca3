import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { put } from "@/api/client";
import { datasetVersions, feedbackLoop } from "@/api/queries";
import type { DatasetVersion, Deployment, FeedbackLoop } from "@/api/types";
import { Switch } from "@/components/controls";
import { FormProblem, Loaded, Notice } from "@/components/states";
import { Card } from "@/features/settings/Card";
import { count } from "@/lib/format";
import { useRefusal } from "@/lib/rights";

/** Labels that only one side has, as a sentence each. */
export function mismatches(model: readonly string[], version: readonly string[]): string[] {
  const out = [];
  for (const label of model) if (!version.includes(label)) out.push(`lacks “${label}”`);
  for (const label of version) if (!model.includes(label)) out.push(`has “${label}” besides`);
  return out;
}

export function FeedbackCard({ deployed }: { deployed: Deployment }) {
  const d = deployed.id;
  const client = useQueryClient();
  const loop = useQuery(feedbackLoop(d));
  const versions = useQuery(datasetVersions(deployed.type));
  const refusal = useRefusal("deployments:write");
  const save = useMutation({
    mutationFn: (next: FeedbackLoop) =>
      put<FeedbackLoop>("feedback", `/deployments/${d}/feedback-loop`, next),
    // At once: what is changed next must not bring back what was.
    onSuccess: (saved) => client.setQueryData(feedbackLoop(d).queryKey, saved),
  });
  // What was asked for shows at once; refused, the old state comes back with the reason.
  const shown = save.isPending ? save.variables : loop.data;
  return (
    <Card
      title="Feedback loop"
      state={shown && { kind: shown.active ? "on" : "off" }}
      about="Submitting a reviewed prediction copies picture and review into these dataset versions. Their labels must be those of the model."
      toggle={
        shown && (
          <Switch
            label="Feedback loop"
            title={refusal ?? undefined}
            checked={shown.active}
            disabled={refusal !== null || save.isPending}
            onChange={(active) => save.mutate({ ...shown, active })}
          />
        )
      }
    >
      <p>
        <span className="muted">Labels of the model:</span> {deployed.champion.labels.join(", ")}
      </p>
      <Loaded query={loop} rows={2}>
        {() => (
          <Loaded query={versions} rows={3}>
            {({ items }) => (
              <fieldset disabled={refusal !== null || save.isPending}>
                <legend>Dataset versions that take reviews</legend>
                {items.length === 0 && (
                  <Notice>No dataset version of this type exists yet. Import one first.</Notice>
                )}
                {items.map((one) => (
                  <Target
                    key={one.id}
                    version={one}
                    problems={mismatches(deployed.champion.labels, one.labels)}
                    checked={shown?.dataset_versions.includes(one.id) ?? false}
                    onChange={(on) =>
                      shown &&
                      save.mutate({
                        ...shown,
                        dataset_versions: on
                          ? [...shown.dataset_versions, one.id]
                          : shown.dataset_versions.filter((id) => id !== one.id),
                      })
                    }
                  />
                ))}
              </fieldset>
            )}
          </Loaded>
        )}
      </Loaded>
      {shown && (
        <label className="choice">
          <input
            type="checkbox"
            checked={shown.automatic}
            disabled={refusal !== null || save.isPending}
            onChange={(event) => save.mutate({ ...shown, automatic: event.target.checked })}
          />
          <span>
            Submit every review automatically
            <br />
            <span className="muted small">
              Otherwise reviews are submitted from the predictions page.
            </span>
          </span>
        </label>
      )}
      <FormProblem error={save.error} />
    </Card>
  );
}

function Target(props: {
  version: DatasetVersion;
  problems: string[];
  checked: boolean;
  onChange: (on: boolean) => void;
}) {
  const { version, problems } = props;
  return (
    <label className="choice">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.target.checked)}
      />
      <span>
        {version.dataset_name} {version.version}{" "}
        <span className="muted">{count(version.assets)} images</span>
        <br />
        {problems.length === 0 ? (
          <span className="small ok">labels agree</span>
        ) : (
          <span className="small wrong">{problems.join(", ")}</span>
        )}
      </span>
    </label>
  );
}
