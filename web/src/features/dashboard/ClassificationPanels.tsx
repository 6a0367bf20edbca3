import { useState } from "react";
import type { ClassificationQuality } from "@/api/types";
import { Panel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { count, decimal, percent } from "@/lib/format";

export function ClassificationPanels(props: {
  champion: ClassificationQuality | null;
  shadow: ClassificationQuality | null;
  kind: string;
}) {
  const [model, setModel] = useState<"champion" | "shadow">("champion");
  const [share, setShare] = useState<"count" | "share">("count");
  const quality =
    (model === "shadow" ? props.shadow : props.champion) ?? props.champion ?? props.shadow;
  if (!quality) return null;
  const { labels, counts } = quality.confusion;
  const sums = labels.map((_, reviewed) => counts.reduce((n, row) => n + (row[reviewed] ?? 0), 0));
  const subtitle = `${props.kind} · n = ${count(quality.images)}`;
  const switcher =
    props.champion && props.shadow ? (
      <Segments
        label="Model"
        value={model}
        options={[
          { value: "champion", label: "Champion" },
          { value: "shadow", label: "Shadow" },
        ]}
        onChange={setModel}
      />
    ) : undefined;
  return (
    <>
      <Panel title="Per label" subtitle={subtitle} tools={switcher}>
        <Scroll label="Values by label" className="chart-table">
          <table className="table">
            <thead>
              <tr>
                <th>Label</th>
                <th className="num">Precision</th>
                <th className="num">Recall</th>
                <th className="num">F1</th>
                <th className="num">Support</th>
              </tr>
            </thead>
            <tbody>
              {quality.per_label.map((one) => (
                <tr key={one.label}>
                  <td>{one.label}</td>
                  <td className="num">{decimal(one.precision)}</td>
                  <td className="num">{decimal(one.recall)}</td>
                  <td className="num">{decimal(one.f1)}</td>
                  <td className="num">{count(one.support)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        <dl className="facts">
          <div>
            <dt>Accuracy</dt>
            <dd>{decimal(quality.accuracy, 3)}</dd>
          </div>
          <div>
            <dt>Macro F1</dt>
            <dd>{decimal(quality.macro_f1, 3)}</dd>
          </div>
          <div>
            <dt>Weighted F1</dt>
            <dd>{decimal(quality.weighted_f1, 3)}</dd>
          </div>
        </dl>
      </Panel>
      <Panel
        title="Confusion"
        subtitle="rows predicted, columns reviewed"
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
                  <th scope="row">{name}</th>
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
    </>
  );
}
