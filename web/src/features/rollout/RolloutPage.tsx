import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { isProblem } from "@/api/problem";
import { deployment, rollouts, verdict } from "@/api/queries";
import type { Deployment, Rollout, Verdict } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Empty, Failure, Loaded, Loading, Notice } from "@/components/states";
import { Actions, DeployShadow } from "@/features/rollout/Actions";
import { History } from "@/features/rollout/History";
import { Proof } from "@/features/rollout/Proof";
import { useLiveQueries } from "@/lib/live/hooks";
import "@/styles/charts.css";
import "@/features/rollout/rollout.css";

export default function RolloutPage() {
  const d = useDeploymentId();
  const deployed = useQuery(deployment(d));
  const { r } = useParams({ from: "/inside/o/$org/deployments/$d/rollouts/$r" });
  const past = useQuery({ ...rollouts(d), enabled: r !== "current" });
  const chosen = past.data?.items.find((one) => one.id === r);
  const query = useQuery({
    ...verdict(d, chosen?.version),
    enabled: chosen !== undefined || deployed.data?.shadow != null,
  });
  useLiveQueries(
    ["verdict", "prediction", "rollout", "deployment", "draw", "model_version"],
    [["verdict", d], ["rollouts", d], ["model-versions"]],
    { deployment: d },
  );
  return (
    <div className="content rollout">
      <Loaded query={deployed}>
        {(one) => (
          <>
            {one.warnings.map((warning) => (
              <Notice key={warning} tone="warn">
                {warning}
              </Notice>
            ))}
            {chosen ? (
              <Past rollout={chosen} deployed={one} query={query} />
            ) : one.shadow === null ? (
              <NoShadow deployed={one} />
            ) : query.data ? (
              <Proof deployed={one} proof={query.data}>
                <Actions deployed={one} proof={query.data} />
              </Proof>
            ) : isProblem(query.error, 404) ? (
              <>
                <Empty title="No look yet" icon="clock">
                  The verdict begins with the first review of an image that both models saw.
                </Empty>
                <Actions deployed={one} proof={null} />
              </>
            ) : query.error ? (
              <Failure error={query.error} retry={() => void query.refetch()} />
            ) : (
              <Loading rows={6} />
            )}
            <History deployed={one} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function NoShadow({ deployed }: { deployed: Deployment }) {
  return (
    <>
      <div className="page-head">
        <h1 className="grow">No roll-out in progress</h1>
      </div>
      <Empty title={`Champion v${deployed.champion.number} runs alone`} icon="rollout">
        <p>
          A shadow sees the same images and answers nobody. Reviews then tell, with proof, whether
          it is better.
        </p>
        <DeployShadow deployed={deployed} />
      </Empty>
      <Actions deployed={deployed} proof={null} />
    </>
  );
}

/** What was known of a former candidate: the proof it was promoted on, or removed with. */
function Past(props: {
  rollout: Rollout;
  deployed: Deployment;
  query: { data: Verdict | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
}) {
  const org = useOrg();
  const d = props.deployed.id;
  const none = isProblem(props.query.error, 404);
  return (
    <>
      <p>
        <Link to="/o/$org/deployments/$d/rollouts/$r" params={{ org, d, r: "current" }}>
          The roll-out now
        </Link>
      </p>
      {none ? (
        <Empty title="No proof belongs to this roll-out" icon="rollout">
          {props.rollout.reason}
        </Empty>
      ) : (
        <Loaded query={props.query}>
          {(proof) => <Proof deployed={props.deployed} proof={proof} />}
        </Loaded>
      )}
    </>
  );
}
