import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post, put } from "@/api/client";
import { datasetVersions, projects, training } from "@/api/queries";
import type { Deployment, Project, Training, TrainingDataset, TrainingSettings } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button, Field, Progress, RightButton, Select, Switch } from "@/components/controls";
import { InputField } from "@/components/InputField";
import { FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { toast } from "@/components/toasts";
import { Card } from "@/features/settings/Card";
import { Alarms, AlertTrigger } from "@/features/settings/TrainingAlerts";
import { count } from "@/lib/format";
import { useRefusal } from "@/lib/rights";

export function TrainingCard({ deployed }: { deployed: Deployment }) {
  const query = useQuery({
    ...training(deployed.id),
    // What an alert led to is told to nobody.
    refetchInterval: ({ state }) => (state.data?.alert_rules.length ? 5000 : false),
  });
  return (
    <Loaded query={query}>
      {(data) => <TrainingForm key={data.project ?? "none"} deployed={deployed} data={data} />}
    </Loaded>
  );
}

/** "epochs = 12" a line; what JSON reads is a number, a truth or a list, the rest is text. */
export function parseParameters(text: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    const [name, ...rest] = line.split("=");
    const value = rest.join("=").trim();
    if (!name?.trim() || value === "") continue;
    try {
      out[name.trim()] = JSON.parse(value);
    } catch {
      out[name.trim()] = value;
    }
  }
  return out;
}

export function printParameters(parameters: Record<string, unknown>): string {
  return Object.entries(parameters)
    .map(
      ([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`,
    )
    .join("\n");
}

function TrainingForm({ deployed, data }: { deployed: Deployment; data: Training }) {
  const d = deployed.id;
  const org = useOrg();
  const client = useQueryClient();
  const refusal = useRefusal("deployments:write");
  const { data: allProjects } = useQuery(projects);
  const { data: versions } = useQuery(datasetVersions(deployed.type));
  const [project, setProject] = useState(data.project ?? "");
  const [name, setName] = useState("");
  const [datasets, setDatasets] = useState<TrainingDataset[]>(data.datasets);
  const [threshold, setThreshold] = useState(String(data.threshold));
  const [coolDown, setCoolDown] = useState(String(data.cool_down));
  const [alertRules, setAlertRules] = useState(data.alert_rules);
  const [least, setLeast] = useState(String(data.least_reviewed));
  const [parameters, setParameters] = useState(printParameters(data.parameters));
  const settings = (active: boolean, id: string): TrainingSettings => ({
    active,
    project: id || null,
    datasets,
    threshold: Number(threshold),
    parameters: parseParameters(parameters),
    cool_down: Number(coolDown),
    alert_rules: alertRules,
    least_reviewed: Number(least),
  });
  const save = useMutation({
    mutationFn: async (active: boolean) => {
      let id = project;
      if (project === "new") {
        id = (await post<Project>("trainer", "/projects", { name: name.trim() })).id;
        setProject(id);
      }
      return put("feedback", `/deployments/${d}/training`, settings(active, id));
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: training(d).queryKey });
      void client.invalidateQueries({ queryKey: projects.queryKey });
      toast("Saved", { tone: "ok" });
    },
  });
  const runNow = useMutation({
    mutationFn: () => post<{ experiment: string }>("feedback", `/deployments/${d}/training/run`),
    onSuccess: () => {
      toast("Training started", { tone: "ok" });
      void client.invalidateQueries({ queryKey: training(d).queryKey });
      void client.invalidateQueries({ queryKey: ["experiments"] });
    },
  });
  return (
    <Card
      title="Training"
      state={{ kind: data.active ? "on" : "off" }}
      about="Starts one experiment each time so many reviewed predictions were submitted since the last run, when an alert fires, or by hand."
      toggle={
        <Switch
          label="Continuous training"
          title={refusal ?? undefined}
          checked={data.active}
          disabled={refusal !== null || save.isPending}
          onChange={(active) => save.mutate(active)}
        />
      }
      footer={
        <>
          <RightButton
            scope="deployments:write"
            tone="primary"
            disabled={save.isPending || (project === "new" && !name.trim())}
            onClick={() => save.mutate(data.active)}
          >
            Save
          </RightButton>
          <RightButton
            scope="experiments:write"
            icon="play"
            disabled={runNow.isPending}
            onClick={() => runNow.mutate()}
          >
            Run now
          </RightButton>
        </>
      }
    >
      <div className="stack">
        <div className="row">
          <span className="grow">
            <Progress
              done={data.submitted}
              total={data.threshold}
              label="Submitted since the last run"
            />
          </span>
          <strong>
            {count(data.submitted)} of {count(data.threshold)}
          </strong>
        </div>
        <p className="muted small">
          {data.last ? (
            <>
              Last ran <Time at={data.last.time} />: {data.last.why} ·{" "}
              <Link
                to="/o/$org/projects/$p/experiments/$e"
                params={{ org, p: data.project ?? "all", e: data.last.experiment }}
              >
                experiment
              </Link>
            </>
          ) : (
            "It has not run yet."
          )}{" "}
          {data.running && "It is running. "}
          Crossed {count(data.crossings)} {data.crossings === 1 ? "time" : "times"}.
        </p>
        <Alarms alarms={data.alarms} project={data.project} />
      </div>
      <div className="fields">
        <Field label="Project">
          {(id) => (
            <Select
              id={id}
              label="Project"
              value={project}
              options={[
                { value: "", label: "Choose…" },
                ...(allProjects?.items ?? []).map((one) => ({ value: one.id, label: one.name })),
                { value: "new", label: "New project…" },
              ]}
              onChange={setProject}
            />
          )}
        </Field>
        {project === "new" && (
          <InputField label="Name of the new project" value={name} onChange={setName} />
        )}
        <InputField
          label="Threshold"
          hint="Submitted reviews since the last run."
          type="number"
          min={1}
          value={threshold}
          onChange={setThreshold}
        />
        <InputField
          label="Cool-down"
          hint="Seconds between two runs at least."
          type="number"
          min={0}
          value={coolDown}
          onChange={setCoolDown}
        />
      </div>
      <AlertTrigger
        d={d}
        chosen={alertRules}
        least={least}
        onChoose={setAlertRules}
        onLeast={setLeast}
      />
      <Datasets
        datasets={datasets}
        onChange={setDatasets}
        options={(versions?.items ?? []).map((one) => ({
          value: one.id,
          label: `${one.dataset_name} ${one.version}`,
        }))}
      />
      <Field label="Parameters" hint="One a line, as epochs = 12.">
        {(id) => (
          <textarea
            id={id}
            className="input mono"
            rows={4}
            value={parameters}
            onChange={(e) => setParameters(e.target.value)}
          />
        )}
      </Field>
      <FormProblem error={save.error ?? runNow.error} />
    </Card>
  );
}

function Datasets(props: {
  datasets: TrainingDataset[];
  options: { value: string; label: string }[];
  onChange: (datasets: TrainingDataset[]) => void;
}) {
  const { datasets, options, onChange } = props;
  const change = (i: number, to: Partial<TrainingDataset>) =>
    onChange(datasets.map((one, k) => (k === i ? { ...one, ...to } : one)));
  return (
    <fieldset>
      <legend>Datasets</legend>
      {datasets.map((one, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name of their own until saved
        <div key={i} className="row wrap dataset">
          <input
            className="input"
            aria-label={`Alias of dataset ${i + 1}`}
            placeholder="alias"
            value={one.alias}
            onChange={(event) => change(i, { alias: event.target.value })}
          />
          <Select
            label={`Version of dataset ${i + 1}`}
            value={one.dataset_version}
            options={[{ value: "", label: "Choose…" }, ...options]}
            onChange={(dataset_version) => change(i, { dataset_version })}
          />
          <label className="choice" title="Mixed in from earlier training, against forgetting">
            <input
              type="checkbox"
              checked={one.replay}
              onChange={(event) => change(i, { replay: event.target.checked })}
            />
            replay
          </label>
          <Button
            tone="quiet"
            icon="trash"
            aria-label={`Remove dataset ${i + 1}`}
            onClick={() => onChange(datasets.filter((_, k) => k !== i))}
          />
        </div>
      ))}
      <Button
        icon="plus"
        onClick={() =>
          onChange([
            ...datasets,
            { alias: datasets.length === 0 ? "train" : "", dataset_version: "", replay: false },
          ])
        }
      >
        Add a dataset
      </Button>
    </fieldset>
  );
}
