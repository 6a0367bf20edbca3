import { useMutation } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { url } from "@/api/client";
import { problemFrom, unreachable } from "@/api/problem";
import type { DatasetVersion, TaskType } from "@/api/types";
import { Button, Field, Menu, Segments } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { JobProgress } from "@/features/data/JobProgress";

type Layout = "coco" | "yolo" | "voc";

const NAMES: Record<Layout, string> = { coco: "COCO", yolo: "YOLO", voc: "Pascal VOC" };
const HINTS: Record<Layout, string> = {
  coco: "Pictures are found by their path or name.",
  yolo: "images/, labels/ and data.yaml. A picture without a label file is not annotated.",
  voc: "JPEGImages/ and Annotations/. A picture without an XML file is not annotated.",
};

/** The layouts that can say what a version of this type holds. */
export function layoutsOf(type: TaskType): Layout[] {
  if (type === "OBJECT_DETECTION") return ["coco", "yolo", "voc"];
  return type === "SEGMENTATION" ? ["coco", "yolo"] : ["coco"];
}

/** Annotations as a file, or with their pictures as a zip. */
export function ExportMenu({ version }: { version: DatasetVersion }) {
  const path = (layout: Layout, pictures?: boolean) =>
    url("feedback", `/versions/${version.id}/exports/${layout}`, { pictures });
  return (
    <Menu label="Export" button="Export" end>
      {(close) =>
        layoutsOf(version.type).map((layout) => (
          <Fragment key={layout}>
            <a className="item" href={path(layout)} download onClick={close}>
              {NAMES[layout]}
              {layout === "coco" ? " annotations" : " with pictures"}
            </a>
            {layout !== "coco" && (
              <a className="item" href={path(layout, false)} download onClick={close}>
                {NAMES[layout]} annotations
              </a>
            )}
          </Fragment>
        ))
      }
    </Menu>
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
  const [layout, setLayout] = useState<Layout>("coco");
  const [annotations, setAnnotations] = useState<File | null>(null);
  const [images, setImages] = useState<File | null>(null);
  const coco = layout === "coco";
  const send = useMutation({
    mutationFn: async () => {
      const body = new FormData();
      if (coco) body.append("annotations", annotations!);
      body.append(coco ? "images" : "archive", images!);
      let answer: Response;
      try {
        answer = await fetch(url("feedback", `/versions/${version.id}/imports/${layout}`), {
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
            disabled={(coco && !annotations) || !images || send.isPending}
            onClick={() => send.mutate()}
          >
            {send.isPending ? "Sending…" : "Import"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Segments
          label="Layout"
          value={layout}
          options={layoutsOf(version.type).map((one) => ({ value: one, label: NAMES[one] }))}
          onChange={setLayout}
        />
        {coco && (
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
        )}
        <Field
          label={coco ? "Pictures (zip)" : "Pictures and annotations (zip)"}
          hint={HINTS[layout]}
        >
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
