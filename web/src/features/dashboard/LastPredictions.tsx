import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { deployment, prediction } from "@/api/queries";
import type { Dashboard } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Picture } from "@/components/Picture";
import { Skeleton } from "@/components/states";
import { Time } from "@/components/Time";
import "@/components/picture.css";

export function LastPredictions({ data }: { data: Dashboard }) {
  const org = useOrg();
  const d = useDeploymentId();
  const deployed = useQuery(deployment(d)).data;
  const details = useQueries({
    queries: data.last.map((one) => ({ ...prediction(d, one.prediction), staleTime: 60_000 })),
  });
  return (
    <Panel title="Last predictions" wide>
      <ul className="last">
        {data.last.map((one, i) => {
          const item = details[i]?.data;
          return (
            <li key={one.prediction}>
              <Link
                to="/o/$org/deployments/$d/review/$asset"
                params={{ org, d, asset: one.prediction }}
                search={{ src: "list" }}
              >
                {item ? (
                  <Picture item={item} shapes="champion" threshold={deployed?.threshold ?? 0} />
                ) : (
                  <Skeleton height={120} />
                )}
                <span className="muted small">
                  <Time at={new Date(one.t * 1000).toISOString()} relative />
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
