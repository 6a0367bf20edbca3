import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, put } from "@/api/client";
import { Button, Field, Select, Switch } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Failure, FormProblem, Loading } from "@/components/states";
import { toast } from "@/components/toasts";
import {
  alertMetrics,
  type Rehearsal,
  type Rule,
  type RuleBody,
  rules,
} from "@/features/alerts/api";
import { PreviewChart } from "@/features/alerts/PreviewChart";
import {
  bodyOf,
  type Draft,
  draftOf,
  known,
  LASTING,
  OPERATORS,
  span,
  verdict,
  WINDOWS,
} from "@/features/alerts/rule";
import { useDebounced } from "@/features/alerts/useDebounced";

const SEVERITIES = ["INFO", "WARNING", "CRITICAL"] as const;

/** A rule, tried on the last 30 days while it is written. */
export function RuleDialog(props: { d: string; rule: Rule | null; onClose: () => void }) {
  const { d, rule } = props;
  const client = useQueryClient();
  const metrics = useQuery(alertMetrics(d)).data?.items ?? [];
  const [draft, setDraft] = useState<Draft>(() => draftOf(rule));
  const set = (some: Partial<Draft>) => setDraft((before) => ({ ...before, ...some }));
  const body = bodyOf(draft);
  const metric = known(metrics, draft.metric);
  const path = `/deployments/${d}/alert-rules`;
  const save = useMutation({
    mutationFn: (it: RuleBody) =>
      rule ? put("metrics", `${path}/${rule.id}`, it) : post("metrics", path, it),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: rules(d).queryKey });
      void client.invalidateQueries({ queryKey: ["alerts", d] });
      toast(rule ? "Rule saved" : "Rule added: it is checked from now on");
      props.onClose();
    },
  });
  return (
    <Dialog
      wide
      title={rule ? `Rule “${rule.name}”` : "New alert rule"}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!body || save.isPending}
            onClick={() => body && save.mutate(body)}
          >
            {rule ? "Save rule" : "Add rule"}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="fields">
          <Field label="Metric" hint={metric ? `${metric.text} (${metric.unit})` : undefined}>
            {(id) => (
              <>
                <input
                  id={id}
                  className="input"
                  data-focus
                  list={`${id}-names`}
                  value={draft.metric}
                  spellCheck={false}
                  onChange={(event) => set({ metric: event.target.value.trim() })}
                />
                <datalist id={`${id}-names`}>
                  {metrics.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.text}
                    </option>
                  ))}
                </datalist>
              </>
            )}
          </Field>
          <Field label="Wrong when">
            {(id) => (
              <Select
                id={id}
                label="Wrong when"
                value={draft.operator}
                options={OPERATORS}
                onChange={(operator) => set({ operator })}
              />
            )}
          </Field>
          <NumberField
            label={metric ? `Threshold (${metric.unit})` : "Threshold"}
            value={draft.threshold}
            onChange={(threshold) => set({ threshold })}
          />
          <NumberField
            label="Over again at"
            hint="Empty: the threshold"
            value={draft.resolved}
            onChange={(resolved) => set({ resolved })}
          />
          <Minutes
            label="Window"
            value={draft.window}
            options={WINDOWS}
            onChange={(window) => set({ window })}
          />
          <Minutes
            label="For at least"
            value={draft.lasting}
            options={LASTING}
            onChange={(lasting) => set({ lasting })}
          />
          <Field label="Severity">
            {(id) => (
              <Select
                id={id}
                label="Severity"
                value={draft.severity}
                options={SEVERITIES.map((value) => ({ value, label: value.toLowerCase() }))}
                onChange={(severity) => set({ severity })}
              />
            )}
          </Field>
          <Field label="Name" hint="Empty: after the metric">
            {(id) => (
              <input
                id={id}
                className="input"
                value={draft.name}
                maxLength={200}
                onChange={(event) => set({ name: event.target.value })}
              />
            )}
          </Field>
        </div>
        <div className="row">
          <Switch
            label="Checked"
            checked={draft.enabled}
            onChange={(enabled) => set({ enabled })}
          />
          <span>{draft.enabled ? "Checked" : "Switched off"}</span>
        </div>
        <Preview d={d} body={body} />
        <FormProblem error={save.error} />
      </div>
    </Dialog>
  );
}

function Preview({ d, body }: { d: string; body: RuleBody | null }) {
  const asked = useDebounced(body && { ...body, name: "preview", enabled: true }, 400);
  const query = useQuery({
    queryKey: ["alert-preview", d, asked],
    queryFn: () =>
      post<Rehearsal>("metrics", `/deployments/${d}/alert-rules/preview`, asked ?? undefined),
    enabled: asked !== null,
    retry: false,
    placeholderData: (old) => old,
  });
  return (
    <section className="alert-preview-box" aria-label="Preview on history">
      {body === null ? (
        <p className="muted">With a threshold it is tried on the last 30 days.</p>
      ) : query.error ? (
        <Failure error={query.error} />
      ) : query.data && asked ? (
        <>
          <p aria-live="polite">
            <strong>{verdict(query.data)}</strong>{" "}
            <span className="muted small">By what is known of them today.</span>
          </p>
          {query.data.t.length > 0 && (
            <PreviewChart found={query.data} body={asked} label={verdict(query.data)} />
          )}
        </>
      ) : (
        <Loading rows={3} label="Trying the rule on history" />
      )}
    </section>
  );
}

function NumberField(props: {
  label: string;
  hint?: string;
  value: string;
  onChange: (text: string) => void;
}) {
  return (
    <Field label={props.label} hint={props.hint}>
      {(id) => (
        <input
          id={id}
          className="input num"
          inputMode="decimal"
          value={props.value}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

function Minutes(props: {
  label: string;
  value: number;
  options: readonly number[];
  onChange: (minutes: number) => void;
}) {
  const all = [...new Set([...props.options, props.value])].sort((a, b) => a - b);
  return (
    <Field label={props.label}>
      {(id) => (
        <Select
          id={id}
          label={props.label}
          value={String(props.value)}
          options={all.map((minutes) => ({ value: String(minutes), label: span(minutes) }))}
          onChange={(text) => props.onChange(Number(text))}
        />
      )}
    </Field>
  );
}
