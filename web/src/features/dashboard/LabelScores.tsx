import { Link } from "@tanstack/react-router";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Scroll } from "@/components/Scroll";
import type { Judged } from "@/features/dashboard/Scores";
import { count, decimal } from "@/lib/format";
import { quoted } from "@/lib/query";

/** Each label's numbers on reviewed images. */
export function LabelScores({ of }: { of: Judged }) {
  const org = useOrg();
  const d = useDeploymentId();
  const said = of.report.on_reviewed;
  const labels = said.per_label.map((one) => ({
    ...one,
    ap: "ap_50_95" in one ? one.ap_50_95 : undefined,
  }));
  const detects = labels.some((one) => one.ap !== undefined);
  const means = [
    { name: "mean over labels", ...said.macro },
    { name: "weighted by support", ...said.weighted },
  ];
  return (
    <Panel
      title="Per label"
      subtitle={`${of.name}, on reviewed images`}
      table={() => ({
        head: ["Label", "Precision", "Recall", "F1", ...(detects ? ["AP"] : []), "Support"],
        rows: labels.map((one) => [
          one.label,
          decimal(one.precision, 3),
          decimal(one.recall, 3),
          decimal(one.f1, 3),
          ...(detects ? [decimal(one.ap, 3)] : []),
          one.support,
        ]),
      })}
    >
      <Scroll label="Values by label" className="chart-table">
        <table className="table">
          <thead>
            <tr>
              <th>Label</th>
              <th className="num">Precision</th>
              <th className="num">Recall</th>
              <th className="num">F1</th>
              {detects && <th className="num">AP</th>}
              <th className="num">Support</th>
            </tr>
          </thead>
          <tbody>
            {labels.map((one) => (
              <tr key={one.label}>
                <td>
                  <Link
                    to="/o/$org/deployments/$d/predictions"
                    params={{ org, d }}
                    search={{ q: `labels = ${quoted(one.label)} and reviewed = True` }}
                  >
                    {one.label}
                  </Link>
                </td>
                <td className="num">{decimal(one.precision)}</td>
                <td className="num">{decimal(one.recall)}</td>
                <td className="num">{decimal(one.f1)}</td>
                {detects && <td className="num">{decimal(one.ap)}</td>}
                <td className="num">{count(one.support)}</td>
              </tr>
            ))}
            {means.map((one) => (
              <tr key={one.name}>
                <td className="muted">{one.name}</td>
                <td className="num">{decimal(one.precision)}</td>
                <td className="num">{decimal(one.recall)}</td>
                <td className="num">{decimal(one.f1)}</td>
                {detects && <td />}
                <td />
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
