import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useMatchRoute } from "@tanstack/react-router";
import { deployment } from "@/api/queries";
import { useDeploymentId, useOrg } from "@/app/params";
import { Failure } from "@/components/states";
import { useLiveQueries } from "@/lib/live/hooks";

const REVIEW = "/o/$org/deployments/$d/review/$asset";

/** The tabs of a deployment; the review tool takes the whole page. */
export function DeploymentLayout() {
  const org = useOrg();
  const d = useDeploymentId();
  const query = useQuery(deployment(d));
  const reviewing = useMatchRoute()({ to: REVIEW });
  useLiveQueries(["deployment", "rollout", "reset"], [["deployment", d], ["deployments"]], {
    deployment: d,
  });
  if (query.error && !query.data) {
    return (
      <div className="content">
        <Failure error={query.error} retry={() => void query.refetch()} />
      </div>
    );
  }
  if (reviewing) return <Outlet />;
  const params = { org, d };
  const active = { className: "active" };
  return (
    <>
      <nav className="tabs" aria-label="Deployment">
        <Link to="/o/$org/deployments/$d/dashboard" params={params} activeProps={active}>
          Dashboard
        </Link>
        <Link to="/o/$org/deployments/$d/predictions" params={params} activeProps={active}>
          Predictions
        </Link>
        <Link to={REVIEW} params={{ ...params, asset: "next" }} search={{ src: "queue" }}>
          Review
        </Link>
        <Link
          to="/o/$org/deployments/$d/rollouts/$r"
          params={{ ...params, r: "current" }}
          className={location.pathname.includes("/rollouts/") ? "active" : undefined}
        >
          Roll-out
        </Link>
        <Link
          to="/o/$org/deployments/$d/settings/$stage"
          params={{ ...params, stage: "general" }}
          className={location.pathname.includes("/settings") ? "active" : undefined}
        >
          Settings
        </Link>
      </nav>
      <Outlet />
    </>
  );
}
