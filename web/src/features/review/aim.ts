/** What lies under the pointer: shapes, the handles of the chosen one, edges to snap to. */
import RBush from "rbush";
import type { Box, Point } from "@/api/types";
import type { Shape } from "@/features/review/document";
import * as g from "@/features/review/geometry";
import { isVisible, type ReviewState, visible } from "@/features/review/store";

const SNAP = 6;
const HANDLE_REACH = 12;
const BODY_SLACK = 4;

interface Leaf {
  minX: number;
  minY: number;
  maxX: number;
  maxY: number;
  shape: Shape;
}

export function toImage(state: ReviewState, [x, y]: Point): Point {
  const view = state.view ?? { scale: 1, x: 0, y: 0 };
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

const scaleOf = (state: ReviewState) => state.view?.scale ?? 1;

export function createAim() {
  let indexed: {
    of: readonly Shape[];
    confidence: number;
    hidden: unknown;
    tree: RBush<Leaf>;
  } | null = null;

  /** R-tree of the visible shapes, rebuilt when they change, not while one is dragged. */
  const tree = (state: ReviewState): RBush<Leaf> => {
    if (
      indexed?.of === state.shapes &&
      indexed.confidence === state.confidence &&
      indexed.hidden === state.hidden
    ) {
      return indexed.tree;
    }
    const made = new RBush<Leaf>();
    made.load(
      visible(state).map((shape) => {
        const [x, y, w, h] = shape.box;
        return { minX: x, minY: y, maxX: x + w, maxY: y + h, shape };
      }),
    );
    indexed = { of: state.shapes, confidence: state.confidence, hidden: state.hidden, tree: made };
    return made;
  };

  const edges = (state: ReviewState, near: Box, except: ReadonlySet<string>): g.Edges => {
    const reach = SNAP / scaleOf(state);
    const [x, y, w, h] = near;
    const found = tree(state).search({
      minX: x - reach,
      minY: y - reach,
      maxX: x + w + reach,
      maxY: y + h + reach,
    });
    return g.edgesOf(
      found.filter((leaf) => !except.has(leaf.shape.id)).map((leaf) => leaf.shape.box),
      state.size,
    );
  };

  const snapPoint = (
    state: ReviewState,
    point: Point,
    alt: boolean,
    except = new Set<string>(),
  ): Point => {
    const { width, height } = state.size;
    const inside: Point = [
      Math.min(width, Math.max(0, point[0])),
      Math.min(height, Math.max(0, point[1])),
    ];
    if (alt) return inside;
    const near: Box = [inside[0], inside[1], 0, 0];
    return g.snappedPoint(inside, edges(state, near, except), SNAP / scaleOf(state));
  };

  /** Under the pointer, smallest first. */
  const under = (state: ReviewState, point: Point): Shape[] => {
    const slack = BODY_SLACK / scaleOf(state);
    return tree(state)
      .search({
        minX: point[0] - slack,
        minY: point[1] - slack,
        maxX: point[0] + slack,
        maxY: point[1] + slack,
      })
      .map((leaf) => leaf.shape)
      .filter((one) => !one.polygon || g.inPolygon(one.polygon, point))
      .sort((a, b) => g.area(a.box) - g.area(b.box));
  };

  const single = (state: ReviewState): Shape | null => {
    if (state.selected.size !== 1) return null;
    const [id] = state.selected;
    const shape = state.shapes.find((one) => one.id === id);
    if (!shape || state.locked.has(shape.id) || shape.polygon || !isVisible(state, shape))
      return null;
    return shape;
  };

  const handleAt = (state: ReviewState, at: Point): g.Handle | null => {
    const shape = single(state);
    if (!shape || !state.view) return null;
    const { scale, x, y } = state.view;
    let best: g.Handle | null = null;
    let reach = HANDLE_REACH;
    for (const handle of g.HANDLES) {
      const [hx, hy] = g.handlePoint(shape.box, handle);
      const far = Math.hypot(hx * scale + x - at[0], hy * scale + y - at[1]);
      if (far < reach) {
        best = handle;
        reach = far;
      }
    }
    return best;
  };

  const snapMove = (state: ReviewState, box: Box, except: ReadonlySet<string>): Box =>
    g.snappedMove(box, edges(state, box, except), SNAP / scaleOf(state));

  return { snapPoint, snapMove, under, single, handleAt };
}
