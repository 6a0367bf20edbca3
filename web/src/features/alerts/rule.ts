/** A rule in words, and what a form holds of it. */
import type { AlertMetric, Rehearsal, Rule, RuleBody } from "@/features/alerts/api";

export const OPERATORS = [
  { value: ">", label: "above" },
  { value: ">=", label: "at or above" },
  { value: "<", label: "below" },
  { value: "<=", label: "at or below" },
] as const;

export const WINDOWS = [1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 4320, 10080] as const;
export const LASTING = [0, 1, 5, 10, 15, 30, 60, 180, 720, 1440] as const;

/** What a form holds: numbers as they are typed. */
export interface Draft {
  name: string;
  metric: string;
  operator: RuleBody["operator"];
  threshold: string;
  resolved: string;
  window: number;
  lasting: number;
  severity: RuleBody["severity"];
  enabled: boolean;
}

export function draftOf(rule: Rule | null): Draft {
  return {
    name: rule?.name ?? "",
    metric: rule?.metric ?? "latency.champion.p95",
    operator: rule?.operator ?? ">",
    threshold: rule ? String(rule.threshold) : "",
    resolved: rule?.resolved_threshold == null ? "" : String(rule.resolved_threshold),
    window: rule?.window_minutes ?? 15,
    lasting: rule?.for_minutes ?? 5,
    severity: rule?.severity ?? "WARNING",
    enabled: rule?.enabled ?? true,
  };
}

/** What is sent; null while a number is none. Without a name it is called after its metric. */
export function bodyOf(draft: Draft): RuleBody | null {
  const threshold = numberOf(draft.threshold);
  const resolved = draft.resolved.trim() === "" ? null : numberOf(draft.resolved);
  if (threshold === null || (resolved === null && draft.resolved.trim() !== "")) return null;
  if (!draft.metric) return null;
  return {
    name: draft.name.trim() || `${draft.metric} ${draft.operator} ${threshold}`,
    metric: draft.metric,
    operator: draft.operator,
    threshold,
    resolved_threshold: resolved,
    window_minutes: draft.window,
    for_minutes: draft.lasting,
    severity: draft.severity,
    enabled: draft.enabled,
  };
}

export function span(minutes: number): string {
  if (minutes === 0) return "at once";
  if (minutes % 1440 === 0) return `${minutes / 1440} d`;
  if (minutes % 60 === 0) return `${minutes / 60} h`;
  return `${minutes} min`;
}

export function condition(
  rule: Pick<Rule, "metric" | "operator" | "threshold" | "window_minutes" | "for_minutes">,
): string {
  const lasting = rule.for_minutes ? `, for at least ${span(rule.for_minutes)}` : "";
  return `${rule.metric} over ${span(rule.window_minutes)} ${rule.operator} ${rule.threshold}${lasting}`;
}

export type Standing = "off" | "silenced" | "firing" | "pending" | "quiet" | "new";

export function standing(rule: Rule): Standing {
  if (!rule.enabled) return "off";
  if (rule.silenced) return "silenced";
  if (rule.firing) return "firing";
  if (rule.since) return "pending";
  return rule.checked ? "quiet" : "new";
}

/** "Would have fired 3 times in 30 days", or why nothing can be said. */
export function verdict(found: Rehearsal): string {
  if (found.checks === 0) return "There is no history as long as the window yet.";
  const days = Math.max(
    1,
    Math.round((Date.parse(found.end) - Date.parse(found.start)) / 86_400_000),
  );
  const when = `in ${days} ${days === 1 ? "day" : "days"}`;
  if (found.values.every((value) => value === null)) return `The metric had no value ${when}.`;
  if (found.fired === 0) return `Would not have fired ${when}.`;
  return `Would have fired ${found.fired === 1 ? "once" : `${found.fired} times`} ${when}.`;
}

/** The metric that a text names, among those there are. */
export function known(metrics: readonly AlertMetric[], name: string): AlertMetric | undefined {
  return metrics.find((one) => one.name === name);
}

function numberOf(text: string): number | null {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || !Number.isFinite(value) ? null : value;
}
