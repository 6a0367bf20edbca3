import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { datasetVersion, provenance } from "@/api/data";
import { deployments } from "@/api/queries";
import type { DatasetVersion } from "@/api/types";
import { useOrg } from "@/app/params";
import { Empty, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { count, shortId } from "@/lib/format";

/** Which deployments and reviewers the images come from, and what the version was copied from. */
export function OriginTab({ version }: { version: DatasetVersion }) {
  const org = useOrg();
  const query = useQuery(provenance(version.id));
  const { data: known } = useQuery(deployments);
  const base = useQuery({ ...datasetVersion(version.base ?? ""), enabled: version.base !== null });
  return (
    <div className="stack">
      <dl className="facts">
        {version.base !== null && (
          <>
            <dt>Copied from</dt>
            <dd>
              {base.data ? (
                <Link
                  to="/o/$org/datasets/$s/versions/$v"
                  params={{ org, s: base.data.dataset, v: base.data.id }}
                >
                  {base.data.dataset_name} {base.data.version}
                </Link>
              ) : (
                shortId(version.base)
              )}{" "}
              {version.query ? <code>{version.query}</code> : "all of it"}
            </dd>
          </>
        )}
        <dt>Made</dt>
        <dd>
          <Time at={version.created} />
        </dd>
        {version.frozen !== null && (
          <>
            <dt>Frozen</dt>
            <dd>
              <Time at={version.frozen} />
            </dd>
          </>
        )}
        <dt>Digest</dt>
        <dd>
          <code>{version.digest ?? "not settled yet"}</code>
        </dd>
      </dl>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No image yet" icon="image" />
          ) : (
            <div className="card table-scroll">
              <table className="table">
                <thead>
                  <tr>
                    <th>From</th>
                    <th>Reviewed by</th>
                    <th className="num">Images</th>
                    <th className="num">Annotated</th>
                    <th>First</th>
                    <th>Last</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <tr key={`${one.deployment} ${one.reviewer}`}>
                      <td>
                        {one.deployment ? (
                          <Link
                            to="/o/$org/deployments/$d/dashboard"
                            params={{ org, d: one.deployment }}
                          >
                            {known?.items.find((d) => d.id === one.deployment)?.name ??
                              shortId(one.deployment)}
                          </Link>
                        ) : (
                          "import, or the Datalake"
                        )}
                      </td>
                      <td className="muted">
                        {one.reviewer ?? (one.deployment ? "not noted" : "–")}
                      </td>
                      <td className="num">{count(one.assets)}</td>
                      <td className="num">{count(one.annotated)}</td>
                      <td>
                        <Time at={one.first} />
                      </td>
                      <td>
                        <Time at={one.last} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </div>
  );
}
