import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { deployments, models, modelVersions } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { Scroll } from "@/components/Scroll";
import { Empty, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { useLiveQueries } from "@/lib/live/hooks";

export default function VersionsPage() {
  const { org, m } = useParams({ from: "/inside/o/$org/models/$m/versions" });
  const query = useQuery(modelVersions(m));
  const { data: registry } = useQuery(models);
  const { data: running } = useQuery(deployments);
  useLiveQueries(["model_version", "deployment"], [["model-versions", m], ["deployments"]]);
  return (
    <div className="content">
      <div className="page-head">
        <h1>{registry?.items.find((one) => one.id === m)?.name ?? "Model"}</h1>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No version yet" icon="models" />
          ) : (
            <Scroll label="Versions" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>Version</th>
                    <th>Name</th>
                    <th>Runs as</th>
                    <th>Labels</th>
                    <th>From</th>
                    <th>Created</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <tr key={one.id}>
                      <td>
                        <Link to="/o/$org/models/$m/versions/$v" params={{ org, m, v: one.id }}>
                          <strong>v{one.number}</strong>
                        </Link>
                      </td>
                      <td>{one.name}</td>
                      <td>
                        <RunsAs id={one.id} running={running?.items ?? []} />
                      </td>
                      <td className="muted truncate" style={{ maxWidth: 260 }}>
                        {one.labels.join(", ")}
                      </td>
                      <td className="muted">{one.experiment ? "experiment" : "upload"}</td>
                      <td>
                        <Time at={one.created} relative />
                      </td>
                    </tr>
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

export function RunsAs({ id, running }: { id: string; running: readonly Deployment[] }) {
  return (
    <span className="row wrap">
      {running.map((one) =>
        one.champion.version === id ? (
          <span key={one.id} className="badge champion">
            champion of {one.name}
          </span>
        ) : one.shadow?.version === id ? (
          <span key={one.id} className="badge shadow">
            shadow of {one.name}
          </span>
        ) : null,
      )}
    </span>
  );
}
