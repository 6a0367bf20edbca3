import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/client";
import { dataNames } from "@/api/data";
import type { Tagged } from "@/api/types";
import { Button, Field } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { toast } from "@/components/toasts";
import { bodies, type Chosen } from "@/features/data/chosen";
import { TagInput } from "@/features/data/TagInput";
import { count } from "@/lib/format";

/** Tags of many images at once. */
export function TagDialog(props: {
  chosen: Chosen;
  n: number;
  onClose: () => void;
  onDone: () => void;
}) {
  const { data: names } = useQuery(dataNames);
  const [add, setAdd] = useState<readonly string[]>([]);
  const [remove, setRemove] = useState<readonly string[]>([]);
  const save = useMutation({
    mutationFn: async () => {
      let changed = 0;
      for (const body of bodies(props.chosen)) {
        const said = await post<Tagged>("ingest", "/data/tags", { ...body, add, remove });
        changed += said.changed;
      }
      return changed;
    },
    onSuccess: (changed) => {
      toast(`${count(changed)} of ${count(props.n)} changed`, { tone: "ok" });
      props.onDone();
    },
  });
  const nothing = add.length === 0 && remove.length === 0;
  return (
    <Dialog
      title={`Tags of ${count(props.n)} ${props.n === 1 ? "image" : "images"}`}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button tone="primary" disabled={nothing || save.isPending} onClick={() => save.mutate()}>
            Save
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Add" hint="Enter or a comma ends a tag.">
          {(id) => <TagInput id={id} value={add} known={names?.tags ?? []} onChange={setAdd} />}
        </Field>
        <Field label="Remove">
          {(id) => (
            <TagInput id={id} value={remove} known={names?.tags ?? []} onChange={setRemove} />
          )}
        </Field>
        <FormProblem error={save.error} />
      </div>
    </Dialog>
  );
}
