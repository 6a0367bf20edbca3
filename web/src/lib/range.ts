/** The time range of a page: either relative and ending now, or two fixed instants. */

export type TimeRange = { range: string } | { from: string; to: string };
export type Span = { from: string; to: string };

export const PRESETS = ["1h", "6h", "24h", "3d", "7d", "30d", "90d", "1y", "all"] as const;

const UNITS: Record<string, number> = { m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };
const NAMES: Record<string, string> = { m: "minute", h: "hour", d: "day", w: "week", y: "year" };

/** Seconds of "30m", "24h", "3d", "2w", "1y"; null when it is none of these. */
export function durationSeconds(text: string): number | null {
  const match = /^\s*(\d{1,4})\s*([mhdwy])\s*$/i.exec(text);
  if (!match) return null;
  const seconds = Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  return seconds > 0 ? seconds : null;
}

export function isRange(text: string): boolean {
  return text === "all" || durationSeconds(text) !== null;
}

export function rangeName(range: TimeRange): string {
  if (!("range" in range)) return "Fixed range";
  if (range.range === "all") return "All time";
  const match = /^(\d+)([mhdwy])$/.exec(range.range);
  if (!match) return range.range;
  const n = Number(match[1]);
  return `Last ${n} ${NAMES[match[2]!]}${n === 1 ? "" : "s"}`;
}

export function spanOf(range: TimeRange, now: Date, created: string): Span {
  if (!("range" in range)) return { from: range.from, to: range.to };
  const start =
    range.range === "all"
      ? new Date(created)
      : new Date(now.getTime() - (durationSeconds(range.range) ?? 86400) * 1000);
  return { from: start.toISOString(), to: now.toISOString() };
}

/** The span moved by a share of its length (-0.5: half a window back) and scaled about its middle. */
export function shifted(span: Span, by: number, scale = 1): Span {
  const from = Date.parse(span.from);
  const to = Date.parse(span.to);
  const middle = (from + to) / 2 + (to - from) * by;
  const half = Math.max(30_000, ((to - from) * scale) / 2);
  return {
    from: new Date(middle - half).toISOString(),
    to: new Date(middle + half).toISOString(),
  };
}
