import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { counts, deployments, summaries } from "@/api/queries";
import type { Deployment, Summary } from "@/api/types";
import { useOrg } from "@/app/params";
import { Select } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { Scroll } from "@/components/Scroll";
import { Sparkline } from "@/components/Sparkline";
import { Empty, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { type Alert, firingAnywhere } from "@/features/alerts/api";
import { count, MISSING, seconds } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";

const TYPES = {
  CLASSIFICATION: "Classification",
  OBJECT_DETECTION: "Object detection",
  SEGMENTATION: "Segmentation",
} as const;

const SORTS = [
  { value: "name", label: "Name" },
  { value: "last", label: "Last prediction" },
  { value: "volume", label: "Predictions" },
  { value: "to-review", label: "To review" },
] as const;

interface Row {
  deployment: Deployment;
  summary: Summary | undefined;
  toReview: number | undefined;
  firing: Alert[] | undefined;
}

export default function DeploymentsPage() {
  const org = useOrg();
  const query = useQuery(deployments);
  const { q = "", sort = "name" } = useSearch({ from: "/inside/o/$org/deployments" });
  const navigate = useNavigate({ from: "/o/$org/deployments" });
  const all = query.data?.items ?? [];
  const { data: sums } = useQuery(summaries(all.map((one) => one.id)));
  const toReview = useQueries({ queries: all.map((one) => counts(one.id)) });
  const { data: alerts } = useQuery(firingAnywhere);
  useLiveQueries(
    ["series", "deployment", "prediction"],
    [["summaries"], ["counts"], ["deployments"]],
  );
  useLiveQueries(["alert"], [firingAnywhere.queryKey]);
  const rows: Row[] = all
    .map((deployment, i) => ({
      deployment,
      summary: sums?.items.find((one) => one.deployment === deployment.id),
      toReview: toReview[i]?.data?.TO_REVIEW,
      firing: alerts?.items.filter((one) => one.deployment === deployment.id),
    }))
    .filter((row) => row.deployment.name.toLowerCase().includes(q.toLowerCase()))
    .sort((a, b) => compare(a, b, sort));
  return (
    <div className="content">
      <div className="page-head">
        <h1 className="grow">Deployments</h1>
        <input
          className="input"
          type="search"
          aria-label="Filter by name"
          placeholder="Filter by name"
          value={q}
          onChange={(event) =>
            void navigate({
              search: (old) => ({ ...old, q: event.target.value || undefined }),
              replace: true,
            })
          }
        />
        <Select
          label="Sort"
          value={sort}
          options={SORTS}
          onChange={(value) => void navigate({ search: (old) => ({ ...old, sort: value }) })}
        />
      </div>
      <Loaded query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <NoDeployment />
          ) : rows.length === 0 ? (
            <Empty title={`No deployment is named like “${q}”`} icon="search" />
          ) : (
            <Scroll label="Deployments" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>Name</th>
                    <th>Type</th>
                    <th>Models</th>
                    <th>Last 24 h</th>
                    <th className="num">Predictions</th>
                    <th className="num">p95 latency</th>
                    <th className="num">To review</th>
                    <th>Alerts</th>
                    <th>Last prediction</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <DeploymentRow key={row.deployment.id} row={row} org={org} />
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Loaded>
    </div>
  );
}

function compare(a: Row, b: Row, sort: (typeof SORTS)[number]["value"]): number {
  if (sort === "volume") return (b.summary?.predictions ?? 0) - (a.summary?.predictions ?? 0);
  if (sort === "to-review") return (b.toReview ?? 0) - (a.toReview ?? 0);
  if (sort === "last") {
    return (b.summary?.last_prediction ?? "").localeCompare(a.summary?.last_prediction ?? "");
  }
  return a.deployment.name.localeCompare(b.deployment.name);
}

function DeploymentRow({ row, org }: { row: Row; org: string }) {
  const { deployment, summary, toReview, firing } = row;
  const params = { org, d: deployment.id };
  return (
    <tr>
      <td>
        <Link to="/o/$org/deployments/$d/dashboard" params={params}>
          <strong>{deployment.name}</strong>
        </Link>{" "}
        {deployment.warnings.length > 0 && (
          <span className="badge warn" title={deployment.warnings.join("\n")}>
            <Icon name="warn" size={12} /> {deployment.warnings.length}
          </span>
        )}
      </td>
      <td className="muted">{TYPES[deployment.type]}</td>
      <td>
        <span className="row">
          <span className="badge champion" title={`Champion: ${deployment.champion.name}`}>
            champion v{deployment.champion.number}
          </span>
          {deployment.shadow && (
            <span className="badge shadow" title={`Shadow: ${deployment.shadow.name}`}>
              shadow v{deployment.shadow.number}
            </span>
          )}
        </span>
      </td>
      <td>
        {summary ? (
          <Sparkline
            values={summary.last_24h}
            label={`${count(summary.last_24h.reduce((a, b) => a + b, 0))} predictions in 24 h`}
          />
        ) : (
          MISSING
        )}
      </td>
      <td className="num">{count(summary?.predictions)}</td>
      <td className="num">{seconds(summary?.latency_p95)}</td>
      <td className="num">
        {toReview ? (
          <Link
            to="/o/$org/deployments/$d/predictions"
            params={params}
            search={{ q: 'status = "TO_REVIEW"' }}
          >
            {count(toReview)}
          </Link>
        ) : (
          count(toReview)
        )}
      </td>
      <td>{firing ? <Firing alerts={firing} params={params} /> : MISSING}</td>
      <td>
        <Time at={summary?.last_prediction} relative />
      </td>
    </tr>
  );
}

/** How many fire, in the colour of the worst; the dashboard says what. */
function Firing({ alerts, params }: { alerts: Alert[]; params: { org: string; d: string } }) {
  if (alerts.length === 0) return <span className="muted">none</span>;
  const severities = alerts.map((one) => one.severity);
  const tone = severities.includes("CRITICAL")
    ? "danger"
    : severities.includes("WARNING")
      ? "warn"
      : "";
  return (
    <Link
      to="/o/$org/deployments/$d/dashboard"
      params={params}
      className={`badge ${tone}`}
      title={alerts.map((one) => one.name).join("\n")}
    >
      <Icon name="warn" size={12} /> {alerts.length} firing
    </Link>
  );
}

function NoDeployment() {
  const origin = location.origin;
  return (
    <Empty title="No model is deployed yet" icon="deployments">
      <p>Register a model version, deploy it, and log a first prediction; this page turns live.</p>
      <pre>{`curl -X POST ${origin}/api/deployer/v1/deployments \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"name": "dock", "model_version": "…"}'

curl -X POST ${origin}/api/ingest/v1/deployments/$DEPLOYMENT/predictions \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"filename": "a.jpg", "content_type": "image/jpeg", "height": 480, "width": 640,
       "latency": 0.08, "prediction": {"detection_classes": [0],
       "detection_scores": [0.9], "detection_boxes": [[10, 20, 110, 220]]}}'`}</pre>
    </Empty>
  );
}
