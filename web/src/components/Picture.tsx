import { useEffect, useRef, useState } from "react";
import { pictureUrl } from "@/api/client";
import type { Predicted } from "@/api/types";
import { type Drawn, fromModel, paintShapes } from "@/lib/shapes";

export type Which = "champion" | "shadow" | "none";

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
  const canvas = useRef<HTMLCanvasElement>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const draw = () => {
      const drawn: Drawn[] = answer
        ? fromModel(answer.shapes).filter((one) => (one.score ?? 1) >= threshold)
        : [];
      paintInto(element, drawn, item.width, item.height, shapes === "shadow");
    };
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [answer, threshold, item.width, item.height, shapes]);
  return (
    <span className="picture" style={{ aspectRatio: `${item.width} / ${item.height}` }}>
      {item.has_picture && !broken ? (
        <img
          src={pictureUrl(item.data, props.size ?? 320)}
          alt={item.filename}
          loading="lazy"
          decoding="async"
          draggable={false}
          onError={() => setBroken(true)}
        />
      ) : (
        <span className="absent small">
          {broken ? "picture not available" : "picture not kept (sample rate)"}
        </span>
      )}
      <canvas ref={canvas} aria-hidden="true" />
    </span>
  );
}

function paintInto(
  canvas: HTMLCanvasElement,
  drawn: Drawn[],
  width: number,
  height: number,
  dashed: boolean,
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
  paintShapes(context, drawn, { scale, dashed });
}
