import { Link } from "@tanstack/react-router";
import type { Dashboard } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { count, percent } from "@/lib/format";
import { quoted } from "@/lib/query";

/** Share of each label in training and in production, on one scale. */
export function GlobalDistribution({ data, counts }: { data: Dashboard; counts: number[] }) {
  const org = useOrg();
  const d = useDeploymentId();
  const { names, training, production } = data.global_distribution;
  const top = Math.max(0.01, ...production, ...(training ?? []));
  const width = (share: number | undefined) => `${(100 * (share ?? 0)) / top}%`;
  return (
    <Panel
      title="Global distribution"
      subtitle={training ? "share of shapes, training against production" : "production only"}
      table={() => ({
        head: ["Label", "Training", "Production", "n"],
        rows: names.map((name, i) => [
          name,
          training ? percent(training[i], 1) : "–",
          percent(production[i], 1),
          counts[i] ?? null,
        ]),
      })}
      note={
        training === null ? (
          <p className="note small muted">
            The training side needs training data.{" "}
            <Link
              to="/o/$org/deployments/$d/settings/$stage"
              params={{ org, d, stage: "training-data" }}
            >
              Set
            </Link>
          </p>
        ) : (
          <div className="legend" aria-hidden="true">
            <span className="key">
              <span className="swatch square" style={{ color: "var(--reference)" }} /> training
            </span>
            <span className="key">
              <span className="swatch square" style={{ color: "var(--champion)" }} /> production
            </span>
          </div>
        )
      }
    >
      <ul className="pairs">
        {names.map((name, i) => (
          <li key={name} title={`${name}: n = ${count(counts[i])}`}>
            <Link
              to="/o/$org/deployments/$d/predictions"
              params={{ org, d }}
              search={{ q: `labels = ${quoted(name)}` }}
            >
              <span className="truncate">{name}</span>
            </Link>
            <span className="bars">
              {training && <span className="bar training" style={{ width: width(training[i]) }} />}
              <span className="bar production" style={{ width: width(production[i]) }} />
            </span>
            <span className="num small">
              {training && <span className="muted">{percent(training[i], 1)}</span>}
              <span>{percent(production[i], 1)}</span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
