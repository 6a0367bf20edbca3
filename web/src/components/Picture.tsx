import { useEffect, useMemo, useRef, useState } from "react";
import { pictureUrl } from "@/api/client";
import type { Predicted } from "@/api/types";
import { type Drawn, fromModel, paintShapes } from "@/lib/shapes";

export type Which = "champion" | "shadow" | "none";

/** Shapes of one origin over a picture. */
export interface Layer {
  shapes: readonly Drawn[];
  dashed?: boolean;
}

const NO_LAYER: readonly Layer[] = [];

/** One image and one canvas over it, however many shapes. `src` null: there is no picture. */
export function ShapedPicture(props: {
  src: string | null;
  alt: string;
  width: number;
  height: number;
  layers?: readonly Layer[];
  /** Stands in place of a picture that is not there. */
  absent?: string;
}) {
  const { src, width, height, layers = NO_LAYER } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [broken, setBroken] = useState<string | null>(null);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const draw = () => paintInto(element, layers, width, height);
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [layers, width, height]);
  return (
    <span className="picture" style={{ aspectRatio: `${width} / ${height}` }}>
      {src !== null && broken !== src ? (
        <img
          src={src}
          alt={props.alt}
          loading="lazy"
          decoding="async"
          draggable={false}
          onError={() => setBroken(src)}
        />
      ) : (
        <span className="absent small">
          {src === null ? (props.absent ?? "no picture") : "picture not available"}
        </span>
      )}
      <canvas ref={canvas} aria-hidden="true" />
    </span>
  );
}

/** The thumbnail with the shapes of one model over it: one image and one canvas, however many shapes. */
export function Picture(props: {
  item: Pick<
    Predicted,
    "data" | "width" | "height" | "has_picture" | "filename" | "champion" | "shadow"
  >;
  shapes: Which;
  threshold: number;
  size?: number;
}) {
  const { item, shapes, threshold } = props;
  const answer = shapes === "none" ? null : shapes === "shadow" ? item.shadow : item.champion;
  const layers = useMemo<Layer[]>(() => {
    if (!answer) return [];
    const drawn = fromModel(answer.shapes).filter((one) => (one.score ?? 1) >= threshold);
    return [{ shapes: drawn, dashed: shapes === "shadow" }];
  }, [answer, threshold, shapes]);
  return (
    <ShapedPicture
      src={item.has_picture ? pictureUrl(item.data, props.size ?? 320) : null}
      alt={item.filename}
      width={item.width}
      height={item.height}
      layers={layers}
      absent="picture not kept (sample rate)"
    />
  );
}

function paintInto(
  canvas: HTMLCanvasElement,
  layers: readonly Layer[],
  width: number,
  height: number,
) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  if (clientWidth === 0) return;
  canvas.width = Math.round(clientWidth * ratio);
  canvas.height = Math.round(clientHeight * ratio);
  const context = canvas.getContext("2d")!;
  // The picture is contained in its frame: the same offset and scale as `object-fit: contain`.
  const scale = Math.min(clientWidth / width, clientHeight / height);
  context.setTransform(
    ratio,
    0,
    0,
    ratio,
    ((clientWidth - width * scale) / 2) * ratio,
    ((clientHeight - height * scale) / 2) * ratio,
  );
  for (const { shapes, dashed } of layers) paintShapes(context, shapes, { scale, dashed });
}
