import { useRef, useState } from "react";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { SaidOf } from "@/features/data/SaidOf";
import type { UploadTo } from "@/features/data/uploads";
import { count } from "@/lib/format";

/** Where the files are from and how they are tagged; the files too, where none were dropped. */
export function UploadDialog(props: {
  files: readonly File[];
  onClose: () => void;
  onUpload: (files: readonly File[], to: UploadTo) => void;
}) {
  const [files, setFiles] = useState(props.files);
  const [source, setSource] = useState("upload");
  const [tags, setTags] = useState<readonly string[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const ready = files.length > 0 && source.trim() !== "";
  return (
    <Dialog
      title="Upload images"
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!ready}
            onClick={() => props.onUpload(files, { source: source.trim(), tags })}
          >
            Upload {files.length > 0 ? count(files.length) : ""}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="row">
          <Button icon="image" data-focus="" onClick={() => picker.current?.click()}>
            Choose files
          </Button>
          <span className="muted">
            {files.length === 0
              ? "PNG, JPEG or WebP; or drop them on the page"
              : `${count(files.length)} ${files.length === 1 ? "file" : "files"}`}
          </span>
          <input
            ref={picker}
            className="hidden-visually"
            type="file"
            multiple
            tabIndex={-1}
            aria-label="Files"
            accept="image/png,image/jpeg,image/webp"
            onChange={(event) => setFiles([...(event.target.files ?? [])])}
          />
        </div>
        <SaidOf source={source} onSource={setSource} tags={tags} onTags={setTags} />
        <p className="muted small">
          A picture that is in the Datalake already, byte for byte, is not added again.
        </p>
      </div>
    </Dialog>
  );
}
