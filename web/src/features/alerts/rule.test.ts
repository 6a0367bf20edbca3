import { expect, test } from "vitest";
import type { Rehearsal, Rule } from "@/features/alerts/api";
import { bodyOf, condition, draftOf, span, standing, verdict } from "@/features/alerts/rule";

const rule: Rule = {
  id: "1",
  name: "slow",
  metric: "latency.champion.p95",
  unit: "s",
  text: "",
  operator: ">",
  threshold: 0.5,
  resolved_threshold: null,
  window_minutes: 60,
  for_minutes: 5,
  severity: "WARNING",
  enabled: true,
  silenced_until: null,
  silenced: false,
  since: null,
  firing: null,
  fired_time: null,
  checked: null,
  value: null,
  created: "2026-05-04T12:00:00Z",
};

test("a rule goes through the form unchanged", () => {
  const body = bodyOf(draftOf(rule));
  expect(body).toMatchObject({ name: "slow", threshold: 0.5, resolved_threshold: null });
  expect(condition(rule)).toBe("latency.champion.p95 over 1 h > 0.5, for at least 5 min");
});

test("a number may be typed with a comma, and what is none is not sent", () => {
  const draft = draftOf(rule);
  expect(bodyOf({ ...draft, threshold: "0,25" })?.threshold).toBe(0.25);
  for (const wrong of ["", "a lot", "1e999"]) {
    expect(bodyOf({ ...draft, threshold: wrong })).toBeNull();
  }
  expect(bodyOf({ ...draft, resolved: "x" })).toBeNull();
  expect(bodyOf({ ...draft, resolved: "0" })?.resolved_threshold).toBe(0);
  expect(bodyOf({ ...draft, name: " " })?.name).toBe("latency.champion.p95 > 0.5");
});

test("what a rule does is told in one word", () => {
  expect(standing(rule)).toBe("new");
  expect(standing({ ...rule, checked: rule.created })).toBe("quiet");
  expect(standing({ ...rule, since: rule.created })).toBe("pending");
  expect(standing({ ...rule, since: rule.created, firing: "2" })).toBe("firing");
  expect(standing({ ...rule, firing: "2", silenced: true })).toBe("silenced");
  expect(standing({ ...rule, firing: "2", enabled: false })).toBe("off");
});

test("the preview says how often, or why it cannot say", () => {
  const found: Rehearsal = {
    start: "2026-04-04T12:00:00Z",
    end: "2026-05-04T12:00:00Z",
    checks: 9,
    fired: 3,
    firings: [],
    more: 0,
    t: [1],
    values: [1],
  };
  expect(verdict(found)).toBe("Would have fired 3 times in 30 days.");
  expect(verdict({ ...found, fired: 1 })).toBe("Would have fired once in 30 days.");
  expect(verdict({ ...found, fired: 0 })).toBe("Would not have fired in 30 days.");
  expect(verdict({ ...found, fired: 0, values: [null] })).toContain("no value");
  expect(verdict({ ...found, checks: 0, values: [] })).toContain("no history");
  expect([0, 5, 60, 1440].map(span)).toEqual(["at once", "5 min", "1 h", "1 d"]);
});
