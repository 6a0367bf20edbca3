import { describe, expect, it } from "vitest";
import type { Box } from "@/api/types";
import * as g from "@/features/review/geometry";

const size = { width: 640, height: 480 };

describe("boxes", () => {
  it("keeps a moved box whole inside the image", () => {
    expect(g.moved([600, 10, 30, 20], 100, -50, size)).toEqual([610, 0, 30, 20]);
  });

  it("turns a box over when a handle crosses the opposite edge", () => {
    expect(g.resized([100, 100, 50, 50], "e", [80, 0], size)).toEqual([80, 100, 20, 50]);
    expect(g.resized([100, 100, 50, 50], "se", [90, 90], size)).toEqual([90, 90, 10, 10]);
  });

  it("moves only the edges that a handle holds", () => {
    expect(g.resized([100, 100, 50, 50], "n", [0, 80], size)).toEqual([100, 80, 50, 70]);
  });

  it("cuts off what lies outside the image", () => {
    expect(g.clamped([-10, -10, 30, 30], size)).toEqual([0, 0, 20, 20]);
    expect(g.clamped([630, 470, 30, 30], size)).toEqual([630, 470, 10, 10]);
  });

  it("drops what is under three pixels", () => {
    expect(g.isTooSmall([0, 0, 2.9, 40])).toBe(true);
    expect(g.isTooSmall([0, 0, 3, 3])).toBe(false);
  });

  it("makes a box of four extreme points in any order", () => {
    const points: [number, number][] = [
      [50, 10],
      [10, 40],
      [90, 60],
      [40, 95],
    ];
    expect(g.boxOfExtremes(points)).toEqual([10, 10, 80, 85]);
  });

  it("measures the overlap of two boxes", () => {
    expect(g.iou([0, 0, 10, 10], [0, 0, 10, 10])).toBe(1);
    expect(g.iou([0, 0, 10, 10], [5, 0, 10, 10])).toBeCloseTo(1 / 3, 12);
    expect(g.iou([0, 0, 10, 10], [10, 0, 10, 10])).toBe(0);
  });
});

describe("snapping", () => {
  const edges = g.edgesOf([[100, 100, 50, 50] as Box], size);

  it("takes the nearest edge within reach, else leaves the point", () => {
    expect(g.snappedPoint([103, 60], edges, 6)).toEqual([100, 60]);
    expect(g.snappedPoint([2, 477], edges, 6)).toEqual([0, 480]);
  });

  it("moves a box by its nearer edge and keeps its size", () => {
    expect(g.snappedMove([154, 200, 20, 20], edges, 6)).toEqual([150, 200, 20, 20]);
    expect(g.snappedMove([76, 200, 20, 20], edges, 6)).toEqual([80, 200, 20, 20]);
  });
});

describe("polygons", () => {
  it("tells inside from outside", () => {
    const triangle: [number, number][] = [
      [0, 0],
      [10, 0],
      [0, 10],
    ];
    expect(g.inPolygon(triangle, [2, 2])).toBe(true);
    expect(g.inPolygon(triangle, [8, 8])).toBe(false);
  });
});
