import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Training } from "@/api/types";
import { useOrg } from "@/app/params";
import { InputField } from "@/components/InputField";
import { Time } from "@/components/Time";
import { rules } from "@/features/alerts/api";

/** Which alerts ask for a training, and how many reviews it then takes. */
export function AlertTrigger(props: {
  d: string;
  chosen: string[];
  least: string;
  onChoose: (rules: string[]) => void;
  onLeast: (least: string) => void;
}) {
  const { d, chosen, least, onChoose, onLeast } = props;
  const org = useOrg();
  const known = useQuery(rules(d)).data?.items;
  // A rule that was deleted stays chosen until somebody takes it out: what is not shown cannot be.
  const gone = known ? chosen.filter((id) => !known.some((rule) => rule.id === id)) : [];
  const shown = [
    ...(known ?? []).map(({ id, name }) => ({ id, name })),
    ...gone.map((id) => ({ id, name: "a rule that was deleted" })),
  ];
  return (
    <fieldset className="stack">
      <legend>Also when an alert fires</legend>
      {known && shown.length === 0 && (
        <p className="muted small">
          This deployment has no alert rule yet.{" "}
          <Link to="/o/$org/deployments/$d/settings/$stage" params={{ org, d, stage: "alerts" }}>
            Make one
          </Link>
        </p>
      )}
      {shown.map(({ id, name }) => (
        <label key={id} className="choice">
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            onChange={({ target }) =>
              onChoose(target.checked ? [...chosen, id] : chosen.filter((one) => one !== id))
            }
          />
          {name}
        </label>
      ))}
      {chosen.length > 0 && (
        <InputField
          label="Reviewed predictions it takes"
          hint="With fewer submitted since the last run, a firing starts nothing."
          type="number"
          min={0}
          value={least}
          onChange={onLeast}
        />
      )}
    </fieldset>
  );
}

/** What the newest alerts led to, and why to nothing. */
export function Alarms({
  alarms,
  project,
}: {
  alarms: Training["alarms"];
  project: string | null;
}) {
  const org = useOrg();
  if (alarms.length === 0) return null;
  return (
    <ul className="stack small" aria-label="What alerts led to">
      {alarms.map((one) => (
        <li key={one.alert} className="muted">
          <Time at={one.time} />: {one.text} ·{" "}
          {one.outcome === "STARTED" && one.experiment && (
            <Link
              to="/o/$org/projects/$p/experiments/$e"
              params={{ org, p: project ?? "all", e: one.experiment }}
            >
              started a training
            </Link>
          )}
          {one.outcome === "SKIPPED" && `no training: ${one.why}`}
          {one.outcome === "WAITING" && "waits until the datasets have settled"}
        </li>
      ))}
    </ul>
  );
}
