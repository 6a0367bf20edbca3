import { describe, expect, it } from "vitest";
import { aligned } from "@/lib/valuechart";

describe("two histograms", () => {
  it("share their bins and leave out what is empty at both ends", () => {
    const a = { edges: [0, 1, 2, 3, 4], counts: [0, 5, 0, 0] };
    const b = { edges: [2, 3, 4, 5, 6], counts: [0, 1, 2, 0] };
    expect(aligned(a, b)).toEqual({
      edges: [
        [1, 2],
        [2, 3],
        [3, 4],
        [4, 5],
      ],
      a: [5, 0, 0, 0],
      b: [0, 0, 1, 2],
    });
  });

  it("may both be empty", () => {
    expect(aligned({ edges: [0, 1], counts: [0] }, null)).toEqual({ edges: [], a: [], b: null });
  });
});
