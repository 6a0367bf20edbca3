import { createStore } from "zustand/vanilla";
import type { Box, Point } from "@/api/types";
import * as doc from "@/features/review/document";
import type { Size } from "@/features/review/geometry";

export type Tool = "select" | "box" | "extreme";
export type Corner = "first" | "last" | null;

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface ReviewState extends doc.History {
  size: Size;
  tool: Tool;
  label: number;
  confidence: number;
  selected: ReadonlySet<string>;
  hidden: ReadonlySet<string>;
  locked: ReadonlySet<string>;
  corner: Corner;
  hovered: string | null;
  /** Boxes under the hand: drawn instead of the committed ones until the gesture ends. */
  moving: ReadonlyMap<string, Box> | null;
  draft: Box | null;
  extremes: readonly Point[];
  imageOnly: boolean;
  chips: boolean;
  view: View | null;
  dirty: boolean;
}

export type ReviewStore = ReturnType<typeof createReviewStore>;

export function createReviewStore(initial: {
  history: doc.History;
  size: Size;
  label: number;
  confidence: number;
  dirty: boolean;
  view: View | null;
}) {
  const { history, ...rest } = initial;
  return createStore<ReviewState>(() => ({
    ...history,
    ...rest,
    tool: "select",
    selected: new Set(),
    hidden: new Set(),
    locked: new Set(),
    corner: null,
    hovered: null,
    moving: null,
    draft: null,
    extremes: [],
    imageOnly: false,
    chips: true,
  }));
}

export function isVisible(state: ReviewState, shape: doc.Shape): boolean {
  return !state.hidden.has(shape.id) && doc.isAbove(shape, state.confidence);
}

export function visible(state: ReviewState): doc.Shape[] {
  return state.shapes.filter((one) => isVisible(state, one));
}

/** What saving would keep: hidden by hand stays in, hidden by the slider stays out. */
export function kept(state: ReviewState): doc.Shape[] {
  return state.shapes.filter((one) => doc.isAbove(one, state.confidence));
}

export function commit(
  store: ReviewStore,
  shapes: readonly doc.Shape[],
  selected?: Iterable<string>,
) {
  store.setState((state) => ({
    ...doc.commit(state, shapes),
    dirty: true,
    moving: null,
    ...(selected ? { selected: new Set(selected) } : {}),
  }));
}

export function travel(store: ReviewStore, by: "undo" | "redo") {
  store.setState((state) => {
    const next = by === "undo" ? doc.undo(state) : doc.redo(state);
    const ids = new Set(next.shapes.map((one) => one.id));
    return {
      shapes: next.shapes,
      past: next.past,
      future: next.future,
      dirty: true,
      moving: null,
      selected: new Set([...state.selected].filter((id) => ids.has(id))),
    };
  });
}

/** The selection that may be changed: locked shapes stay. */
export function editable(state: ReviewState): Set<string> {
  return new Set([...state.selected].filter((id) => !state.locked.has(id)));
}

export function removeSelected(store: ReviewStore) {
  const state = store.getState();
  commit(store, doc.without(state.shapes, editable(state)), []);
}

export function setLabel(store: ReviewStore, label: number) {
  const state = store.getState();
  const ids = editable(state);
  store.setState({ label });
  const shapes = doc.relabelled(state.shapes, ids, label);
  if (shapes !== state.shapes) commit(store, shapes);
}

export function addBox(store: ReviewStore, box: Box) {
  const state = store.getState();
  const shape: doc.Shape = {
    id: doc.newId(),
    label: state.label,
    score: null,
    box,
    polygon: null,
    fromModel: false,
  };
  commit(store, [...state.shapes, shape], [shape.id]);
  store.setState({ draft: null, extremes: [], corner: null });
}

export function toggle(set: ReadonlySet<string>, ids: Iterable<string>): Set<string> {
  const next = new Set(set);
  const all = [...ids];
  const on = all.some((id) => !next.has(id));
  for (const id of all) {
    if (on) next.add(id);
    else next.delete(id);
  }
  return next;
}

/** Next or previous visible shape in the list's order. */
export function step(store: ReviewStore, by: 1 | -1) {
  const state = store.getState();
  const shapes = visible(state);
  if (shapes.length === 0) return;
  const at = shapes.findIndex((one) => state.selected.has(one.id));
  const next =
    at < 0 ? (by > 0 ? 0 : shapes.length - 1) : (at + by + shapes.length) % shapes.length;
  store.setState({ selected: new Set([shapes[next]!.id]), corner: null });
}
