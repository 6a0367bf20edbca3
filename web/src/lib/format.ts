/** Numbers and times as people read them. Missing is an en dash, never a zero. */

export const MISSING = "–";
const grouping = new Intl.NumberFormat("en-US");

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? MISSING : grouping.format(Math.round(value));
}

export function compact(value: number): string {
  if (value < 10_000) return grouping.format(value);
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(
    value,
  );
}

/** Three significant digits at most; small values keep their order of magnitude. */
export function decimal(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (value !== 0 && Math.abs(value) < 10 ** -digits / 2) return value.toExponential(1);
  return value.toFixed(digits);
}

export function signed(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined) return MISSING;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return value < 0 ? `−${text}` : `+${text}`;
}

export function percent(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined ? MISSING : `${(value * 100).toFixed(digits)} %`;
}

/** A duration with its unit: "12 ms", "0.21 s", "3 min 20 s", "2 h 5 min". */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  if (value === 0) return "0 s";
  if (value < 0.1) return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 60) return `${value.toFixed(0)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  if (value < 86400) return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
  return `${Math.floor(value / 86400)} d ${Math.round((value % 86400) / 3600)} h`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  const units = ["B", "KB", "MB", "GB"];
  let n = value;
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : n.toFixed(0)} ${units[unit]}`;
}

export function ago(iso: string | null | undefined, now: number): string {
  if (!iso) return MISSING;
  const s = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (s < 5) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}

export type Zone = "local" | "UTC";

export function zoneOf(zone: Zone): string {
  return zone === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "UTC+1" of the zone at that instant: what an axis must name. */
export function zoneName(zone: Zone, at: Date = new Date()): string {
  if (zone === "UTC") return "UTC";
  const part = new Intl.DateTimeFormat("en-US", {
    timeZone: zoneOf(zone),
    timeZoneName: "shortOffset",
  })
    .formatToParts(at)
    .find((one) => one.type === "timeZoneName");
  return (part?.value ?? "UTC").replace("GMT", "UTC").replace(/^UTC\+0$/, "UTC");
}

export function dateTime(at: string | number | Date, zone: Zone, withSeconds = false): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zoneOf(zone),
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: withSeconds ? "2-digit" : undefined,
  }).format(new Date(at));
}

export function clock(at: string | number | Date, zone: Zone): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zoneOf(zone),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(new Date(at));
}
