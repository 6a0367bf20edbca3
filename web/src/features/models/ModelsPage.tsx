import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { models } from "@/api/queries";
import { useOrg } from "@/app/params";
import { Scroll } from "@/components/Scroll";
import { Empty, Loaded } from "@/components/states";
import { count } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";

export default function ModelsPage() {
  const org = useOrg();
  const query = useQuery(models);
  useLiveQueries(["model_version"], [["models"]]);
  return (
    <div className="content">
      <div className="page-head">
        <h1>Models</h1>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No model yet" icon="models">
              <pre>{`curl -X POST ${location.origin}/api/deployer/v1/models \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"name": "dock-detector", "type": "OBJECT_DETECTION"}'`}</pre>
            </Empty>
          ) : (
            <Scroll label="Models" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>Name</th>
                    <th>Type</th>
                    <th className="num">Versions</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <tr key={one.id}>
                      <td>
                        <Link to="/o/$org/models/$m/versions" params={{ org, m: one.id }}>
                          <strong>{one.name}</strong>
                        </Link>
                      </td>
                      <td className="muted">{one.type.toLowerCase().replaceAll("_", " ")}</td>
                      <td className="num">{count(one.versions)}</td>
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
