import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { datasets } from "@/api/data";
import { datasetVersions } from "@/api/queries";
import type { Dataset, DatasetVersion, TaskType } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button, Field, RightButton, Select } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Empty, FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { TagInput } from "@/features/data/TagInput";
import { count, percent } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import "@/features/data/data.css";

const TYPES: readonly { value: TaskType; label: string }[] = [
  { value: "OBJECT_DETECTION", label: "Object detection" },
  { value: "CLASSIFICATION", label: "Classification" },
  { value: "SEGMENTATION", label: "Segmentation" },
];

export default function DatasetsPage() {
  const query = useQuery(datasets);
  const versions = useQuery(datasetVersions());
  const [making, setMaking] = useState<Dataset | "dataset" | null>(null);
  useLiveQueries(["dataset_version"], [["datasets"], ["dataset-versions"]]);
  return (
    <div className="content">
      <div className="page-head">
        <h1 className="grow">Datasets</h1>
        <RightButton
          scope="datasets:write"
          tone="primary"
          icon="plus"
          onClick={() => setMaking("dataset")}
        >
          New dataset
        </RightButton>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No dataset yet" icon="grid">
              A dataset holds versions: pictures with annotations, imported or sent in by reviews.
            </Empty>
          ) : (
            <Loaded query={versions}>
              {(held) =>
                items.map((one) => (
                  <Versions
                    key={one.id}
                    dataset={one}
                    versions={held.items.filter((version) => version.dataset === one.id)}
                    onNew={() => setMaking(one)}
                  />
                ))
              }
            </Loaded>
          )
        }
      </Loaded>
      {making === "dataset" && <NewDataset onClose={() => setMaking(null)} />}
      {making !== null && making !== "dataset" && (
        <NewVersion dataset={making} onClose={() => setMaking(null)} />
      )}
    </div>
  );
}

function Versions(props: {
  dataset: Dataset;
  versions: readonly DatasetVersion[];
  onNew: () => void;
}) {
  const { dataset, versions } = props;
  const org = useOrg();
  return (
    <section className="card versions-of" aria-label={dataset.name} data-panel>
      <header>
        <h2>{dataset.name}</h2>
        <span className="muted grow truncate">{dataset.description}</span>
        <RightButton scope="datasets:write" icon="plus" onClick={props.onNew}>
          New version
        </RightButton>
      </header>
      {versions.length === 0 ? (
        <Empty title="No version yet" compact />
      ) : (
        <div className="table-scroll">
          <table className="table">
            <thead>
              <tr>
                <th>Version</th>
                <th>Type</th>
                <th className="num">Images</th>
                <th className="num">Annotated</th>
                <th>Labels</th>
                <th>State</th>
                <th>Made</th>
              </tr>
            </thead>
            <tbody>
              {versions.map((one) => (
                <tr key={one.id}>
                  <td>
                    <Link
                      to="/o/$org/datasets/$s/versions/$v"
                      params={{ org, s: dataset.id, v: one.id }}
                    >
                      <strong>{one.version}</strong>
                    </Link>
                  </td>
                  <td className="muted">{one.type.toLowerCase().replaceAll("_", " ")}</td>
                  <td className="num">{count(one.assets)}</td>
                  <td className="num">
                    {one.assets > 0 ? percent(one.annotated / one.assets) : "–"}
                  </td>
                  <td className="muted truncate" style={{ maxWidth: 260 }}>
                    {one.labels.join(", ")}
                  </td>
                  <td>
                    <VersionState version={one} />
                  </td>
                  <td>
                    <Time at={one.created} relative />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function VersionState({ version }: { version: DatasetVersion }) {
  return version.frozen ? (
    <span className="badge accent">frozen</span>
  ) : version.settled ? (
    <span className="badge ok">open</span>
  ) : (
    <span className="badge warn">changing</span>
  );
}

function NewDataset({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const make = useMutation({
    mutationFn: () => post<Dataset>("feedback", "/datasets", { name: name.trim(), description }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["datasets"] });
      onClose();
    },
  });
  return (
    <Dialog
      title="New dataset"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={name.trim() === "" || make.isPending}
            onClick={() => make.mutate()}
          >
            Make
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Name">
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
        <Field label="Description">
          {(id) => (
            <input
              id={id}
              className="input"
              maxLength={10_000}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
        <FormProblem error={make.error} />
      </div>
    </Dialog>
  );
}

function NewVersion({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const client = useQueryClient();
  const [version, setVersion] = useState("");
  const [type, setType] = useState<TaskType>("OBJECT_DETECTION");
  const [labels, setLabels] = useState<readonly string[]>([]);
  const make = useMutation({
    mutationFn: () =>
      post<DatasetVersion>("feedback", `/datasets/${dataset.id}/versions`, {
        version: version.trim(),
        type,
        labels,
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["dataset-versions"] });
      onClose();
    },
  });
  return (
    <Dialog
      title={`New version of ${dataset.name}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={version.trim() === "" || make.isPending}
            onClick={() => make.mutate()}
          >
            Make
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label="Version" hint="As it will be named: v2, 2026-11, night only.">
          {(id) => (
            <input
              id={id}
              data-focus=""
              className="input"
              maxLength={200}
              value={version}
              onChange={(event) => setVersion(event.target.value)}
            />
          )}
        </Field>
        <Field label="Type">
          {(id) => <Select id={id} label="Type" value={type} options={TYPES} onChange={setType} />}
        </Field>
        <Field label="Labels" hint="Their order is for good. None: those of the first import.">
          {(id) => <TagInput id={id} value={labels} known={[]} onChange={setLabels} />}
        </Field>
        <FormProblem error={make.error} />
      </div>
    </Dialog>
  );
}
