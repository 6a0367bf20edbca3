/** Shapes of models and reviews in one form, and how they are painted: the rules of the visual system. */
import type { Box, ModelShapes, Point, ReviewShapes } from "@/api/types";
import { imageColour, needsTicks } from "@/lib/palette";

export interface Drawn {
  label: number;
  score: number | null;
  box: Box;
  polygon: Point[] | null;
}

export function boundsOf(points: readonly Point[]): Box {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
}

/** One of the columns is empty: boxes of a detector, polygons of a segmenter, both of a classifier. */
function outlines({ boxes, polygons }: { boxes: Box[]; polygons: Point[][] }) {
  return polygons.length > 0
    ? polygons.map((polygon) => ({ box: boundsOf(polygon), polygon }))
    : boxes.map((box) => ({ box, polygon: null }));
}

export function fromModel(shapes: ModelShapes): Drawn[] {
  return outlines(shapes).map((outline, i) => ({
    label: shapes.classes[i] ?? 0,
    score: shapes.scores[i] ?? null,
    ...outline,
  }));
}

export function fromReview(shapes: ReviewShapes, labels: readonly string[]): Drawn[] {
  return outlines(shapes).map((outline, i) => ({
    label: labels.indexOf(shapes.labels[i] ?? ""),
    score: null,
    ...outline,
  }));
}

export interface PaintStyle {
  /** Image pixels to screen pixels. */
  scale: number;
  dashed?: boolean;
  dotted?: boolean;
  fill?: number;
  whiteHalo?: boolean;
}

/** Traces the outline in screen pixels of the context's own frame. */
export function trace(context: CanvasRenderingContext2D, shape: Drawn, scale: number) {
  if (shape.polygon) {
    shape.polygon.forEach(([x, y], i) => {
      if (i === 0) context.moveTo(x * scale, y * scale);
      else context.lineTo(x * scale, y * scale);
    });
    context.closePath();
  } else {
    const [x, y, w, h] = shape.box;
    context.rect(x * scale, y * scale, w * scale, h * scale);
  }
}

/** 2 px on a 4 px black 60 % halo, whatever the zoom. All halos first: one pass per label colour. */
export function paintShapes(
  context: CanvasRenderingContext2D,
  shapes: readonly Drawn[],
  style: PaintStyle,
) {
  if (shapes.length === 0) return;
  context.lineJoin = "round";
  context.setLineDash([]);
  context.beginPath();
  for (const shape of shapes) trace(context, shape, style.scale);
  context.lineWidth = 4;
  context.strokeStyle = style.whiteHalo ? "rgba(255,255,255,0.9)" : "rgba(0,0,0,0.6)";
  context.stroke();
  const byLabel = new Map<number, Drawn[]>();
  for (const shape of shapes) {
    const same = byLabel.get(shape.label);
    if (same) same.push(shape);
    else byLabel.set(shape.label, [shape]);
  }
  context.lineWidth = 2;
  for (const [label, same] of byLabel) {
    const colour = imageColour(label);
    context.beginPath();
    for (const shape of same) trace(context, shape, style.scale);
    if (style.fill) {
      context.globalAlpha = style.fill;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
    }
    if (style.dotted) context.setLineDash([2, 3]);
    else if (style.dashed) context.setLineDash([6, 4]);
    context.strokeStyle = colour;
    context.stroke();
    context.setLineDash([]);
    if (needsTicks(label)) ticks(context, same, style.scale);
  }
}

/** Corner ticks tell the ninth label from the first. */
function ticks(context: CanvasRenderingContext2D, shapes: readonly Drawn[], scale: number) {
  context.beginPath();
  for (const { box } of shapes) {
    const [x, y, w, h] = box.map((n) => n * scale) as unknown as Box;
    for (const [cx, cy, sx, sy] of [
      [x, y, 1, 1],
      [x + w, y, -1, 1],
      [x, y + h, 1, -1],
      [x + w, y + h, -1, -1],
    ] as const) {
      context.moveTo(cx + sx * 5, cy + sy * 9);
      context.lineTo(cx + sx * 5, cy + sy * 5);
      context.lineTo(cx + sx * 9, cy + sy * 5);
    }
  }
  context.lineWidth = 2;
  context.stroke();
}
