/** Boxes in image pixels, [x, y, w, h], y down. Pure. */
import type { Box, Point } from "@/api/types";

export interface Size {
  width: number;
  height: number;
}

export type Handle = "nw" | "n" | "ne" | "e" | "se" | "s" | "sw" | "w";
export const HANDLES: readonly Handle[] = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
export const SMALLEST = 3;

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

export function area([, , w, h]: Box): number {
  return w * h;
}

export function boxOf(a: Point, b: Point): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
}

/** The part inside the image. */
export function clamped(box: Box, { width, height }: Size): Box {
  const x0 = clamp(box[0], 0, width);
  const y0 = clamp(box[1], 0, height);
  const x1 = clamp(box[0] + box[2], 0, width);
  const y1 = clamp(box[1] + box[3], 0, height);
  return [x0, y0, x1 - x0, y1 - y0];
}

/** Moved, kept whole inside the image. */
export function moved(box: Box, dx: number, dy: number, { width, height }: Size): Box {
  const [x, y, w, h] = box;
  return [
    clamp(x + dx, 0, Math.max(0, width - w)),
    clamp(y + dy, 0, Math.max(0, height - h)),
    w,
    h,
  ];
}

export function isTooSmall(box: Box): boolean {
  return box[2] < SMALLEST || box[3] < SMALLEST;
}

export function handlePoint([x, y, w, h]: Box, handle: Handle): Point {
  const px = handle.includes("w") ? x : handle.includes("e") ? x + w : x + w / 2;
  const py = handle.includes("n") ? y : handle.includes("s") ? y + h : y + h / 2;
  return [px, py];
}

/** The box with one handle at another point; crossing the opposite edge turns it over. */
export function resized(box: Box, handle: Handle, to: Point, size: Size): Box {
  const [x, y, w, h] = box;
  let [x0, y0, x1, y1] = [x, y, x + w, y + h];
  if (handle.includes("w")) x0 = to[0];
  if (handle.includes("e")) x1 = to[0];
  if (handle.includes("n")) y0 = to[1];
  if (handle.includes("s")) y1 = to[1];
  return clamped(boxOf([x0, y0], [x1, y1]), size);
}

export function contains([x, y, w, h]: Box, [px, py]: Point, slack = 0): boolean {
  return px >= x - slack && px <= x + w + slack && py >= y - slack && py <= y + h + slack;
}

export function inPolygon(polygon: readonly Point[], [px, py]: Point): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]!;
    const [xj, yj] = polygon[j]!;
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

export function iou(a: Box, b: Box): number {
  const w = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / (area(a) + area(b) - w * h);
}

/** The nearest of `edges` within `reach`, else the value itself. */
export function snapped(value: number, edges: readonly number[], reach: number): number {
  let best = value;
  let distance = reach;
  for (const edge of edges) {
    const far = Math.abs(edge - value);
    if (far <= distance) {
      best = edge;
      distance = far;
    }
  }
  return best;
}

export interface Edges {
  x: number[];
  y: number[];
}

export function edgesOf(boxes: readonly Box[], { width, height }: Size): Edges {
  const x = [0, width];
  const y = [0, height];
  for (const [bx, by, bw, bh] of boxes) {
    x.push(bx, bx + bw);
    y.push(by, by + bh);
  }
  return { x, y };
}

export function snappedPoint([x, y]: Point, edges: Edges, reach: number): Point {
  return [snapped(x, edges.x, reach), snapped(y, edges.y, reach)];
}

/** Translation that brings the nearer of two opposite edges onto a neighbour. */
export function snappedMove(box: Box, edges: Edges, reach: number): Box {
  const axis = (low: number, length: number, lines: readonly number[]) => {
    const byLow = snapped(low, lines, reach) - low;
    const byHigh = snapped(low + length, lines, reach) - (low + length);
    if (byLow === 0) return byHigh;
    if (byHigh === 0) return byLow;
    return Math.abs(byLow) <= Math.abs(byHigh) ? byLow : byHigh;
  };
  const [x, y, w, h] = box;
  return [x + axis(x, w, edges.x), y + axis(y, h, edges.y), w, h];
}

/** Left-most, top-most, right-most and bottom-most point in any order. */
export function boxOfExtremes(points: readonly Point[]): Box {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
}

export function rounded(box: Box): Box {
  return box.map((n) => Math.round(n * 100) / 100) as Box;
}
