import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { isProblem } from "@/api/problem";
import { dashboard, deployment, verdict } from "@/api/queries";
import type { Deployment, Quality, Verdict } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Icon } from "@/components/Icon";
import { Empty, Failure, Loaded, Loading, Notice } from "@/components/states";
import { Time } from "@/components/Time";
import { isClassification } from "@/features/dashboard/QualityGroup";
import { Actions, DeployShadow } from "@/features/rollout/Actions";
import { History } from "@/features/rollout/History";
import { LooksTable, VerdictCharts } from "@/features/rollout/VerdictCharts";
import { count, decimal, signed } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import "@/styles/charts.css";
import "@/features/rollout/rollout.css";

export default function RolloutPage() {
  const d = useDeploymentId();
  const deployed = useQuery(deployment(d));
  const query = useQuery({ ...verdict(d), enabled: deployed.data?.shadow != null });
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
            {one.shadow === null ? (
              <NoShadow deployed={one} />
            ) : query.data ? (
              <Proof deployed={one} proof={query.data} />
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

const REACHED = {
  BETTER: { tone: "ok", text: "Verdict reached: the shadow is better." },
  WORSE: { tone: "danger", text: "Verdict reached: the shadow is worse. Remove it." },
  NOT_WORSE: { tone: "ok", text: "Verdict reached: the shadow is not worse." },
} as const;

function Proof({ deployed, proof }: { deployed: Deployment; proof: Verdict }) {
  const { waiting } = proof;
  const reached = proof.reached ? REACHED[proof.reached] : null;
  return (
    <>
      <header className="sentence">
        <h1>{proof.sentence}</h1>
        <p className="muted">
          <span className="champion">champion v{deployed.champion.number}</span> against{" "}
          <span className="shadow">shadow v{deployed.shadow?.number}</span> on the same images since{" "}
          <Time at={proof.since} />. Difference of the loss 1 − F1 at IoU 0.5; above zero the shadow
          is better.
        </p>
      </header>
      {reached && <Notice tone={reached.tone}>{reached.text}</Notice>}
      {proof.warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      <Actions deployed={deployed} proof={proof} />
      <dl className="facts">
        <Fact name="Reviews that count" value={count(proof.reviews)} />
        <Fact name="Mean difference" value={signed(proof.mean_difference, 3)} />
        <Fact
          name={`Band, α ${proof.alpha}`}
          value={proof.low === null ? "–" : `[${signed(proof.low, 3)}, ${signed(proof.high, 3)}]`}
        />
        <Fact
          name="e better"
          value={decimal(proof.e_better, 1)}
          hint={`line at ${decimal(1 / proof.alpha, 0)}`}
        />
        <Fact name="e worse" value={decimal(proof.e_worse, 1)} />
        <Fact name="e not worse" value={decimal(proof.e_not_worse, 1)} hint={`δ ${proof.delta}`} />
        {proof.recent && (
          <Fact
            name="Last 7 days"
            value={`${signed(proof.recent.mean, 3)} [${signed(proof.recent.low, 3)}, ${signed(proof.recent.high, 3)}]`}
            hint={`n = ${count(proof.recent.reviews)}`}
          />
        )}
      </dl>
      <VerdictCharts proof={proof} />
      <div className="rollout-tables">
        <LooksTable proof={proof} />
        <div className="stack">
          <section className="card" aria-label="Policy">
            <header>
              <h2>Policy</h2>
              <span className="badge">
                <Icon name="lock" size={12} /> fixed at the first look
              </span>
            </header>
            <table className="table">
              <tbody>
                <Row name="α, chance of a wrong promotion" value={String(proof.alpha)} />
                <Row name="δ, what “not worse” may lose" value={String(proof.delta)} />
                <Row name="Minimum reviews" value={count(proof.minimum)} />
                <Row name="Maximum reviews" value={count(proof.maximum)} />
                <Row name="Unanswered" value={count(waiting.unanswered)} />
                <Row name="Skipped" value={count(waiting.skipped)} />
              </tbody>
            </table>
          </section>
          <BothQualities deployed={deployed} />
        </div>
      </div>
    </>
  );
}

function Fact({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {hint && <span className="muted small">{hint}</span>}
      </dd>
    </div>
  );
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <tr>
      <td>{name}</td>
      <td className="num">{value}</td>
    </tr>
  );
}

function BothQualities({ deployed }: { deployed: Deployment }) {
  const org = useOrg();
  const { data } = useQuery(dashboard(deployed.id, { range: "all" }, deployed.created));
  const { champion, shadow, kind } = data?.quality ?? {};
  if (!champion || !shadow) return null;
  const rows: [string, number | null, number | null][] =
    isClassification(champion) || isClassification(shadow)
      ? isClassification(champion) && isClassification(shadow)
        ? [
            ["Accuracy", champion.accuracy, shadow.accuracy],
            ["Macro F1", champion.macro_f1, shadow.macro_f1],
          ]
        : []
      : (
          [
            ["AP @.50:.95", "ap_50_95"],
            ["AP @.50", "ap_50"],
            ["F1", "f1"],
          ] as const
        ).map(([name, key]) => [name, (champion as Quality)[key], (shadow as Quality)[key]]);
  return (
    <section className="card" aria-label="Quality of both models">
      <header>
        <h2>Quality</h2>
        <span className="muted small">
          {kind} · n = {count(data?.quality.reviewed)}
        </span>
      </header>
      <table className="table">
        <thead>
          <tr>
            <th>Metric</th>
            <th className="num">Champion</th>
            <th className="num">Shadow</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, a, b]) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="num champion">{decimal(a, 3)}</td>
              <td className="num shadow">{decimal(b, 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <footer>
        <Link
          className="button"
          to="/o/$org/deployments/$d/review/$asset"
          params={{ org, d: deployed.id, asset: "next" }}
          search={{ src: "queue" }}
        >
          Review more
        </Link>
      </footer>
    </section>
  );
}
