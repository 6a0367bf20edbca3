import { expect, test } from "vitest";
import type { Logged } from "@/api/types";
import { rowsOf } from "@/features/experiments/LogCards";

const logged = (type: Logged["type"], data: unknown, name = "one"): Logged => ({
  id: "1",
  name,
  type,
  data,
  changed: "2026-11-21T22:00:00Z",
});

test("values, tables, bars and matrices are rows", () => {
  expect(rowsOf(logged("VALUE", 3))).toEqual([[3]]);
  expect(rowsOf(logged("TABLE", { rate: 0.1 }))).toEqual([["rate", 0.1]]);
  expect(rowsOf(logged("TABLE", [[1, 2], 3]))).toEqual([[1, 2], [3]]);
  expect(rowsOf(logged("BAR", { x: ["a", "b"], y: [1, 2] }))).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
  expect(
    rowsOf(
      logged("HEATMAP", {
        categories: ["a", "b"],
        values: [
          [1, 0],
          [0, 2],
        ],
      }),
    ),
  ).toEqual([
    ["", "a", "b"],
    ["a", 1, 0],
    ["b", 0, 2],
  ]);
  expect(rowsOf(logged("HEATMAP", { values: [[1, 0]] }))).toEqual([[1, 0]]);
  expect(rowsOf(logged("LABELMAP", { "0": "bolt" }, "labelmap"))).toEqual([["0", "bolt"]]);
});

test("lines are charts, and parameters have their own table", () => {
  expect(rowsOf(logged("LINE", { steps: [], values: [] }))).toBeNull();
  expect(rowsOf(logged("TABLE", { rate: 0.1 }, "parameters"))).toBeNull();
});
