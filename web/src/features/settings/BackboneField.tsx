import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { get, put, remove, url } from "@/api/client";
import { problemFrom, unreachable } from "@/api/problem";
import { reference } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button, Field, RightButton, Select } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { InputField } from "@/components/InputField";
import { FormProblem } from "@/components/states";
import { toast } from "@/components/toasts";

type Backbone = components["schemas"]["BackboneDto"];
type Scaling = Backbone["scaling"];

const SCALINGS: { value: Scaling; label: string }[] = [
  { value: "IMAGENET", label: "ImageNet's mean and deviation" },
  { value: "UNIT", label: "0 to 1" },
  { value: "SIGNED", label: "-1 to 1" },
  { value: "BYTES", label: "0 to 255" },
];

const backbones = queryOptions({
  queryKey: ["backbones"],
  queryFn: ({ signal }) => get<{ items: Backbone[] }>("metrics", "/backbones", undefined, signal),
});

const chosenFor = (d: string) =>
  queryOptions({
    queryKey: ["backbone", d],
    queryFn: ({ signal }) =>
      get<{ backbone: string | null }>("metrics", `/deployments/${d}/backbone`, undefined, signal),
  });

/** Which network embeds the images that outlier scores and drift are of. */
export function BackboneField({ d }: { d: string }) {
  const client = useQueryClient();
  const known = useQuery(backbones).data?.items;
  const chosen = useQuery(chosenFor(d)).data;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Backbone | null>(null);
  const refresh = () => {
    for (const queryKey of [backbones.queryKey, chosenFor(d).queryKey, reference(d).queryKey])
      void client.invalidateQueries({ queryKey });
  };
  const choose = useMutation({
    mutationFn: (backbone: string | null) =>
      put<{ job: string | null }>("metrics", `/deployments/${d}/backbone`, { backbone }),
    onSuccess: ({ job }) => {
      refresh();
      toast(job ? "Computing the reference anew" : "Saved", { tone: "ok" });
    },
  });
  const current = known?.find((one) => one.id === chosen?.backbone);
  if (!known || !chosen) return null;
  return (
    <fieldset className="stack">
      <legend>Embedding</legend>
      <div className="row wrap">
        <Select
          label="Network that embeds images"
          value={chosen.backbone ?? ""}
          options={[
            { value: "", label: "Built-in" },
            ...known.map((one) => ({
              value: one.id,
              label: `${one.name} (${one.features} values)`,
            })),
          ]}
          onChange={(id) => choose.mutate(id || null)}
        />
        <RightButton scope="deployments:write" icon="plus" onClick={() => setAdding(true)}>
          Upload a backbone
        </RightButton>
        {current && (
          <RightButton scope="deployments:write" icon="trash" onClick={() => setRemoving(current)}>
            Remove
          </RightButton>
        )}
      </div>
      <FormProblem error={choose.error} />
      {adding && <UploadDialog onClose={() => setAdding(false)} onKept={refresh} />}
      {removing && (
        <RemoveDialog of={removing} onClose={() => setRemoving(null)} onGone={refresh} />
      )}
    </fieldset>
  );
}

function UploadDialog({ onClose, onKept }: { onClose: () => void; onKept: () => void }) {
  const [name, setName] = useState("");
  const [scaling, setScaling] = useState<Scaling>("IMAGENET");
  const [file, setFile] = useState<File | null>(null);
  const send = useMutation({
    mutationFn: async () => {
      const body = new FormData();
      body.append("name", name.trim());
      body.append("scaling", scaling);
      if (file) body.append("file", file);
      let answer: Response;
      try {
        answer = await fetch(url("metrics", "/backbones"), {
          method: "POST",
          headers: { "X-Sightloop": "1" },
          body,
        });
      } catch (cause) {
        throw unreachable(cause);
      }
      const said = await answer.json().catch(() => null);
      if (!answer.ok) throw problemFrom(answer.status, said, null);
    },
    onSuccess: () => {
      onKept();
      onClose();
      toast("Kept: it answered a test picture", { tone: "ok" });
    },
  });
  return (
    <Dialog
      title="Upload a backbone"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!name.trim() || !file || send.isPending}
            onClick={() => send.mutate()}
          >
            {send.isPending ? "Trying it…" : "Upload"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p className="muted">
          An ONNX network of one file: one image in, a vector out. It is tried on a picture first.
        </p>
        <InputField label="Name" value={name} onChange={setName} />
        <Field label="Pixels are scaled to">
          {(id) => (
            <Select
              id={id}
              label="Pixels are scaled to"
              value={scaling}
              options={SCALINGS}
              onChange={(value) => setScaling(value as Scaling)}
            />
          )}
        </Field>
        <Field label="File">
          {(id) => (
            <input
              id={id}
              type="file"
              className="input"
              accept=".onnx"
              onChange={({ target }) => setFile(target.files?.[0] ?? null)}
            />
          )}
        </Field>
        <FormProblem error={send.error} />
      </div>
    </Dialog>
  );
}

function RemoveDialog(props: { of: Backbone; onClose: () => void; onGone: () => void }) {
  const { of, onClose, onGone } = props;
  const send = useMutation({
    mutationFn: () => remove("metrics", `/backbones/${of.id}`),
    onSuccess: () => {
      onGone();
      onClose();
    },
  });
  return (
    <Dialog
      title={`Remove ${of.name}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="danger" disabled={send.isPending} onClick={() => send.mutate()}>
            Remove
          </Button>
        </>
      }
    >
      <p>
        Every deployment that uses it goes back to the built-in embedding: its reference is computed
        anew and its images are scored again.
      </p>
      <FormProblem error={send.error} />
    </Dialog>
  );
}
