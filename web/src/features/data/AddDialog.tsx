import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/client";
import { datasetVersions } from "@/api/queries";
import { Button, Field, Select } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Notice } from "@/components/states";
import type { Chosen } from "@/features/data/chosen";
import { JobProgress } from "@/features/data/JobProgress";
import { count } from "@/lib/format";

/** Images of the Datalake become assets of a version, not annotated yet. */
export function AddDialog(props: { chosen: Chosen; n: number; onClose: () => void }) {
  const versions = useQuery(datasetVersions());
  const open = (versions.data?.items ?? []).filter((one) => one.frozen === null);
  const [picked, setPicked] = useState("");
  const target = picked || open[0]?.id || "";
  const add = useMutation({
    mutationFn: () =>
      post<{ job: string }>("feedback", `/versions/${target}/additions`, props.chosen),
  });
  if (add.data) {
    return (
      <Dialog
        title={`Adding ${count(props.n)} images`}
        onClose={props.onClose}
        actions={<Button onClick={props.onClose}>Close</Button>}
      >
        <JobProgress service="feedback" job={add.data.job} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`Add ${count(props.n)} ${props.n === 1 ? "image" : "images"} to a dataset`}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={target === "" || add.isPending}
            onClick={() => add.mutate()}
          >
            Add {count(props.n)}
          </Button>
        </>
      }
    >
      <div className="stack">
        {versions.isSuccess && open.length === 0 ? (
          <Notice tone="warn">There is no version that is open: make one under Datasets.</Notice>
        ) : (
          <Field
            label="Dataset version"
            hint="Pictures are copied; they come without annotations. Those that are there stay as they are."
          >
            {(id) => (
              <Select
                id={id}
                label="Dataset version"
                value={target}
                options={open.map((one) => ({
                  value: one.id,
                  label: `${one.dataset_name} ${one.version}`,
                }))}
                onChange={setPicked}
              />
            )}
          </Field>
        )}
        <FormProblem error={add.error} />
      </div>
    </Dialog>
  );
}
