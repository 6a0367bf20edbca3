/** The keys of the review page; the overlay shows the same table. */
import type { CanvasHandle } from "@/features/review/Canvas";
import { movedTo, newId, type Shape } from "@/features/review/document";
import * as g from "@/features/review/geometry";
import { labelOfKey } from "@/features/review/neighbours";
import {
  commit,
  editable,
  type ReviewStore,
  removeSelected,
  setLabel,
  step,
  toggle,
  travel,
  visible,
} from "@/features/review/store";
import type { KeyMap } from "@/lib/keys";

export const KEY_TABLE: readonly (readonly [keys: string, what: string])[] = [
  ["Enter", "save and next"],
  ["E", "nothing there, and next"],
  ["S", "skip with a reason"],
  ["Ctrl S", "save and stay"],
  ["D  A", "next, previous image (the draft is kept)"],
  ["V  B  X", "select, box, extreme points"],
  ["1 – 9", "label the selection, else the active label"],
  ["/", "label by typing"],
  ["J  K", "next, previous shape"],
  ["Q  W", "grab first, last corner"],
  ["← ↑ → ↓", "nudge 1 px, with Shift 10 px"],
  ["Del", "delete"],
  ["Ctrl Z  Ctrl Shift Z", "undo, redo"],
  ["Ctrl A  Ctrl C  Ctrl V", "all, copy, paste (across images)"],
  ["H  Shift H", "hide it, hide the others"],
  ["I held", "image only"],
  ["T", "names on the shapes"],
  ["U", "lock"],
  ["[  ]", "confidence down, up by 0.05"],
  ["+  −  F  Z", "zoom in, out, fit, to the shape"],
  ["Space drag, wheel", "pan, zoom at the pointer"],
  ["Esc", "cancel, deselect, select tool"],
  ["?", "this overlay"],
];

export interface ReviewActions {
  saveAndNext: () => void;
  nothingThere: () => void;
  saveAndStay: () => void;
  skip: () => void;
  keys: () => void;
  step: (by: number) => void;
  canvas: () => CanvasHandle | null;
  labels: readonly string[];
}

let clipboard: readonly Shape[] = [];

export function reviewKeys(
  store: ReviewStore,
  actions: ReviewActions,
  singleKeys: boolean,
): KeyMap {
  const state = () => store.getState();
  const nudge = (dx: number, dy: number) => {
    const { shapes, corner, size } = state();
    const ids = editable(state());
    if (ids.size === 0) return;
    commit(
      store,
      shapes.map((one) => {
        if (!ids.has(one.id)) return one;
        if (corner === null) return movedTo(one, g.moved(one.box, dx, dy, size));
        const handle = corner === "first" ? "nw" : "se";
        const [x, y] = g.handlePoint(one.box, handle);
        const box = g.resized(one.box, handle, [x + dx, y + dy], size);
        return g.isTooSmall(box) ? one : movedTo(one, box);
      }),
    );
  };
  const zoom = (factor: number) => {
    const stage = actions.canvas()?.stage;
    stage?.zoomAt(stage.centre(), factor);
  };
  const selectedShapes = () => state().shapes.filter((one) => state().selected.has(one.id));
  const paste = () => {
    if (clipboard.length === 0) return;
    const copies = clipboard.map((one) => ({
      ...movedTo(one, g.clamped(one.box, state().size)),
      id: newId(),
    }));
    commit(
      store,
      [...state().shapes, ...copies],
      copies.map((one) => one.id),
    );
  };
  const slide = (by: number) =>
    store.setState({
      confidence: Math.round(Math.min(1, Math.max(0, state().confidence + by)) * 100) / 100,
    });
  const label = (key: string) => () => {
    const found = labelOfKey(actions.labels, key);
    if (found >= 0) setLabel(store, found);
  };

  const always: KeyMap = {
    enter: actions.saveAndNext,
    "ctrl+s": actions.saveAndStay,
    "ctrl+z": () => travel(store, "undo"),
    "ctrl+shift+z": () => travel(store, "redo"),
    "ctrl+y": () => travel(store, "redo"),
    "ctrl+a": () => store.setState({ selected: new Set(visible(state()).map((one) => one.id)) }),
    "ctrl+c": () => {
      clipboard = selectedShapes();
    },
    "ctrl+v": paste,
    delete: () => removeSelected(store),
    backspace: () => removeSelected(store),
    arrowleft: () => nudge(-1, 0),
    arrowright: () => nudge(1, 0),
    arrowup: () => nudge(0, -1),
    arrowdown: () => nudge(0, 1),
    "shift+arrowleft": () => nudge(-10, 0),
    "shift+arrowright": () => nudge(10, 0),
    "shift+arrowup": () => nudge(0, -10),
    "shift+arrowdown": () => nudge(0, 10),
    escape: () => {
      if (actions.canvas()?.cancel()) return;
      if (state().corner !== null) store.setState({ corner: null });
      else if (state().selected.size > 0) store.setState({ selected: new Set() });
      else store.setState({ tool: "select" });
    },
  };
  if (!singleKeys) return always;
  return {
    ...always,
    e: actions.nothingThere,
    s: actions.skip,
    d: () => actions.step(1),
    a: () => actions.step(-1),
    v: () => store.setState({ tool: "select", extremes: [] }),
    b: () => store.setState({ tool: "box", extremes: [] }),
    x: () => store.setState({ tool: "extreme" }),
    j: () => step(store, 1),
    k: () => step(store, -1),
    q: () => store.setState({ corner: state().corner === "first" ? null : "first" }),
    w: () => store.setState({ corner: state().corner === "last" ? null : "last" }),
    h: () => store.setState({ hidden: toggle(state().hidden, state().selected) }),
    "shift+h": () =>
      store.setState({
        hidden: toggle(
          state().hidden,
          state()
            .shapes.map((one) => one.id)
            .filter((id) => !state().selected.has(id)),
        ),
      }),
    i: () => store.setState({ imageOnly: true }),
    t: () => store.setState({ chips: !state().chips }),
    u: () => store.setState({ locked: toggle(state().locked, state().selected) }),
    "[": () => slide(-0.05),
    "]": () => slide(0.05),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    f: () => actions.canvas()?.stage?.fit(),
    z: () => {
      const [shape] = selectedShapes();
      if (shape) actions.canvas()?.stage?.toBox(shape.box);
    },
    "/": () => document.getElementById("label-search")?.focus(),
    "?": actions.keys,
    ...Object.fromEntries("0123456789".split("").map((key) => [key, label(key)])),
  };
}
