/** What is being reviewed: shapes with a history. Pure; the store holds it. */
import type { Box, Point, ReviewShapes } from "@/api/types";
import type { Drawn } from "@/lib/shapes";

export interface Shape extends Drawn {
  id: string;
  /** Untouched, straight from a model: only such shapes obey the confidence slider. */
  fromModel: boolean;
}

export interface History {
  shapes: readonly Shape[];
  past: readonly (readonly Shape[])[];
  future: readonly (readonly Shape[])[];
}

export const DEPTH = 500;

let made = 0;
export function newId(): string {
  made += 1;
  return `s${Date.now().toString(36)}${made.toString(36)}`;
}

export function shapesFrom(drawn: readonly Drawn[], fromModel: boolean): Shape[] {
  return drawn.map((one) => ({ ...one, id: newId(), fromModel }));
}

export function begin(shapes: readonly Shape[]): History {
  return { shapes, past: [], future: [] };
}

/** One command a gesture. */
export function commit(history: History, shapes: readonly Shape[]): History {
  if (shapes === history.shapes) return history;
  return { shapes, past: [...history.past, history.shapes].slice(-DEPTH), future: [] };
}

export function undo(history: History): History {
  const shapes = history.past.at(-1);
  if (!shapes) return history;
  return {
    shapes,
    past: history.past.slice(0, -1),
    future: [history.shapes, ...history.future],
  };
}

export function redo(history: History): History {
  const shapes = history.future[0];
  if (!shapes) return history;
  return {
    shapes,
    past: [...history.past, history.shapes],
    future: history.future.slice(1),
  };
}

export function movedTo(shape: Shape, box: Box): Shape {
  const polygon = shape.polygon ? placed(shape.polygon, shape.box, box) : null;
  return { ...shape, box, polygon, fromModel: false };
}

function placed(polygon: readonly Point[], from: Box, to: Box): Point[] {
  const sx = from[2] > 0 ? to[2] / from[2] : 1;
  const sy = from[3] > 0 ? to[3] / from[3] : 1;
  return polygon.map(([x, y]) => [to[0] + (x - from[0]) * sx, to[1] + (y - from[1]) * sy]);
}

export function relabelled(
  shapes: readonly Shape[],
  ids: ReadonlySet<string>,
  label: number,
): readonly Shape[] {
  if (!shapes.some((one) => ids.has(one.id) && one.label !== label)) return shapes;
  return shapes.map((one) => (ids.has(one.id) ? { ...one, label, fromModel: false } : one));
}

export function without(shapes: readonly Shape[], ids: ReadonlySet<string>): readonly Shape[] {
  const rest = shapes.filter((one) => !ids.has(one.id));
  return rest.length === shapes.length ? shapes : rest;
}

/** Below the slider a shape that nobody touched is hidden, and left out when saved. */
export function isAbove(shape: Shape, confidence: number): boolean {
  return !shape.fromModel || (shape.score ?? 1) >= confidence;
}

export function toReview(shapes: readonly Shape[], labels: readonly string[]): ReviewShapes {
  const names = shapes.map((one) => labels[one.label] ?? "");
  if (shapes.some((one) => one.polygon)) {
    return {
      labels: names,
      boxes: [],
      polygons: shapes.map((one) => one.polygon ?? corners(one.box)),
    };
  }
  return { labels: names, boxes: shapes.map((one) => one.box), polygons: [] };
}

function corners([x, y, w, h]: Box): Point[] {
  return [
    [x, y],
    [x + w, y],
    [x + w, y + h],
    [x, y + h],
  ];
}
