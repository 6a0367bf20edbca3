import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { assetsOf, countOf } from "@/api/data";
import type { CopyAccepted, DatasetVersion } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button, Field } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { JobProgress } from "@/features/data/JobProgress";
import { count } from "@/lib/format";

/** A new version of what the query finds, annotations included. */
export function CopyDialog(props: { version: DatasetVersion; q: string; onClose: () => void }) {
  const { version, q, onClose } = props;
  const org = useOrg();
  const [name, setName] = useState("");
  const found = useQuery(countOf(assetsOf(version.id), q));
  const make = useMutation({
    mutationFn: () =>
      post<CopyAccepted>("feedback", `/versions/${version.id}/copies`, { version: name.trim(), q }),
  });
  if (make.data) {
    const { version: made, job } = make.data;
    return (
      <Dialog
        title={`${made.dataset_name} ${made.version}`}
        onClose={onClose}
        actions={
          <>
            <Link
              className="button primary"
              to="/o/$org/datasets/$s/versions/$v"
              params={{ org, s: made.dataset, v: made.id }}
              onClick={onClose}
            >
              Open it
            </Link>
            <Button onClick={onClose}>Close</Button>
          </>
        }
      >
        <JobProgress service="feedback" job={job} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`Copy ${version.dataset_name} ${version.version}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={name.trim() === "" || make.isPending}
            onClick={() => make.mutate()}
          >
            Copy {found.data ? count(found.data.count) : ""}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          {q === "" ? "All its images" : "The images that the query finds"}, with their annotations
          and origins.
        </p>
        {q !== "" && (
          <p>
            <code>{q}</code>
          </p>
        )}
        <Field label="Name of the new version">
          {(id) => (
            <input
              id={id}
              data-focus=""
              className="input"
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <FormProblem error={make.error ?? found.error} />
      </div>
    </Dialog>
  );
}
