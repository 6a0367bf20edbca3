import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { put, remove } from "@/api/client";
import { datasetVersions, reference } from "@/api/queries";
import type { Deployment, Reference } from "@/api/types";
import { Field, Progress, RightButton, Select } from "@/components/controls";
import { FormProblem, Loaded, Notice } from "@/components/states";
import { toast } from "@/components/toasts";
import { BackboneField } from "@/features/settings/BackboneField";
import { Card, type CardState } from "@/features/settings/Card";
import { count } from "@/lib/format";

function stateOf(one: Reference | undefined): CardState | undefined {
  if (!one) return undefined;
  if (one.state === "none") return { kind: "off" };
  if (one.state === "ready") return { kind: "on" };
  if (one.state === "failed") return { kind: "failed" };
  return {
    kind: "setting-up",
    percent: one.total ? Math.floor((100 * one.done) / one.total) : null,
  };
}

const PRODUCTION = "production";
const PRODUCTION_IMAGES = 400;

/** What the reference is made of, in a sentence. */
function madeOf(one: Reference): string {
  const images = `${count(one.images)} images`;
  const of =
    one.origin === "production"
      ? `the first ${images} in production, for want of training data`
      : one.origin === "champion"
        ? `${images} that the champion was trained on`
        : images;
  return `Reference of ${of}${one.backbone ? `, embedded by ${one.backbone.name},` : ""} is in use.`;
}

export function TrainingDataCard({ deployed }: { deployed: Deployment }) {
  const d = deployed.id;
  const client = useQueryClient();
  const query = useQuery({
    ...reference(d),
    refetchInterval: ({ state }) => (state.data?.state === "computing" ? 2000 : false),
  });
  const versions = useQuery(datasetVersions(deployed.type));
  const [chosen, setChosen] = useState<string | null>(null);
  const refresh = () => void client.invalidateQueries({ queryKey: reference(d).queryKey });
  const set = useMutation({
    mutationFn: (version: string) =>
      put(
        "metrics",
        `/deployments/${d}/training-data`,
        version === PRODUCTION
          ? { production_images: PRODUCTION_IMAGES }
          : { dataset_version: version },
      ),
    onSuccess: () => {
      refresh();
      toast("Computing the reference");
    },
  });
  const off = useMutation({
    mutationFn: () => remove("metrics", `/deployments/${d}/training-data`),
    onSuccess: refresh,
  });
  const current =
    query.data?.origin === "production" ? PRODUCTION : (query.data?.dataset_version ?? "");
  const value = chosen ?? current;
  const items = versions.data?.items ?? [];
  return (
    <Card
      title="Training data"
      state={stateOf(query.data)}
      about="What the model was trained on. From it a job computes the reference for outlier score, drift and the training side of the global distribution; earlier predictions are scored too."
      footer={
        <>
          <RightButton
            scope="deployments:write"
            tone="primary"
            disabled={!value || set.isPending || value === current}
            onClick={() => set.mutate(value)}
          >
            {query.data?.state === "none" ? "Set training data" : "Change"}
          </RightButton>
          {query.data && query.data.state !== "none" && (
            <RightButton
              scope="deployments:write"
              disabled={off.isPending}
              onClick={() => off.mutate()}
            >
              Switch off
            </RightButton>
          )}
        </>
      }
    >
      <Loaded query={versions} rows={1}>
        {() => (
          <>
            {items.length === 0 && (
              <Notice>
                No dataset version of this type exists yet. Import one, or compare with the first
                images of production.
              </Notice>
            )}
            <Field label="Dataset version">
              {(id) => (
                <Select
                  id={id}
                  label="Dataset version"
                  value={value}
                  options={[
                    { value: "", label: "Choose…" },
                    {
                      value: PRODUCTION,
                      label: `None: its first ${count(PRODUCTION_IMAGES)} images in production`,
                    },
                    ...items.map((one) => ({
                      value: one.id,
                      label: `${one.dataset_name} ${one.version} (${count(one.assets)} images)`,
                    })),
                  ]}
                  onChange={setChosen}
                />
              )}
            </Field>
          </>
        )}
      </Loaded>
      {query.data?.state === "computing" && (
        <div className="stack">
          <Progress done={query.data.done} total={query.data.total} label="Reference" />
          <p className="muted small" aria-live="polite">
            {count(query.data.done)} of {count(query.data.total)} images
          </p>
        </div>
      )}
      {query.data?.state === "ready" && <p>{madeOf(query.data)}</p>}
      {query.data?.state === "failed" && (
        <Notice tone="danger">The reference failed: {query.data.error}</Notice>
      )}
      <BackboneField d={d} />
      <FormProblem error={set.error ?? off.error} />
    </Card>
  );
}
