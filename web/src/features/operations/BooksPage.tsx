import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { ledgers, rejections } from "@/api/queries";
import type { Rejections } from "@/api/types";
import { ChartPanel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { Empty, Loaded } from "@/components/states";
import { BookRow } from "@/features/operations/BookRow";
import { OperationsTabs } from "@/features/operations/OperationsTabs";
import { type Refusals, refusals } from "@/features/operations/refusals";
import { count, dateTime } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import { useNow } from "@/lib/now";
import { labelToken, token } from "@/lib/palette";
import { usePreferences } from "@/lib/preferences";
import { bucketName, timeOption } from "@/lib/timechart";
import "@/styles/charts.css";
import "@/features/operations/operations.css";

const RANGES = { "24h": 24, "7d": 168, "30d": 720 } as const;
const NONE: Rejections["items"] = [];
type Range = keyof typeof RANGES;

/** What became of every prediction that was sent, for each deployment. */
export default function BooksPage() {
  const { range = "24h" } = useSearch({ from: "/inside/o/$org/operations/books" });
  const navigate = useNavigate();
  const hours = RANGES[range];
  const query = useQuery(ledgers);
  const refused = useQuery(rejections(hours));
  const found = refused.data?.items ?? NONE;
  const hour = Math.floor(useNow() / 3_600_000) * 3_600_000;
  const all = useMemo(() => refusals(found, hours, hour), [found, hours, hour]);
  useLiveQueries(["series", "prediction", "alert"], [["ledger"]]);
  return (
    <>
      <OperationsTabs />
      <div className="content books">
        <div className="page-head">
          <h1>Books</h1>
          <span className="muted">
            received = stored + duplicate + rejected + dead-lettered + in flight
          </span>
        </div>
        <Loaded query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No deployment yet" icon="operations">
                The books begin with the first prediction that a deployment receives.
              </Empty>
            ) : (
              <>
                <Scroll label="Books" className="card">
                  <table className="table">
                    <thead>
                      <tr>
                        <th>Deployment</th>
                        <th>Balance</th>
                        <th className="num">Received</th>
                        <th className="num">Stored</th>
                        <th className="num">Duplicate</th>
                        <th className="num">Rejected</th>
                        <th className="num">Dead-lettered</th>
                        <th className="num">In flight</th>
                        <th>Rejected, {range}</th>
                      </tr>
                    </thead>
                    <tbody>
                      {items.map((book) => (
                        <BookRow
                          key={book.deployment}
                          book={book}
                          refused={refusals(found, hours, hour, book.deployment)}
                        />
                      ))}
                    </tbody>
                  </table>
                </Scroll>
                <RejectedPanel
                  refused={all}
                  range={range}
                  onRange={(next) =>
                    void navigate({ to: ".", search: { range: next }, replace: false })
                  }
                />
              </>
            )
          }
        </Loaded>
      </div>
    </>
  );
}

function RejectedPanel(props: {
  refused: Refusals;
  range: Range;
  onRange: (range: Range) => void;
}) {
  const { refused } = props;
  const { zone, theme } = usePreferences();
  const total = refused.reasons.reduce((sum, one) => sum + one.total, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are the theme's
  const option = useMemo(
    () =>
      timeOption({
        t: refused.t,
        bucketSeconds: refused.bucketSeconds,
        kind: "bar",
        zone,
        format: count,
        span: [refused.t[0]! * 1000, (refused.t.at(-1)! + refused.bucketSeconds) * 1000],
        series: refused.reasons.map((one, i) => ({
          name: one.name,
          values: one.values,
          colour: token(labelToken(i)),
        })),
      }),
    [refused, zone, theme],
  );
  const reasons = refused.reasons.filter((one) => one.total > 0);
  return (
    <ChartPanel
      title="Rejected at the door"
      subtitle={`by reason, all deployments, ${bucketName(refused.bucketSeconds)} buckets`}
      summary={reasons.map((one) => `${one.name} ${count(one.total)}`).join(", ") || "none"}
      option={option}
      wide
      time
      height={180}
      overlay={
        total === 0 ? (
          <Empty title="Nothing was rejected" compact>
            Every prediction of these {props.range} was let in.
          </Empty>
        ) : null
      }
      table={() => ({
        head: ["Time", ...refused.reasons.map((one) => one.name)],
        rows: refused.t.map((t, i) => [
          `${dateTime(t * 1000, zone)}`,
          ...refused.reasons.map((one) => one.values[i]!),
        ]),
      })}
      tools={
        <Segments
          label="Range"
          value={props.range}
          options={[
            { value: "24h", label: "24 h" },
            { value: "7d", label: "7 d" },
            { value: "30d", label: "30 d" },
          ]}
          onChange={props.onRange}
        />
      }
      note={
        <ul className="legend">
          {refused.reasons.map((one, i) => (
            <li key={one.name}>
              <span style={{ background: `var(--${labelToken(i)})` }} />
              {one.name} {count(one.total)}
            </li>
          ))}
        </ul>
      }
    />
  );
}
