/** Refusals at the door, hour by hour, as charts need them. */
import type { Rejections } from "@/api/types";

const HOUR = 3600;

export interface Refusals {
  /** Begin of each bucket, epoch seconds, without gaps. */
  t: number[];
  bucketSeconds: number;
  /** By reason, in the order of the alphabet, so that a colour stays with its reason. */
  reasons: { name: string; values: number[]; total: number }[];
}

/** The last `hours`, one bucket an hour, six hours from a week on; of one deployment or of all. */
export function refusals(
  found: Rejections["items"],
  hours: number,
  now: number,
  deployment?: string,
): Refusals {
  const bucketSeconds = hours > 48 ? 6 * HOUR : HOUR;
  const end = Math.floor(now / 1000 / bucketSeconds) * bucketSeconds;
  const n = Math.ceil((hours * HOUR) / bucketSeconds) + 1;
  const t = Array.from({ length: n }, (_, i) => end - (n - 1 - i) * bucketSeconds);
  const names = [...new Set(found.map((one) => one.reason))].sort();
  const byReason = new Map(names.map((name) => [name, new Array<number>(n).fill(0)]));
  for (const one of found) {
    if (deployment && one.deployment !== deployment) continue;
    const at = Math.floor((Date.parse(one.hour) / 1000 - t[0]!) / bucketSeconds);
    const values = byReason.get(one.reason);
    if (values && at >= 0 && at < n) values[at]! += one.count;
  }
  return {
    t,
    bucketSeconds,
    reasons: names.map((name) => {
      const values = byReason.get(name)!;
      return { name, values, total: values.reduce((sum, value) => sum + value, 0) };
    }),
  };
}
