import { describe, expect, it } from "vitest";
import {
  adding,
  bound,
  columnAt,
  completed,
  conditions,
  faultOf,
  has,
  replacing,
  toggling,
  unitsAt,
  within,
  without,
} from "@/lib/query";

describe("the conditions of a query", () => {
  it("end at each and, but not inside strings, lists and groups", () => {
    expect(
      conditions(
        'tags = "a and b" and status in ("TO_REVIEW", "X") AND (boxes > 3 or shadow = True)',
      ),
    ).toEqual(['tags = "a and b"', 'status in ("TO_REVIEW", "X")', "(boxes > 3 or shadow = True)"]);
    expect(conditions('filename = "a\\" and b"')).toEqual(['filename = "a\\" and b"']);
    expect(conditions("")).toEqual([]);
  });

  it("are no list where alternatives stand outside", () => {
    expect(conditions("boxes > 3 or boxes = 0")).toBeNull();
    expect(adding("boxes > 3 or boxes = 0", 'labels = "car"')).toBe(
      '(boxes > 3 or boxes = 0) and labels = "car"',
    );
    expect(without("boxes > 3 or boxes = 0", () => true)).toBe("boxes > 3 or boxes = 0");
  });

  it("are added once and taken away again", () => {
    const one = toggling("", "reviewed = True");
    expect(one).toBe("reviewed = True");
    expect(has(one, "reviewed  =  True")).toBe(true);
    expect(adding(one, "reviewed = True")).toBe(one);
    expect(toggling(`${one} and boxes > 3`, "reviewed = True")).toBe("boxes > 3");
  });

  it("replace those of their own field only", () => {
    expect(replacing("boxes >= 3 and outlier > 0.5", "boxes", ["boxes >= 7"])).toBe(
      "outlier > 0.5 and boxes >= 7",
    );
    expect(bound("score.max >= 0.25 and boxes < 9", "score.max", ">=")).toBe(0.25);
    expect(bound("boxes < 9", "boxes", ">=")).toBeNull();
  });

  it("say times in whole seconds that hold the whole span", () => {
    const from = Date.parse("2026-11-21T08:00:00.900Z");
    expect(within(from, from + 500)).toEqual([
      'time >= "2026-11-21T08:00:00Z"',
      'time < "2026-11-21T08:00:02Z"',
    ]);
  });
});

describe("columns of the server", () => {
  it("count characters, the browser counts units", () => {
    expect(unitsAt("😀a", 1)).toBe(2);
    expect(columnAt("😀a", 3)).toBe(2);
  });

  it("say where a refused query is wrong", () => {
    const problem = {
      body: { query: { column: 9, length: 5, nearest: ['"car"'] } },
      errors: [{ where: "q", what: 'no label cra; did you mean "car"?' }],
      message: "",
    };
    expect(faultOf('labels = "cra"', problem)).toEqual({
      start: 9,
      end: 14,
      what: "no label cra",
      nearest: ['"car"'],
    });
    expect(faultOf("x", { body: {}, errors: [], message: "" })).toBeNull();
  });

  it("say what a completion replaces", () => {
    expect(completed("bo", { text: "boxes", column: 0, length: 2, role: "field" })).toEqual({
      query: "boxes ",
      caret: 6,
    });
    expect(completed("bo > 3", { text: "boxes", column: 0, length: 2, role: "field" })).toEqual({
      query: "boxes > 3",
      caret: 6,
    });
    expect(completed("status in ", { text: "(", column: 10, length: 0, role: "value" })).toEqual({
      query: "status in (",
      caret: 11,
    });
  });
});
