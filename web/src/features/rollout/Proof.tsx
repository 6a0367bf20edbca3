import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { dashboard } from "@/api/queries";
import type { Deployment, Quality, Verdict } from "@/api/types";
import { useOrg } from "@/app/params";
import { Icon } from "@/components/Icon";
import { Notice } from "@/components/states";
import { Time } from "@/components/Time";
import { isClassification } from "@/features/dashboard/kinds";
import { VersionName } from "@/features/rollout/History";
import { LooksTable, VerdictCharts } from "@/features/rollout/VerdictCharts";
import { count, decimal, percent, signed } from "@/lib/format";

const REACHED = {
  BETTER: { tone: "ok", text: "the candidate is better" },
  WORSE: { tone: "danger", text: "the candidate is worse" },
  NOT_WORSE: { tone: "ok", text: "the candidate is not worse" },
} as const;

/** The verdict on a candidate: the sentence, the band, the evidence and the policy it was judged by. */
export function Proof(props: { deployed: Deployment; proof: Verdict; children?: ReactNode }) {
  const { deployed, proof } = props;
  const { waiting } = proof;
  const reached = proof.reached ? REACHED[proof.reached] : null;
  return (
    <>
      <header className="sentence">
        <h1>{proof.sentence}</h1>
        <p className="muted">
          Champion <VersionName id={proof.champion} /> against candidate{" "}
          <VersionName id={proof.candidate} /> on the same images since <Time at={proof.since} />.
          Difference of the loss{" "}
          {deployed.type === "CLASSIFICATION" ? "(0 right, 1 wrong)" : "1 − F1 at IoU 0.5"}; above
          zero the candidate is better.
        </p>
      </header>
      {reached && (
        <Notice tone={reached.tone}>
          Verdict reached {proof.reached_time && <Time at={proof.reached_time} />}: {reached.text}.
        </Notice>
      )}
      {proof.warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      {props.children}
      <dl className="facts">
        <Fact name="Reviews that count" value={count(proof.reviews)} />
        <Fact name="Mean difference" value={signed(proof.mean_difference, 3)} />
        <Fact
          name={`Band, α ${proof.alpha}`}
          value={`[${signed(proof.low, 3)}, ${signed(proof.high, 3)}]`}
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
                <Row
                  name="On proof of better"
                  value={proof.action === "promote" ? "promote" : "notify only"}
                />
                <Row name="Queue drawn uniformly" value={percent(proof.uniform)} />
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
