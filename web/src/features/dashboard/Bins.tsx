import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { Histogram } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { ChartPanel, Panel } from "@/components/ChartPanel";
import { Empty } from "@/components/states";
import { compact, count } from "@/lib/format";
import { usePreferences, useTheme } from "@/lib/preferences";
import { aligned, histogramOption } from "@/lib/valuechart";

/** A histogram of one model or two. A click opens the predictions of a bin, where a query can say which. */
export function Bins(props: {
  title: string;
  unit: string;
  champion: Histogram | null;
  shadow?: Histogram | null;
  format: (edge: number) => string;
  /** A bin is one number, not a span. */
  whole?: boolean;
  query?: (low: number, high: number) => string;
  tools?: ReactNode;
  /** Of one set of values that is no model's. */
  only?: string;
}) {
  const { format, whole, query } = props;
  const theme = useTheme();
  const { zone } = usePreferences();
  const org = useOrg();
  const d = useDeploymentId();
  const navigate = useNavigate();
  const first = props.champion ?? props.shadow ?? null;
  const second = props.champion ? (props.shadow ?? null) : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const made = useMemo(() => {
    if (!first) return null;
    const bins = aligned(first, second);
    const names = bins.edges.map(([low, high]) =>
      whole || low === high ? format(low) : `${format(low)} – ${format(high)}`,
    );
    const colour = (name: string) =>
      getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    const name = props.only ?? (props.champion ? "champion" : "shadow");
    const series = [
      { name, colour: colour(name === "shadow" ? "shadow" : "champion"), counts: bins.a },
      ...(bins.b ? [{ name: "shadow", colour: colour("shadow"), counts: bins.b }] : []),
    ];
    return { bins, names, series, option: histogramOption(series, names) };
  }, [first, second, theme, zone]);
  const n = made?.bins.a.reduce((a, b) => a + b, 0) ?? 0;
  const subtitle = `${props.unit} · n = ${compact(n)}`;
  if (!made || made.names.length === 0) {
    return (
      <Panel title={props.title} subtitle={subtitle} tools={props.tools}>
        <Empty compact title="None in this range" />
      </Panel>
    );
  }
  const peak = made.bins.a.indexOf(Math.max(...made.bins.a));
  return (
    <ChartPanel
      title={props.title}
      subtitle={subtitle}
      tools={props.tools}
      option={made.option}
      summary={`${count(n)} values from ${made.names[0]} to ${made.names.at(-1)}; most at ${made.names[peak]}.`}
      table={() => ({
        head: ["Bin", ...made.series.map((one) => one.name)],
        rows: made.names.map((name, i) => [name, ...made.series.map((one) => one.counts[i] ?? 0)]),
      })}
      onPick={
        query &&
        ((x) => {
          const bin = made.bins.edges[Math.round(x)];
          if (!bin) return;
          void navigate({
            to: "/o/$org/deployments/$d/predictions",
            params: { org, d },
            search: { q: query(bin[0], bin[1]) },
          });
        })
      }
    />
  );
}
