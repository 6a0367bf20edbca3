import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { modelVersion, rollouts } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { useOrg } from "@/app/params";
import { Scroll } from "@/components/Scroll";
import { Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { shortId } from "@/lib/format";

/** Where a candidate was judged beside the champion. */
const JUDGED = new Set(["PROMOTE", "DEPLOY_SHADOW", "REMOVE_SHADOW"]);

/** Every roll-out of the deployment; the one in the address is marked. */
export function History({ deployed }: { deployed: Deployment }) {
  const query = useQuery(rollouts(deployed.id));
  const org = useOrg();
  const { r } = useParams({ strict: false });
  return (
    <section className="card" aria-label="History">
      <header>
        <h2>History</h2>
      </header>
      <Loaded query={query} rows={3}>
        {({ items }) => (
          <Scroll label="Roll-outs">
            <table className="table">
              <thead>
                <tr>
                  <th>When</th>
                  <th>Action</th>
                  <th>Version</th>
                  <th>Before</th>
                  <th>Why</th>
                  <th>Who</th>
                  <th aria-label="Proof" />
                </tr>
              </thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id} aria-current={one.id === r ? "true" : undefined}>
                    <td>
                      <Time at={one.time} />
                    </td>
                    <td>{one.action.toLowerCase().replaceAll("_", " ")}</td>
                    <td>
                      <VersionName id={one.version} />
                    </td>
                    <td>{one.previous ? <VersionName id={one.previous} /> : "–"}</td>
                    <td>{one.reason}</td>
                    <td>{one.actor}</td>
                    <td>
                      {JUDGED.has(one.action) && (
                        <Link
                          to="/o/$org/deployments/$d/rollouts/$r"
                          params={{ org, d: deployed.id, r: one.id }}
                        >
                          Proof
                        </Link>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {items.length === 0 && <p className="muted none">Nothing was rolled out yet.</p>}
          </Scroll>
        )}
      </Loaded>
    </section>
  );
}

/** "v8", leading to the version. */
export function VersionName({ id }: { id: string }) {
  const org = useOrg();
  const { data } = useQuery(modelVersion(id));
  if (!data) return <code>{shortId(id)}</code>;
  return (
    <Link to="/o/$org/models/$m/versions/$v" params={{ org, m: data.model, v: id }}>
      v{data.number}
    </Link>
  );
}
