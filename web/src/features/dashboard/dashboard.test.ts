import { expect, test } from "vitest";
import type { LabelFreeNumber } from "@/api/types";
import type { Alert } from "@/features/alerts/api";
import { saying } from "@/features/dashboard/LabelFreePanel";
import { shadesOf } from "@/features/dashboard/shades";

const NUMBER: LabelFreeNumber = {
  name: "f1",
  state: "on",
  value: 0.912,
  low: 0.88,
  high: 0.944,
  error: 0.012,
  estimated: [],
  realised: [],
};

test("an estimate says its interval and how it was tested, or why it is off", () => {
  const limit = { limit: 0.05 };
  expect(saying(NUMBER, limit)).toBe("0.912 [0.880, 0.944], back-test error 0.012 ≤ 0.05.");
  expect(saying({ ...NUMBER, low: null, high: null, error: null, state: "unproved" }, limit)).toBe(
    "0.912, no interval yet, not yet back-tested.",
  );
  expect(saying({ ...NUMBER, state: "off", value: null, error: 0.09 }, limit)).toBe(
    "Off: back-test error 0.090 > 0.05.",
  );
  expect(saying({ ...NUMBER, value: null }, limit)).toBe("No image in this range.");
});

test("a chart is shaded by the alerts of its own metrics, while they fired within its span", () => {
  const alert = (metric: string, fired: string, resolved: string | null): Alert => ({
    id: `${metric} ${fired}`,
    name: `${metric} is high`,
    deployment: "d",
    rule: "r",
    metric,
    operator: ">",
    threshold: 1,
    value: 2,
    worst: 3,
    text: "",
    severity: "WARNING",
    since: fired,
    fired_time: fired,
    resolved_time: resolved,
    resolved_text: null,
  });
  const span: [number, number] = [Date.parse("2026-01-02T00:00Z"), Date.parse("2026-01-03T00:00Z")];
  const all = [
    alert("latency.champion.p95", "2026-01-02T06:00Z", "2026-01-02T07:00Z"),
    alert("latency.shadow.p99", "2026-01-02T23:00Z", null),
    alert("latency.champion.p50", "2026-01-01T06:00Z", "2026-01-01T07:00Z"),
    alert("volume", "2026-01-02T06:00Z", "2026-01-02T07:00Z"),
  ];
  const found = shadesOf(all, ["latency."], span);
  expect(found.map((one) => one.name)).toEqual([
    "latency.champion.p95 is high",
    "latency.shadow.p99 is high",
  ]);
  expect(found[0]).toMatchObject({ tone: "warn", to: Date.parse("2026-01-02T07:00Z") });
  expect(found[1]!.to).toBe(span[1]); // still firing
});
