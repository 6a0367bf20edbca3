import { describe, expect, it } from "vitest";
import type { Box } from "@/api/types";
import { compared, merged } from "@/features/review/conflict";
import * as doc from "@/features/review/document";
import { bounded } from "@/features/review/drafts";
import { labelKey, labelOfKey } from "@/features/review/neighbours";

const shape = (id: string, score: number | null = 0.5): doc.Shape => ({
  id,
  label: 0,
  score,
  box: [0, 0, 10, 10],
  polygon: null,
  fromModel: score !== null,
});

describe("history", () => {
  it("undoes and redoes one command at a time", () => {
    const a = doc.begin([shape("a")]);
    const b = doc.commit(a, [shape("a"), shape("b")]);
    const undone = doc.undo(b);
    expect(undone.shapes).toBe(a.shapes);
    expect(doc.redo(undone).shapes).toBe(b.shapes);
    expect(doc.undo(undone)).toBe(undone);
  });

  it("forgets what was undone once something new is done", () => {
    const b = doc.commit(doc.begin([]), [shape("b")]);
    const c = doc.commit(doc.undo(b), [shape("c")]);
    expect(c.future).toEqual([]);
  });

  it("keeps five hundred commands", () => {
    let history = doc.begin([]);
    for (let i = 0; i < 600; i += 1) history = doc.commit(history, [shape(`s${i}`)]);
    expect(history.past).toHaveLength(doc.DEPTH);
  });

  it("stores only the newest steps of a crowded image", () => {
    const crowded = Array.from({ length: 2000 }, (_, i) => shape(`s${i}`));
    expect(bounded(Array.from({ length: 30 }, () => crowded))).toHaveLength(10);
  });
});

describe("confidence", () => {
  it("hides untouched model shapes only", () => {
    expect(doc.isAbove(shape("a", 0.3), 0.4)).toBe(false);
    expect(doc.isAbove(doc.movedTo(shape("a", 0.3), [1, 1, 5, 5]), 0.4)).toBe(true);
    expect(doc.isAbove(shape("mine", null), 0.9)).toBe(true);
  });
});

describe("saving", () => {
  it("writes boxes by label name", () => {
    expect(doc.toReview([shape("a")], ["car"])).toEqual({
      labels: ["car"],
      boxes: [[0, 0, 10, 10]],
      polygons: [],
    });
  });

  it("writes an empty review as no label and no box", () => {
    expect(doc.toReview([], ["car"])).toEqual({ labels: [], boxes: [], polygons: [] });
  });

  it("carries a polygon along when its box is moved", () => {
    const polygon: [number, number][] = [
      [0, 0],
      [10, 0],
      [10, 10],
    ];
    const moved = doc.movedTo({ ...shape("a"), polygon }, [5, 5, 20, 10]);
    expect(moved.polygon).toEqual([
      [5, 5],
      [25, 5],
      [25, 15],
    ]);
  });
});

describe("conflicts", () => {
  const mine = {
    labels: ["car", "car"],
    boxes: [
      [0, 0, 10, 10],
      [50, 50, 10, 10],
    ] as Box[],
    polygons: [],
  };
  const theirs = {
    labels: ["car", "bus"],
    boxes: [
      [0, 0, 10, 10],
      [50, 50, 10, 10],
    ] as Box[],
    polygons: [],
  };

  it("takes shapes of one label that overlap as the same", () => {
    expect(compared(mine, theirs)).toEqual({ same: 1, mine: [1], theirs: [1] });
  });

  it("merges the common shapes with the ticked ones", () => {
    expect(merged(mine, theirs, new Set(["theirs 1"])).labels).toEqual(["car", "bus"]);
    expect(merged(mine, theirs, new Set()).labels).toEqual(["car"]);
  });
});

describe("label keys", () => {
  it("are places from one, or the digits themselves where all labels are digits", () => {
    expect(labelKey(["car", "bus"], 1)).toBe("2");
    expect(labelKey(["0", "1", "2"], 0)).toBe("0");
    expect(labelOfKey(["0", "1", "2"], "2")).toBe(2);
    expect(labelOfKey(["car"], "9")).toBe(-1);
  });
});
