import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { url } from "@/api/client";
import { problemFrom, unreachable } from "@/api/problem";
import type { DatasetVersion } from "@/api/types";
import { Button, Field } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { JobProgress } from "@/features/data/JobProgress";

/** Annotations as files. */
export function ExportMenu({ version }: { version: DatasetVersion }) {
  return (
    <a className="button" href={url("feedback", `/versions/${version.id}/exports/coco`)} download>
      Export COCO
    </a>
  );
}

/** Annotations and a zip of their pictures: all of it, or nothing. */
export function ImportDialog({
  version,
  onClose,
}: {
  version: DatasetVersion;
  onClose: () => void;
}) {
  const [annotations, setAnnotations] = useState<File | null>(null);
  const [images, setImages] = useState<File | null>(null);
  const send = useMutation({
    mutationFn: async () => {
      const body = new FormData();
      body.append("annotations", annotations!);
      body.append("images", images!);
      let answer: Response;
      try {
        answer = await fetch(url("feedback", `/versions/${version.id}/imports/coco`), {
          method: "POST",
          headers: { "X-Sightloop": "1" },
          body,
        });
      } catch (cause) {
        throw unreachable(cause);
      }
      const said = await answer.json().catch(() => null);
      if (!answer.ok) throw problemFrom(answer.status, said, null);
      return said as { job: string };
    },
  });
  const title = `Import into ${version.dataset_name} ${version.version}`;
  if (send.data) {
    return (
      <Dialog title={title} onClose={onClose} actions={<Button onClick={onClose}>Close</Button>}>
        <JobProgress service="feedback" job={send.data.job} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!annotations || !images || send.isPending}
            onClick={() => send.mutate()}
          >
            {send.isPending ? "Sending…" : "Import"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Annotations" hint="A COCO file (JSON).">
          {(id) => (
            <input
              id={id}
              type="file"
              accept=".json,application/json"
              onChange={(event) => setAnnotations(event.target.files?.[0] ?? null)}
            />
          )}
        </Field>
        <Field label="Pictures" hint="A zip; pictures are found by their path or name.">
          {(id) => (
            <input
              id={id}
              type="file"
              accept=".zip,application/zip"
              onChange={(event) => setImages(event.target.files?.[0] ?? null)}
            />
          )}
        </Field>
        <p className="muted small">
          All of it is imported, or nothing: what is wrong is named with its place.
        </p>
        <FormProblem error={send.error} />
      </div>
    </Dialog>
  );
}
