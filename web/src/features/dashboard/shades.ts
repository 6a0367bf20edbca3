import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Dashboard } from "@/api/types";
import { type Alert, fired } from "@/features/alerts/api";
import type { Shade } from "@/lib/timechart";

const TONES = { INFO: "accent", WARNING: "warn", CRITICAL: "danger" } as const;
const NONE: readonly string[] = [];

/** When alerts of these metrics (by the beginnings of their names) fired within a span. */
export function shadesOf(
  alerts: readonly Alert[],
  metrics: readonly string[],
  [from, to]: [from: number, to: number],
): Shade[] {
  return alerts
    .filter((one) => metrics.some((name) => one.metric.startsWith(name)))
    .map((one) => ({
      name: one.name,
      from: Date.parse(one.fired_time),
      to: one.resolved_time === null ? to : Date.parse(one.resolved_time),
      tone: TONES[one.severity],
    }))
    .filter((one) => one.to >= from && one.from <= to);
}

/** The same array while nothing changes: a chart is drawn anew only when it must. */
export function useShades(
  d: string,
  metrics: readonly string[] = NONE,
  span: Pick<Dashboard, "from" | "to">,
): Shade[] {
  const { data } = useQuery({ ...fired(d), enabled: metrics.length > 0 });
  const wanted = metrics.join("|");
  return useMemo(
    () =>
      shadesOf(data?.items ?? [], wanted === "" ? NONE : wanted.split("|"), [
        Date.parse(span.from),
        Date.parse(span.to),
      ]),
    [data, wanted, span.from, span.to],
  );
}
