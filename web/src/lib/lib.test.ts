import { describe, expect, it } from "vitest";
import { url } from "@/api/client";
import { problemFrom } from "@/api/problem";
import { stepAt, widest } from "@/features/dashboard/Cdf";
import { topLabels } from "@/features/dashboard/OutputGroup";
import { between, filterOf, takesArrivals } from "@/features/predictions/filter";
import { parseParameters, printParameters } from "@/features/settings/TrainingCard";
import { csv } from "@/lib/download";
import * as format from "@/lib/format";
import { keyName } from "@/lib/keys";
import { backOff } from "@/lib/live/connection";
import { matches } from "@/lib/live/hooks";
import { createParser, type ServerEvent } from "@/lib/live/sse";
import { durationSeconds, rangeName, shifted, spanOf } from "@/lib/range";
import * as search from "@/lib/search";
import { gaps, isLone } from "@/lib/timechart";

describe("ranges", () => {
  it("reads typed durations and refuses the rest", () => {
    expect(durationSeconds("3d")).toBe(259_200);
    expect(durationSeconds(" 45 M ")).toBe(2700);
    expect(durationSeconds("0h")).toBeNull();
    expect(durationSeconds("yesterday")).toBeNull();
  });

  it("names them with unit and number", () => {
    expect(rangeName({ range: "24h" })).toBe("Last 24 hours");
    expect(rangeName({ range: "1y" })).toBe("Last 1 year");
    expect(rangeName({ range: "all" })).toBe("All time");
  });

  it("begins all time at the creation", () => {
    const now = new Date("2026-01-02T00:00:00Z");
    expect(spanOf({ range: "all" }, now, "2025-06-01T00:00:00Z").from).toBe(
      "2025-06-01T00:00:00.000Z",
    );
    expect(spanOf({ range: "1h" }, now, "").from).toBe("2026-01-01T23:00:00.000Z");
  });

  it("moves by half a window and scales about the middle", () => {
    const span = { from: "2026-01-01T00:00:00.000Z", to: "2026-01-01T02:00:00.000Z" };
    expect(shifted(span, -0.5).from).toBe("2025-12-31T23:00:00.000Z");
    expect(shifted(span, 0, 2)).toEqual({
      from: "2025-12-31T23:00:00.000Z",
      to: "2026-01-01T03:00:00.000Z",
    });
  });
});

describe("addresses", () => {
  it("drop a bad parameter with a notice and keep the others", () => {
    const dropped: string[] = [];
    search.onDroppedParameter((name) => dropped.push(name));
    const validate = search.parameters({
      range: search.range,
      share: search.number(0, 1),
      status: search.oneOf(["all", "TO_REVIEW"]),
    });
    expect(validate({ range: "5q", share: "0.9", status: "all" })).toEqual({
      range: undefined,
      share: 0.9,
      status: "all",
    });
    expect(dropped).toEqual(["range"]);
  });

  it("stay plain text both ways", () => {
    expect(search.stringifySearch({ label: "7", range: undefined, q: "a b" })).toBe(
      "?label=7&q=a+b",
    );
    expect(search.parseSearch("?label=7&q=a+b")).toEqual({ label: "7", q: "a b" });
  });

  it("repeat a list and leave out what is not set", () => {
    expect(url("metrics", "/summaries", { deployment: ["a", "b"], q: null })).toBe(
      "/api/metrics/v1/summaries?deployment=a&deployment=b",
    );
  });

  it("become the filter of the list route", () => {
    expect(filterOf({ q: "boxes > 3", sort: "name" })).toEqual({
      q: "boxes > 3",
      sort: "name",
      order: "asc",
    });
    expect(takesArrivals({})).toBe(true);
    expect(takesArrivals({ sort: "outlier" })).toBe(false);
  });
});

describe("numbers", () => {
  it("have units, and missing is not zero", () => {
    expect(format.seconds(0.0042)).toBe("4.2 ms");
    expect(format.seconds(0.214)).toBe("0.21 s");
    expect(format.seconds(3725)).toBe("1 h 2 min");
    expect(format.seconds(null)).toBe("–");
    expect(format.count(0)).toBe("0");
    expect(format.signed(-0.021, 2)).toBe("−0.02");
    expect(format.decimal(0.00001)).toBe("1.0e-5");
  });

  it("name the zone of an axis", () => {
    expect(format.zoneName("UTC", new Date("2026-07-01T00:00:00Z"))).toBe("UTC");
  });

  it("are written as CSV that no spreadsheet runs", () => {
    expect(csv([["=1+1", 'a"b', null, 2]])).toBe('\'=1+1,"a""b",,2\r\n');
  });
});

describe("series", () => {
  it("break at gaps and keep a lone value", () => {
    expect(gaps([1, null, null, 2, null])).toBe(1);
    expect(isLone([null, 3, null], 1)).toBe(true);
    expect(isLone([1, 3, null], 1)).toBe(false);
  });

  it("sum all labels but the eight most frequent", () => {
    const names = Array.from({ length: 10 }, (_, i) => `l${i}`);
    const groups = topLabels(
      names,
      names.map((_, i) => [i]),
    );
    expect(groups).toHaveLength(9);
    expect(groups.at(-1)).toEqual({ name: "other", slot: null, values: [1] });
    expect(groups[0]?.slot).toBe(2);
  });

  it("find where two distributions are farthest apart", () => {
    const curves = {
      feature: "x",
      live: { x: [1, 2], f: [0.5, 1] },
      reference: { x: [3, 4], f: [0.5, 1] },
      d: 1,
      threshold: 0.2,
    };
    expect(widest(curves)).toEqual({ x: 2, live: 1, reference: 0 });
    expect(stepAt([1, 2], [0.5, 1], 0)).toBe(0);
  });
});

describe("the live stream", () => {
  const parse = (...chunks: string[]) => {
    const events: ServerEvent[] = [];
    const feed = createParser((event) => events.push(event));
    for (const chunk of chunks) feed(chunk);
    return events;
  };

  it("reads events across chunk borders", () => {
    expect(parse("id: 7\neve", "nt: series.advanced\nda", 'ta: {"a":1}\n', "\n")).toEqual([
      { event: "series.advanced", data: '{"a":1}', id: "7" },
    ]);
  });

  it("ignores comments and joins data lines", () => {
    expect(parse(": here\n\ndata: a\ndata: b\r\n\r\n")).toEqual([
      { event: "message", data: "a\nb", id: null },
    ]);
  });

  it("matches families, and a reset matches all", () => {
    expect(matches({ type: "prediction.reviewed", deployment: "d" }, ["prediction"], "d")).toBe(
      true,
    );
    expect(matches({ type: "prediction.reviewed", deployment: "x" }, ["prediction"], "d")).toBe(
      false,
    );
    expect(matches({ type: "predictions.x" }, ["prediction"])).toBe(false);
    expect(matches({ type: "reset" }, ["job"], "d")).toBe(true);
  });

  it("backs off up to fifteen seconds", () => {
    expect([0, 1, 4, 9].map(backOff)).toEqual([1000, 2000, 15_000, 15_000]);
  });
});

describe("keys", () => {
  const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
    keyName({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

  it("have one name on every layout", () => {
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toBe("ctrl+shift+z");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press("&", { code: "Digit1" })).toBe("1");
    expect(press(" ")).toBe("space");
  });
});

describe("small things", () => {
  it("selects a range of rows in either direction", () => {
    const items = ["a", "b", "c", "d"].map((id) => ({ id })) as never;
    expect(between(items, "c", "a")).toEqual(["a", "b", "c"]);
    expect(between(items, null, "d")).toEqual(["d"]);
  });

  it("keeps parameters through printing and parsing", () => {
    const parameters = { epochs: 12, name: "tiny", flip: true };
    expect(parseParameters(printParameters(parameters))).toEqual(parameters);
  });

  it("reads a problem document and survives an answer that is none", () => {
    expect(problemFrom(409, { type: "/problems/review-conflict", title: "x" }).kind).toBe(
      "review-conflict",
    );
    expect(problemFrom(502, null).title).toBe("Error 502");
  });
});
