import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Confusion } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { count, percent } from "@/lib/format";
import { quoted } from "@/lib/query";
import "@/features/dashboard/quality.css";

/** Predicted × reviewed. A row's name opens the reviewed predictions in which that label was seen. */
export function ConfusionPanel(props: {
  confusion: Confusion;
  images: number;
  background?: boolean;
}) {
  const { labels, counts } = props.confusion;
  const [share, setShare] = useState<"count" | "share">("count");
  const org = useOrg();
  const d = useDeploymentId();
  const sums = labels.map((_, reviewed) => counts.reduce((n, row) => n + (row[reviewed] ?? 0), 0));
  return (
    <Panel
      title="Confusion"
      subtitle={`rows predicted, columns reviewed · n = ${count(props.images)} images`}
      table={() => ({
        head: ["Predicted \\ reviewed", ...labels],
        rows: labels.map((name, i) => [name, ...labels.map((_, j) => counts[i]?.[j] ?? 0)]),
      })}
      tools={
        <Segments
          label="Cells as"
          value={share}
          options={[
            { value: "count", label: "Count" },
            { value: "share", label: "Share" },
          ]}
          onChange={setShare}
        />
      }
    >
      <Scroll label="Confusion">
        <table className="confusion">
          <thead>
            <tr>
              <td />
              {labels.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {labels.map((name, i) => (
              <tr key={name}>
                <th scope="row">
                  {props.background && i === labels.length - 1 ? (
                    name
                  ) : (
                    <Link
                      to="/o/$org/deployments/$d/predictions"
                      params={{ org, d }}
                      search={{ q: `labels = ${quoted(name)} and reviewed = True` }}
                    >
                      {name}
                    </Link>
                  )}
                </th>
                {labels.map((reviewed, j) => {
                  const n = counts[i]?.[j] ?? 0;
                  const part = sums[j] ? n / sums[j] : 0;
                  return (
                    <td
                      key={reviewed}
                      className={i === j ? "right" : n > 0 ? "wrong" : undefined}
                      style={{ "--share": `${Math.round(part * 100)}%` } as React.CSSProperties}
                      title={`predicted ${name}, reviewed ${reviewed}: ${n}`}
                    >
                      {n === 0 ? "·" : share === "count" ? count(n) : percent(part)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
