import { describe, expect, it } from "vitest";
import { refusals } from "@/features/operations/refusals";

const NOW = Date.parse("2026-11-21T12:34:00Z");
const at = (hour: string, reason: string, count: number, deployment = "d") => ({
  deployment,
  hour: `2026-11-21T${hour}:00:00Z`,
  reason,
  count,
});

describe("refusals", () => {
  it("have a bucket for each hour, also where nothing was refused", () => {
    const { t, bucketSeconds, reasons } = refusals([at("11", "malformed", 3)], 24, NOW);
    expect(t).toHaveLength(25);
    expect(bucketSeconds).toBe(3600);
    expect(t.at(-1)).toBe(Date.parse("2026-11-21T12:00:00Z") / 1000);
    expect(reasons[0]!.values.slice(-3)).toEqual([0, 3, 0]);
  });

  it("are told apart by reason and deployment, and summed in wider buckets", () => {
    const found = [
      at("07", "malformed", 1),
      at("09", "malformed", 2),
      at("09", "bad-picture", 4),
      at("09", "malformed", 8, "other"),
    ];
    const all = refusals(found, 168, NOW);
    expect(all.bucketSeconds).toBe(6 * 3600);
    expect(all.reasons.map((one) => [one.name, one.total])).toEqual([
      ["bad-picture", 4],
      ["malformed", 11],
    ]);
    const mine = refusals(found, 168, NOW, "d");
    expect(mine.reasons.map((one) => one.values.at(-2))).toEqual([4, 3]);
  });
});
