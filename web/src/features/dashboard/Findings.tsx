import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useDeploymentId, useOrg } from "@/app/params";
import { Panel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { Empty } from "@/components/states";
import type { Judged } from "@/features/dashboard/Scores";
import { count, decimal } from "@/lib/format";
import { quoted } from "@/lib/query";
import "@/features/dashboard/quality.css";

const KINDS = [
  ["missed", "Missed"],
  ["background", "Nothing there"],
  ["classification", "Wrong label"],
  ["location", "Wrong place"],
  ["both", "Label and place"],
  ["duplicate", "Twice"],
] as const;

/** Wrong boxes by kind, and what was missed. */
export function ErrorKinds({ models }: { models: readonly Judged[] }) {
  const known = models.filter((one) => one.report.errors !== null);
  if (known.length === 0) return null;
  const most = Math.max(
    1,
    ...known.flatMap((one) => KINDS.map(([key]) => one.report.errors![key])),
  );
  return (
    <Panel
      title="Errors by kind"
      subtitle={`boxes · n = ${count(known[0]!.report.errors!.images)} reviewed images`}
      summary={known
        .map(
          (one) =>
            `${one.name}: ${KINDS.map(([key, name]) => `${name} ${one.report.errors![key]}`).join(", ")}`,
        )
        .join("; ")}
      table={() => ({
        head: ["Kind", ...known.map((one) => one.name)],
        rows: KINDS.map(([key, name]) => [name, ...known.map((one) => one.report.errors![key])]),
      })}
    >
      <ul className="scores">
        {KINDS.map(([key, name]) => (
          <li key={key}>
            <span>{name}</span>
            <span className="tracks">
              {known.map((one) => (
                <span key={one.name} className="track">
                  <span
                    className={`fill ${one.name}`}
                    style={{ width: `${(100 * one.report.errors![key]) / most}%` }}
                  />
                </span>
              ))}
            </span>
            <span className="values">
              {known.map((one) => (
                <span key={one.name} className={one.name}>
                  {count(one.report.errors![key])}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The same numbers for parts of the images, each of which opens. */
export function Slices({ of }: { of: Judged }) {
  const { slices } = of.report;
  const [by, setBy] = useState<"source" | "tag" | "hour">("source");
  const org = useOrg();
  const d = useDeploymentId();
  const rows = slices[by];
  const classified = rows.some((one) => one.accuracy !== null && one.accuracy !== undefined);
  const value = (one: (typeof rows)[number]) => (classified ? one.accuracy : one.f1);
  const queryOf = (name: string) =>
    by === "source"
      ? `source = ${quoted(name)} and reviewed = True`
      : `tags = ${quoted(name)} and reviewed = True`;
  return (
    <Panel
      title={classified ? "Accuracy by part" : "F1 by part"}
      subtitle={`${of.name}, on reviewed images`}
      tools={
        <Segments
          label="Parts by"
          value={by}
          options={[
            { value: "source", label: "Source" },
            { value: "tag", label: "Tag" },
            { value: "hour", label: "Hour" },
          ]}
          onChange={setBy}
        />
      }
      table={() => ({
        head: [by, "n", "Precision", "Recall", "F1", "Accuracy"],
        rows: rows.map((one) => [
          one.name,
          one.images,
          ...[one.precision, one.recall, one.f1, one.accuracy].map((some) => decimal(some, 3)),
        ]),
      })}
    >
      {rows.length === 0 ? (
        <Empty compact title={by === "tag" ? "No reviewed image has a tag" : "None"} />
      ) : (
        <Scroll label="Parts" className="chart-table">
          <ul className="scores">
            {rows.map((one) => (
              <li key={one.name}>
                {by === "hour" ? (
                  <span>{one.name}:00 UTC</span>
                ) : (
                  <Link
                    className="truncate"
                    to="/o/$org/deployments/$d/predictions"
                    params={{ org, d }}
                    search={{ q: queryOf(one.name) }}
                  >
                    {one.name}
                  </Link>
                )}
                <span className="tracks">
                  <span className="track">
                    <span
                      className={`fill ${of.name}`}
                      style={{ width: `${100 * (value(one) ?? 0)}%` }}
                    />
                  </span>
                </span>
                <span className="values">
                  {decimal(value(one), 3)} <span className="muted">n = {count(one.images)}</span>
                </span>
              </li>
            ))}
          </ul>
        </Scroll>
      )}
    </Panel>
  );
}
