/** Pointer to commands. A draw tool always draws, also inside a box; select takes the smallest, then the next. */
import type { Box, Point } from "@/api/types";
import { createAim, toImage } from "@/features/review/aim";
import { movedTo, type Shape } from "@/features/review/document";
import * as g from "@/features/review/geometry";
import { addBox, commit, type ReviewState, type ReviewStore } from "@/features/review/store";

interface Press {
  at: Point;
  image: Point;
  kind: "draw" | "move" | "resize" | "pan" | "none";
  handle?: g.Handle;
  boxes: Map<string, Box>;
  dragged: boolean;
  view: { x: number; y: number };
}

export interface Pointer {
  /** Screen pixels from the canvas's corner. */
  at: Point;
  alt: boolean;
  shift: boolean;
  ctrl: boolean;
  pan: boolean;
}

export function createGestures(store: ReviewStore) {
  let press: Press | null = null;
  let anchor: Point | null = null;
  const { snapPoint, snapMove, under, single, handleAt } = createAim();

  const drawTo = (state: ReviewState, from: Point, pointer: Pointer): Box =>
    g.boxOf(from, snapPoint(state, toImage(state, pointer.at), pointer.alt));

  const finish = (box: Box) => {
    anchor = null;
    const { size } = store.getState();
    const inside = g.rounded(g.clamped(box, size));
    if (g.isTooSmall(inside)) store.setState({ draft: null });
    else addBox(store, inside);
  };

  const down = (pointer: Pointer) => {
    const state = store.getState();
    const image = toImage(state, pointer.at);
    const view = state.view ?? { x: 0, y: 0 };
    press = { at: pointer.at, image, kind: "none", boxes: new Map(), dragged: false, view };
    if (pointer.pan) {
      press.kind = "pan";
      return;
    }
    if (state.tool === "extreme") return;
    if (state.tool === "box") {
      press.kind = "draw";
      press.image = anchor ?? snapPoint(state, image, pointer.alt);
      return;
    }
    const handle = handleAt(state, pointer.at);
    const held = single(state);
    if (handle && held) {
      press.kind = "resize";
      press.handle = handle;
      press.boxes.set(held.id, held.box);
      return;
    }
    const hits = under(state, image);
    const already = hits.find((one) => state.selected.has(one.id));
    const take = already ?? hits[0];
    if (!take) return;
    if (!already) {
      store.setState({
        selected: new Set(pointer.shift || pointer.ctrl ? [...state.selected, take.id] : [take.id]),
        corner: null,
      });
    }
    press.kind = "move";
    const now = store.getState();
    for (const shape of now.shapes) {
      if (now.selected.has(shape.id) && !now.locked.has(shape.id))
        press.boxes.set(shape.id, shape.box);
    }
  };

  const move = (pointer: Pointer) => {
    const state = store.getState();
    const image = toImage(state, pointer.at);
    if (!press) {
      if (anchor) store.setState({ draft: drawTo(state, anchor, pointer) });
      const hit = state.tool === "select" ? (under(state, image)[0]?.id ?? null) : null;
      if (hit !== state.hovered) store.setState({ hovered: hit });
      return;
    }
    const far = Math.hypot(pointer.at[0] - press.at[0], pointer.at[1] - press.at[1]);
    if (!press.dragged && far < 4) return;
    press.dragged = true;
    if (press.kind === "pan" && state.view) {
      const x = press.view.x + pointer.at[0] - press.at[0];
      const y = press.view.y + pointer.at[1] - press.at[1];
      store.setState({ view: { ...state.view, x, y } });
    } else if (press.kind === "draw") {
      store.setState({ draft: drawTo(state, press.image, pointer) });
    } else if (press.kind === "resize") {
      const [id, box] = [...press.boxes][0]!;
      const to = snapPoint(state, image, pointer.alt, new Set([id]));
      store.setState({ moving: new Map([[id, g.resized(box, press.handle!, to, state.size)]]) });
    } else if (press.kind === "move") {
      store.setState({ moving: movedBoxes(state, press, image, pointer.alt) });
    }
  };

  const movedBoxes = (state: ReviewState, held: Press, image: Point, alt: boolean) => {
    const [dx, dy] = [image[0] - held.image[0], image[1] - held.image[1]];
    const except = new Set(held.boxes.keys());
    const out = new Map<string, Box>();
    for (const [id, box] of held.boxes) {
      const next = g.moved(box, dx, dy, state.size);
      const settled = alt || held.boxes.size > 1 ? next : snapMove(state, next, except);
      out.set(id, settled);
    }
    return out;
  };

  const up = (pointer: Pointer) => {
    const held = press;
    press = null;
    if (!held) return;
    const state = store.getState();
    if (held.kind === "draw") {
      if (held.dragged || anchor) finish(drawTo(state, held.image, pointer));
      else anchor = held.image;
      return;
    }
    if (state.tool === "extreme" && held.kind === "none") {
      const extremes = [...state.extremes, snapPoint(state, held.image, true)];
      if (extremes.length < 4) store.setState({ extremes });
      else {
        store.setState({ extremes: [] });
        finish(g.boxOfExtremes(extremes));
      }
      return;
    }
    if (state.moving) {
      const boxes = state.moving;
      const shapes = state.shapes.map((one) => {
        const box = boxes.get(one.id);
        return box ? movedTo(one, g.rounded(box)) : one;
      });
      const broken = [...boxes.values()].some(g.isTooSmall);
      if (broken) store.setState({ moving: null });
      else commit(store, shapes);
      return;
    }
    if (held.dragged || held.kind === "pan" || held.kind === "resize") return;
    const hits = under(state, held.image);
    if (hits.length === 0) {
      store.setState({ selected: new Set(), corner: null });
    } else if (held.kind === "move" && !pointer.shift && !pointer.ctrl) {
      cycle(state, hits);
    }
  };

  let lastClick: { key: string; at: number } | null = null;
  /** A second click at one place takes the next larger shape there. */
  const cycle = (state: ReviewState, hits: Shape[]) => {
    const key = hits.map((one) => one.id).join();
    const current = hits.findIndex((one) => state.selected.has(one.id));
    const next = lastClick?.key === key ? (current + 1) % hits.length : Math.max(0, current);
    lastClick = { key, at: next };
    store.setState({ selected: new Set([hits[next]!.id]), corner: null });
  };

  const cancel = (): boolean => {
    const state = store.getState();
    const busy = press !== null || anchor !== null || state.extremes.length > 0;
    press = null;
    anchor = null;
    store.setState({ draft: null, moving: null, extremes: [] });
    return busy;
  };

  const cursor = (at: Point): string => {
    const state = store.getState();
    if (state.tool !== "select") return "crosshair";
    const handle = handleAt(state, at);
    if (handle) return `${handle}-resize`;
    return under(state, toImage(state, at)).length > 0 ? "move" : "default";
  };

  return { down, move, up, cancel, cursor };
}

export type Gestures = ReturnType<typeof createGestures>;
