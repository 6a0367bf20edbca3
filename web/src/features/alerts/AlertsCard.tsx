import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { put, remove } from "@/api/client";
import type { Deployment } from "@/api/types";
import { useOrg } from "@/app/params";
import { RightButton, Select } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { Empty, FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { type Alert, alerts, type Rule, rules } from "@/features/alerts/api";
import { ForgetDialog } from "@/features/alerts/ForgetDialog";
import { RuleDialog } from "@/features/alerts/RuleDialog";
import { condition, type Standing, standing } from "@/features/alerts/rule";
import { Card } from "@/features/settings/Card";
import { useLiveQueries } from "@/lib/live/hooks";
import { useRefusal } from "@/lib/rights";
import "@/features/alerts/alerts.css";

const TONE: Record<Standing, string> = {
  firing: "danger",
  pending: "warn",
  quiet: "ok",
  new: "",
  off: "",
  silenced: "",
};
const SILENCES = [
  { value: "", label: "Silence…" },
  { value: "1", label: "for 1 h" },
  { value: "8", label: "for 8 h" },
  { value: "24", label: "for 24 h" },
  { value: "168", label: "for 7 d" },
  { value: "0", label: "until lifted" },
];

/** The rules of a deployment, and what they fired. */
export function AlertsCard({ deployed }: { deployed: Deployment }) {
  const d = deployed.id;
  const org = useOrg();
  const client = useQueryClient();
  const query = useQuery(rules(d));
  const fired = useQuery(alerts(d));
  const [editing, setEditing] = useState<Rule | "new" | null>(null);
  const [deleting, setDeleting] = useState<Rule | null>(null);
  useLiveQueries(
    ["alert"],
    [
      ["alert-rules", d],
      ["alerts", d],
    ],
    { deployment: d },
  );
  return (
    <Card
      title="Alerts"
      about={
        <>
          A rule watches one metric of this deployment. What it fires stands on the dashboard and is
          told to the{" "}
          <Link to="/o/$org/settings/receivers" params={{ org }}>
            receivers
          </Link>
          .
        </>
      }
      footer={
        <RightButton scope="deployments:write" tone="primary" onClick={() => setEditing("new")}>
          New rule
        </RightButton>
      }
    >
      <Loaded query={query} rows={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty compact title="No rule yet">
              A rule is tried on the last 30 days while you write it.
            </Empty>
          ) : (
            <Scroll label="Alert rules">
              <table className="table">
                <thead>
                  <tr>
                    <th>Rule</th>
                    <th>State</th>
                    <th className="num">Value</th>
                    <th aria-label="Actions" />
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <RuleRow
                      key={one.id}
                      d={d}
                      rule={one}
                      onEdit={() => setEditing(one)}
                      onDelete={() => setDeleting(one)}
                    />
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Loaded>
      <Loaded query={fired} rows={2}>
        {({ items }) => (items.length > 0 ? <History items={items} /> : null)}
      </Loaded>
      {editing && (
        <RuleDialog
          d={d}
          rule={editing === "new" ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
      {deleting && (
        <ForgetDialog
          name={deleting.name}
          what="rule"
          service="metrics"
          path={`/deployments/${d}/alert-rules/${deleting.id}`}
          onGone={() => {
            void client.invalidateQueries({ queryKey: rules(d).queryKey });
            void client.invalidateQueries({ queryKey: ["alerts", d] });
          }}
          onClose={() => setDeleting(null)}
        >
          {deleting.firing ? "What it fires is over then, and receivers are told. " : ""}What it has
          fired stays in the history.
        </ForgetDialog>
      )}
    </Card>
  );
}

function RuleRow(props: { d: string; rule: Rule; onEdit: () => void; onDelete: () => void }) {
  const { d, rule } = props;
  const client = useQueryClient();
  const refused = useRefusal("deployments:write");
  const path = `/deployments/${d}/alert-rules/${rule.id}/silence`;
  const silence = useMutation({
    mutationFn: (hours: number | null) =>
      hours === null
        ? remove("metrics", path)
        : put("metrics", path, {
            until: hours === 0 ? null : new Date(Date.now() + hours * 3_600_000).toISOString(),
          }),
    onSuccess: () => void client.invalidateQueries({ queryKey: rules(d).queryKey }),
  });
  const state = standing(rule);
  return (
    <tr>
      <td>
        <strong>{rule.name}</strong>
        <div className="muted small">{condition(rule)}</div>
        <FormProblem error={silence.error} />
      </td>
      <td>
        <span className={`badge ${TONE[state]}`}>{state}</span>
        <div className="muted small">
          {rule.severity.toLowerCase()}
          {rule.since && (
            <>
              {" since "}
              <Time at={rule.since} relative />
            </>
          )}
          {rule.silenced && rule.silenced_until && (
            <>
              {" until "}
              <Time at={rule.silenced_until} />
            </>
          )}
        </div>
      </td>
      <td className="num" title={rule.text}>
        {rule.value === null ? "–" : valueText(rule)}
      </td>
      <td>
        <div className="row">
          <RightButton scope="deployments:write" onClick={props.onEdit}>
            Change
          </RightButton>
          {rule.silenced ? (
            <RightButton
              scope="deployments:write"
              disabled={silence.isPending}
              onClick={() => silence.mutate(null)}
            >
              End silence
            </RightButton>
          ) : (
            <Select
              label={`Silence ${rule.name}`}
              value=""
              disabled={refused !== null || silence.isPending}
              options={SILENCES}
              onChange={(hours) => hours && silence.mutate(Number(hours))}
            />
          )}
          <RightButton
            scope="deployments:write"
            tone="quiet"
            icon="trash"
            aria-label={`Delete ${rule.name}`}
            onClick={props.onDelete}
          />
        </div>
      </td>
    </tr>
  );
}

function valueText(rule: Rule): string {
  const value = Number((rule.value ?? 0).toPrecision(4));
  return rule.unit === "0–1" ? String(value) : `${value} ${rule.unit}`;
}

function History({ items }: { items: Alert[] }) {
  return (
    <section aria-label="What has fired" className="stack">
      <h3>What has fired</h3>
      <Scroll label="What has fired">
        <table className="table">
          <thead>
            <tr>
              <th>Fired</th>
              <th>Over</th>
              <th>What</th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.id}>
                <td>
                  <Time at={one.fired_time} />
                </td>
                <td>
                  {one.resolved_time ? (
                    <Time at={one.resolved_time} />
                  ) : (
                    <span className="badge danger">firing</span>
                  )}
                </td>
                <td>
                  {one.name}
                  <div className="muted small">
                    {one.text}
                    {one.resolved_text && `; ${one.resolved_text}`}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
