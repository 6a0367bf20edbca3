import type { Estimate, Report } from "@/api/types";
import { Panel } from "@/components/ChartPanel";
import { decimal } from "@/lib/format";
import "@/features/dashboard/quality.css";

export interface Judged {
  name: "champion" | "shadow";
  report: Report;
}

type Rows = readonly (readonly [key: string, name: string])[];

/** "[0.51, 0.65]"; nothing where too few images were drawn for an interval. */
export function interval(one: Estimate | undefined, digits = 2): string {
  if (!one || one.low === null || one.high === null) return "";
  return `[${decimal(one.low, digits)}, ${decimal(one.high, digits)}]`;
}

/** A number on reviewed images as a bar; its production estimate as a mark on its interval. */
export function Scores(props: {
  title: string;
  subtitle: string;
  rows: Rows;
  models: readonly Judged[];
}) {
  const { rows, models } = props;
  const reviewed = (one: Judged, key: string) =>
    (one.report.on_reviewed as unknown as Record<string, number | null>)[key] ?? null;
  const estimate = (one: Judged, key: string) => one.report.estimate?.numbers[key];
  const estimated = models.some((one) => rows.some(([key]) => estimate(one, key)));
  const [first] = rows;
  return (
    <Panel
      title={props.title}
      subtitle={props.subtitle}
      summary={models
        .map((one) => {
          const said = estimate(one, first![0]);
          const more = said ? `, production ${decimal(said.value, 3)} ${interval(said, 3)}` : "";
          return `${one.name} ${first![1]} ${decimal(reviewed(one, first![0]), 3)} on reviewed images${more}`;
        })
        .join("; ")}
      table={() => ({
        head: [
          "Metric",
          ...models.flatMap((one) => [
            `${one.name}, reviewed`,
            `${one.name}, production`,
            `${one.name}, low`,
            `${one.name}, high`,
          ]),
        ],
        rows: rows.map(([key, name]) => [
          name,
          ...models.flatMap((one) => {
            const said = estimate(one, key);
            return [
              reviewed(one, key),
              said?.value ?? null,
              said?.low ?? null,
              said?.high ?? null,
            ].map((value) => decimal(value, 3));
          }),
        ]),
      })}
      note={
        estimated ? (
          <div className="legend" aria-hidden="true">
            <span className="key">
              <span className="swatch square" style={{ color: "var(--champion)" }} /> on reviewed
              images
            </span>
            <span className="key">
              <span className="mark-key" /> production estimate, 95 %
            </span>
          </div>
        ) : undefined
      }
    >
      <ul className="scores">
        {rows.map(([key, name]) => (
          <li key={key}>
            <span>{name}</span>
            <span className="tracks">
              {models.map((one) => (
                <Track
                  key={one.name}
                  of={one.name}
                  value={reviewed(one, key)}
                  said={estimate(one, key)}
                />
              ))}
            </span>
            <span className="values">
              {models.map((one) => (
                <Value
                  key={one.name}
                  of={one.name}
                  value={reviewed(one, key)}
                  said={estimate(one, key)}
                />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

interface Shown {
  of: string;
  value: number | null;
  said: Estimate | undefined;
}

const percent = (value: number) => `${100 * Math.min(1, Math.max(0, value))}%`;

function Track({ of, value, said }: Shown) {
  return (
    <span className="track">
      <span className={`fill ${of}`} style={{ width: percent(value ?? 0) }} />
      {said && said.low !== null && said.high !== null && (
        <span
          className="whisker"
          style={{ left: percent(said.low), width: percent(said.high - said.low) }}
        />
      )}
      {said && said.value !== null && (
        <span className="mark" style={{ left: percent(said.value) }} />
      )}
    </span>
  );
}

function Value({ of, value, said }: Shown) {
  return (
    <span title={value === null ? "Nothing of this kind was reviewed" : `${of}, reviewed images`}>
      <span className={of}>{decimal(value, 3)}</span>
      {said && said.value !== null && (
        <span className="muted" title={`${of}, production estimate`}>
          {" "}
          {decimal(said.value)} {interval(said)}
        </span>
      )}
    </span>
  );
}
