import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, put } from "@/api/client";
import { deployments } from "@/api/queries";
import { Button, Field, Select, Switch } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { type Kind, type MadeReceiver, type Receiver, receivers } from "@/features/alerts/api";

const EVENTS = [
  "alert.fired",
  "alert.resolved",
  "retraining.triggered",
  "experiment.finished",
  "rollout.finished",
  "verdict.reached",
];
const KINDS = [
  { value: "WEBHOOK", label: "Webhook (signed CloudEvents)" },
  { value: "SLACK", label: "Chat (Slack-compatible hook)" },
  { value: "EMAIL", label: "E-mail" },
] as const;
const SEVERITIES = [
  { value: "INFO", label: "all alerts" },
  { value: "WARNING", label: "warning and critical" },
  { value: "CRITICAL", label: "critical only" },
] as const;

/** Who is told, and of what. */
export function ReceiverDialog(props: {
  one: Receiver | null;
  onClose: () => void;
  onMade: (made: MadeReceiver) => void;
}) {
  const { one } = props;
  const client = useQueryClient();
  const all = useQuery(deployments).data?.items ?? [];
  const [kind, setKind] = useState<Kind>(one?.kind ?? "WEBHOOK");
  const [name, setName] = useState(one?.name ?? "");
  const [target, setTarget] = useState(one?.target ?? "");
  const [events, setEvents] = useState(one?.events ?? EVENTS.slice(0, 2));
  const [only, setOnly] = useState(one?.deployments ?? []);
  const [least, setLeast] = useState(one?.least_severity ?? "INFO");
  const [enabled, setEnabled] = useState(one?.enabled ?? true);
  const save = useMutation({
    mutationFn: async () => {
      const body = { name, target, events, deployments: only, least_severity: least, enabled };
      if (one) await put("gateway", `/receivers/${one.id}`, body);
      else props.onMade(await post<MadeReceiver>("gateway", "/receivers", { kind, ...body }));
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: receivers.queryKey });
      props.onClose();
    },
  });
  return (
    <Dialog
      wide
      title={one ? `Receiver “${one.name}”` : "New receiver"}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!name.trim() || !target.trim() || events.length === 0 || save.isPending}
            onClick={() => save.mutate()}
          >
            {one ? "Save receiver" : "Add receiver"}
          </Button>
        </>
      }
    >
      <div className="stack">
        {!one && (
          <Field label="Kind">
            {(id) => (
              <Select id={id} label="Kind" value={kind} options={KINDS} onChange={setKind} />
            )}
          </Field>
        )}
        <Field label="Name">
          {(id) => (
            <input
              id={id}
              className="input"
              data-focus
              value={name}
              maxLength={200}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          label={kind === "EMAIL" ? "Address" : "URL"}
          hint={kind === "EMAIL" ? undefined : "Addresses that are not public are refused."}
        >
          {(id) => (
            <input
              id={id}
              className="input"
              type={kind === "EMAIL" ? "email" : "url"}
              value={target}
              onChange={(event) => setTarget(event.target.value.trim())}
            />
          )}
        </Field>
        <Checks
          label="Is told of"
          options={EVENTS.map((value) => ({ value, label: value }))}
          chosen={events}
          onChange={setEvents}
        />
        <Field label="Alerts">
          {(id) => (
            <Select id={id} label="Alerts" value={least} options={SEVERITIES} onChange={setLeast} />
          )}
        </Field>
        <Checks
          label="Of deployments (none chosen: of all)"
          options={all.map((each) => ({ value: each.id, label: each.name }))}
          chosen={only}
          onChange={setOnly}
        />
        <div className="row">
          <Switch label="Told" checked={enabled} onChange={setEnabled} />
          <span>{enabled ? "Told" : "Switched off"}</span>
        </div>
        <FormProblem error={save.error} />
      </div>
    </Dialog>
  );
}

function Checks(props: {
  label: string;
  options: { value: string; label: string }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}) {
  const { chosen } = props;
  return (
    <fieldset className="stack">
      <legend className="label">{props.label}</legend>
      {props.options.map(({ value, label }) => (
        <label key={value} className="row">
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) =>
              props.onChange(
                event.target.checked ? [...chosen, value] : chosen.filter((one) => one !== value),
              )
            }
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
