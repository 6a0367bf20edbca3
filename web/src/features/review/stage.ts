/** The canvas: picture, one painted shape for everything unselected, and a layer for what is under the hand. */
import Konva from "konva/lib/Core";
import type { Box, Point } from "@/api/types";
import { movedTo, type Shape } from "@/features/review/document";
import { HANDLES, handlePoint } from "@/features/review/geometry";
import { isVisible, type ReviewState, type ReviewStore, type View } from "@/features/review/store";
import { imageColour } from "@/lib/palette";
import { type PaintStyle, paintShapes } from "@/lib/shapes";

const HANDLE = 8;

export interface StageOptions {
  labels: readonly string[];
  /** Whose shapes the untouched ones are; the shadow's are dashed, and a coin's are not told apart. */
  dashed: boolean;
}

export function createStage(holder: HTMLDivElement, store: ReviewStore, options: StageOptions) {
  const stage = new Konva.Stage({
    container: holder,
    width: holder.clientWidth,
    height: holder.clientHeight,
    listening: false,
  });
  let bitmap: ImageBitmap | null = null;
  let pointer: Point | null = null;

  const hover = (context: CanvasRenderingContext2D, state: ReviewState, scale: number) => {
    const shape = state.shapes.find((one) => one.id === state.hovered);
    if (!shape || state.selected.has(shape.id) || !isVisible(state, shape)) return;
    paintShapes(context, [shape], { scale, fill: 0.12, dashed: shape.fromModel && options.dashed });
    chip(context, shape, scale, options.labels);
  };

  const layer = (
    paint: (context: CanvasRenderingContext2D, state: ReviewState, view: View) => void,
  ) => {
    const made = new Konva.Layer({ listening: false });
    made.add(
      new Konva.Shape({
        listening: false,
        perfectDrawEnabled: false,
        sceneFunc: (context) => {
          const state = store.getState();
          const native = context._context;
          if (!state.view) return;
          native.save();
          paint(native, state, state.view);
          native.restore();
        },
      }),
    );
    stage.add(made);
    return made;
  };

  const picture = layer((context, state, view) => {
    if (!bitmap) return;
    context.imageSmoothingEnabled = view.scale < 4;
    context.drawImage(
      bitmap,
      view.x,
      view.y,
      state.size.width * view.scale,
      state.size.height * view.scale,
    );
  });

  const rest = layer((context, state, view) => {
    if (state.imageOnly) return;
    context.translate(view.x, view.y);
    const shown = state.shapes.filter(
      (one) => isVisible(state, one) && !state.selected.has(one.id),
    );
    const style: PaintStyle = { scale: view.scale };
    const dotted = shown.filter((one) => state.locked.has(one.id));
    const model = shown.filter((one) => one.fromModel && !state.locked.has(one.id));
    const mine = shown.filter((one) => !one.fromModel && !state.locked.has(one.id));
    paintShapes(context, model, { ...style, dashed: options.dashed });
    paintShapes(context, mine, style);
    paintShapes(context, dotted, { ...style, dotted: true });
    if (state.chips && shown.length <= 300) {
      for (const shape of shown) {
        if (Math.min(shape.box[2], shape.box[3]) * view.scale >= 24) {
          chip(context, shape, view.scale, options.labels);
        }
      }
    }
  });

  const active = layer((context, state, view) => {
    if (state.imageOnly) return;
    context.save();
    context.translate(view.x, view.y);
    hover(context, state, view.scale);
    const selected = state.shapes
      .filter((one) => state.selected.has(one.id) && isVisible(state, one))
      .map((one) => {
        const box = state.moving?.get(one.id);
        return box ? movedTo(one, box) : one;
      });
    paintShapes(context, selected, { scale: view.scale, whiteHalo: true, fill: 0.2 });
    for (const shape of selected) chip(context, shape, view.scale, options.labels);
    const only = selected.length === 1 ? selected[0]! : null;
    if (only && !state.locked.has(only.id) && !only.polygon) {
      handles(context, only.box, view.scale, state.corner);
    }
    if (state.draft) {
      const drawn = { label: state.label, score: null, box: state.draft, polygon: null };
      paintShapes(context, [drawn], { scale: view.scale, whiteHalo: true, fill: 0.12 });
    }
    for (const [x, y] of state.extremes) dot(context, x * view.scale, y * view.scale, state.label);
    context.restore();
    if (state.tool !== "select" && pointer)
      crosshair(context, pointer, stage.width(), stage.height());
  });

  const draw = () => {
    picture.batchDraw();
    rest.batchDraw();
    active.batchDraw();
  };

  const off = store.subscribe((state, old) => {
    if (state.view !== old.view) return draw();
    const changed = (
      ["shapes", "hidden", "locked", "confidence", "imageOnly", "chips", "selected"] as const
    ).some((key) => state[key] !== old[key]);
    if (changed) rest.batchDraw();
    active.batchDraw();
  });

  const fitted = (): View => {
    const { width, height } = store.getState().size;
    const pad = 16;
    const scale = Math.min((stage.width() - 2 * pad) / width, (stage.height() - 2 * pad) / height);
    return {
      scale,
      x: (stage.width() - width * scale) / 2,
      y: (stage.height() - height * scale) / 2,
    };
  };

  const zoomAt = (at: Point, factor: number) => {
    const view = store.getState().view ?? fitted();
    const scale = Math.min(64, Math.max(0.05, view.scale * factor));
    const by = scale / view.scale;
    store.setState({
      view: { scale, x: at[0] - (at[0] - view.x) * by, y: at[1] - (at[1] - view.y) * by },
    });
  };

  const toBox = (box: Box) => {
    const scale = Math.min(16, (stage.width() * 0.5) / box[2], (stage.height() * 0.5) / box[3]);
    store.setState({
      view: {
        scale,
        x: stage.width() / 2 - (box[0] + box[2] / 2) * scale,
        y: stage.height() / 2 - (box[1] + box[3] / 2) * scale,
      },
    });
  };

  let [wide, high] = [holder.clientWidth, holder.clientHeight];
  const observer = new ResizeObserver(() => {
    // Called once at the start too, when a view kept from the image before must stay.
    if (holder.clientWidth === wide && holder.clientHeight === high) return;
    [wide, high] = [holder.clientWidth, holder.clientHeight];
    stage.size({ width: holder.clientWidth, height: holder.clientHeight });
    store.setState({ view: fitted() });
  });
  if (!store.getState().view) store.setState({ view: fitted() });
  observer.observe(holder);

  return {
    setPicture: (next: ImageBitmap | null) => {
      bitmap = next;
      picture.batchDraw();
    },
    setPointer: (at: Point | null) => {
      pointer = at;
      if (store.getState().tool !== "select") active.batchDraw();
    },
    centre: (): Point => [stage.width() / 2, stage.height() / 2],
    fit: () => store.setState({ view: fitted() }),
    zoomAt,
    toBox,
    destroy: () => {
      off();
      observer.disconnect();
      stage.destroy();
    },
  };
}

export type AnnotatorStage = ReturnType<typeof createStage>;

function chip(
  context: CanvasRenderingContext2D,
  shape: Shape,
  scale: number,
  labels: readonly string[],
) {
  const score = shape.score !== null && shape.fromModel ? ` ${shape.score.toFixed(2)}` : "";
  const text = `${labels[shape.label] ?? "?"}${score}`;
  context.font = '11px system-ui, "Segoe UI", sans-serif';
  const width = context.measureText(text).width + 8;
  const x = shape.box[0] * scale - 1;
  const y = Math.max(0, shape.box[1] * scale - 16);
  context.fillStyle = imageColour(shape.label);
  context.fillRect(x, y, width, 15);
  context.fillStyle = "#000";
  context.textBaseline = "middle";
  context.fillText(text, x + 4, y + 8);
}

function handles(
  context: CanvasRenderingContext2D,
  box: Box,
  scale: number,
  corner: ReviewState["corner"],
) {
  context.lineWidth = 1;
  for (const handle of HANDLES) {
    const [x, y] = handlePoint(box, handle);
    const held = (corner === "first" && handle === "nw") || (corner === "last" && handle === "se");
    context.fillStyle = held ? "#1D5FD1" : "#fff";
    context.strokeStyle = held ? "#fff" : "#000";
    const size = held ? HANDLE + 4 : HANDLE;
    context.fillRect(x * scale - size / 2, y * scale - size / 2, size, size);
    context.strokeRect(x * scale - size / 2, y * scale - size / 2, size, size);
  }
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, label: number) {
  context.beginPath();
  context.arc(x, y, 4, 0, 2 * Math.PI);
  context.fillStyle = imageColour(label);
  context.strokeStyle = "#fff";
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

function crosshair(
  context: CanvasRenderingContext2D,
  [x, y]: Point,
  width: number,
  height: number,
) {
  for (const [colour, dash] of [
    ["rgba(0,0,0,0.7)", 0],
    ["rgba(255,255,255,0.9)", 4],
  ] as const) {
    context.beginPath();
    context.setLineDash(dash ? [dash, dash] : []);
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, height);
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
    context.lineWidth = 1;
    context.strokeStyle = colour;
    context.stroke();
  }
  context.setLineDash([]);
}
