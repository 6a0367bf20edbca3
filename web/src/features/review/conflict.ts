import type { ReviewShapes } from "@/api/types";
import { iou } from "@/features/review/geometry";
import { boundsOf } from "@/lib/shapes";

const SAME = 0.9;

function count(shapes: ReviewShapes): number {
  return shapes.labels.length;
}

function equal(a: ReviewShapes, i: number, b: ReviewShapes, j: number): boolean {
  if (a.labels[i] !== b.labels[j]) return false;
  const box = (shapes: ReviewShapes, k: number) => {
    const polygon = shapes.polygons[k];
    return polygon ? boundsOf(polygon) : shapes.boxes[k];
  };
  const [p, q] = [box(a, i), box(b, j)];
  if (!p || !q) return !p && !q;
  return iou(p, q) >= SAME;
}

/** Indices that only one side has; shapes of one label that overlap by IoU 0.9 are the same. */
export function compared(
  mine: ReviewShapes,
  theirs: ReviewShapes,
): { same: number; mine: number[]; theirs: number[] } {
  const free = new Set(Array.from({ length: count(theirs) }, (_, j) => j));
  const onlyMine: number[] = [];
  for (let i = 0; i < count(mine); i += 1) {
    const found = [...free].find((j) => equal(mine, i, theirs, j));
    if (found === undefined) onlyMine.push(i);
    else free.delete(found);
  }
  return { same: count(mine) - onlyMine.length, mine: onlyMine, theirs: [...free] };
}

/** The common shapes and those ticked, as "mine 3" or "theirs 0". */
export function merged(
  mine: ReviewShapes,
  theirs: ReviewShapes,
  taken: ReadonlySet<string>,
): ReviewShapes {
  const parts = compared(mine, theirs);
  const left = Array.from({ length: count(mine) }, (_, i) => i).filter(
    (i) => !parts.mine.includes(i) || taken.has(`mine ${i}`),
  );
  const right = parts.theirs.filter((j) => taken.has(`theirs ${j}`));
  // A column that the task does not have is empty on both sides, and stays so.
  const both = <T>(a: readonly T[], b: readonly T[]): T[] => [
    ...left.flatMap((i) => a.slice(i, i + 1)),
    ...right.flatMap((j) => b.slice(j, j + 1)),
  ];
  return {
    labels: both(mine.labels, theirs.labels),
    boxes: both(mine.boxes, theirs.boxes),
    polygons: both(mine.polygons, theirs.polygons),
  };
}
