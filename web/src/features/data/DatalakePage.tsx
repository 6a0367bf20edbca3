import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type DragEvent, useRef, useState } from "react";
import { DATALAKE } from "@/api/data";
import type { Data } from "@/api/types";
import { Button, RightButton } from "@/components/controls";
import { Empty } from "@/components/states";
import { AddDialog } from "@/features/data/AddDialog";
import type { Chosen } from "@/features/data/chosen";
import { DataTile } from "@/features/data/DataTile";
import { DeleteDialog } from "@/features/data/DeleteDialog";
import { QueriedGrid } from "@/features/data/QueriedGrid";
import { RegisterDialog } from "@/features/data/RegisterDialog";
import { useDraft, useRows } from "@/features/data/rows";
import { TagDialog } from "@/features/data/TagDialog";
import { UploadDialog } from "@/features/data/UploadDialog";
import { UploadPanel } from "@/features/data/UploadPanel";
import { useUploads } from "@/features/data/uploads";
import { useSelection } from "@/features/predictions/selection";
import { count } from "@/lib/format";
import { useRefusal } from "@/lib/rights";

type Asking = { what: "tags" | "dataset"; chosen: Chosen; n: number } | { what: "delete" } | null;

export default function DatalakePage() {
  const search = useSearch({ from: "/inside/o/$org/datalake" });
  const { q = "", size = "medium" } = search;
  const navigate = useNavigate({ from: "/o/$org/datalake" });
  const setQuery = useDraft(q, (next, replace) => {
    void navigate({ search: (old) => ({ ...old, q: next }), replace });
  });
  const rows = useRows<Data>(DATALAKE, q);
  const { selected, select, toggle } = useSelection(rows.items);
  const [files, setFiles] = useState<readonly File[] | null>(null);
  const [registering, setRegistering] = useState(false);
  const [asking, setAsking] = useState<Asking>(null);
  const client = useQueryClient();
  const renew = () => {
    void client.resetQueries({ queryKey: ["rows", "ingest"] });
    void client.invalidateQueries({ queryKey: ["count-of", "ingest"] });
    void client.invalidateQueries({ queryKey: ["data-names"] });
  };
  const uploads = useUploads(renew);
  const drop = useDrop(setFiles);
  const done = () => {
    setAsking(null);
    select([]);
    renew();
  };
  const chosen = rows.items.filter((one) => selected.has(one.id));
  return (
    <div className="content datalake" {...drop.handlers}>
      <div className="page-head">
        <h1 className="grow">Datalake</h1>
        <RightButton scope="data:write" onClick={() => setRegistering(true)}>
          Register
        </RightButton>
        <RightButton scope="data:write" tone="primary" icon="plus" onClick={() => setFiles([])}>
          Upload
        </RightButton>
      </div>
      <UploadPanel uploads={uploads.uploads} onStop={uploads.stop} onClear={uploads.clear} />
      <QueriedGrid<Data>
        of={DATALAKE}
        rows={rows}
        q={q}
        onQuery={setQuery}
        size={size}
        onSize={(next) => void navigate({ search: (old) => ({ ...old, size: next }) })}
        placeholder={'All images. As in: tags = "night" and width > 640'}
        label="Images"
        foot={46}
        onToggle={toggle}
        tile={(item, place) => (
          <DataTile
            key={item.id}
            item={item}
            place={place}
            selected={selected.has(item.id)}
            onToggle={(range) => toggle(item.id, range)}
          />
        )}
        empty={
          <Empty title="No image yet" icon="image">
            Drop pictures here, upload them, register what lies in a folder or a bucket of the
            server's, or log a prediction with its picture.
          </Empty>
        }
      />
      {(selected.size > 0 || (q !== "" && (rows.matches ?? 0) > 0)) && (
        <SelectionActions
          n={selected.size}
          matches={q === "" ? null : rows.matches}
          onClear={() => select([])}
          onAsk={(what, all) =>
            setAsking(
              what === "delete"
                ? { what }
                : {
                    what,
                    chosen: all ? { q } : { images: [...selected] },
                    n: all ? (rows.matches ?? 0) : selected.size,
                  },
            )
          }
        />
      )}
      {drop.over && <div className="drop-over">Drop pictures to upload them</div>}
      {files !== null && (
        <UploadDialog
          files={files}
          onClose={() => setFiles(null)}
          onUpload={(some, to) => {
            setFiles(null);
            uploads.add(some, to);
          }}
        />
      )}
      {registering && <RegisterDialog onClose={() => setRegistering(false)} onChanged={renew} />}
      {asking?.what === "tags" && (
        <TagDialog
          chosen={asking.chosen}
          n={asking.n}
          onClose={() => setAsking(null)}
          onDone={done}
        />
      )}
      {asking?.what === "dataset" && (
        <AddDialog chosen={asking.chosen} n={asking.n} onClose={() => setAsking(null)} />
      )}
      {asking?.what === "delete" && (
        <DeleteDialog images={chosen} onClose={() => setAsking(null)} onDone={done} />
      )}
    </div>
  );
}

function SelectionActions(props: {
  n: number;
  matches: number | null;
  onClear: () => void;
  onAsk: (what: "tags" | "dataset" | "delete", all: boolean) => void;
}) {
  const { n, matches } = props;
  const all = n === 0;
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selection">
      <strong>{all ? `All ${count(matches)} matching` : `${count(n)} selected`}</strong>
      <RightButton scope="data:write" onClick={() => props.onAsk("tags", all)}>
        Tags
      </RightButton>
      <RightButton scope="datasets:write" onClick={() => props.onAsk("dataset", all)}>
        Add to a dataset
      </RightButton>
      {!all && (
        <>
          <RightButton
            scope="data:write"
            tone="danger"
            icon="trash"
            onClick={() => props.onAsk("delete", false)}
          >
            Delete
          </RightButton>
          <Button onClick={props.onClear}>Clear selection</Button>
        </>
      )}
    </div>
  );
}

/** Files that are dragged over the page and dropped on it. */
function useDrop(onFiles: (files: readonly File[]) => void) {
  const refusal = useRefusal("data:write");
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const has = (event: DragEvent) =>
    refusal === null && [...event.dataTransfer.types].includes("Files");
  const leave = () => {
    depth.current = 0;
    setOver(false);
  };
  return {
    over,
    handlers: {
      onDragEnter: (event: DragEvent) => {
        if (!has(event)) return;
        depth.current += 1;
        setOver(true);
      },
      onDragLeave: () => {
        depth.current -= 1;
        if (depth.current <= 0) leave();
      },
      onDragOver: (event: DragEvent) => {
        if (has(event)) event.preventDefault();
      },
      onDrop: (event: DragEvent) => {
        if (!has(event)) return;
        event.preventDefault();
        leave();
        onFiles([...event.dataTransfer.files]);
      },
    },
  };
}
