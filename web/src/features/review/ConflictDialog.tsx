import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { prediction } from "@/api/queries";
import type { PredictedDetail, Review, ReviewShapes } from "@/api/types";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Time } from "@/components/Time";
import { compared, merged } from "@/features/review/conflict";
import { bitmapOf } from "@/features/review/pictures";
import { dropSave, overrule, type Save, useSaves } from "@/features/review/saves";
import { type Drawn, fromReview, paintShapes } from "@/lib/shapes";

/** Somebody saved the same image meanwhile: mine and theirs side by side, nothing is overwritten in silence. */
export function ConflictDialog({ labels }: { labels: readonly string[] }) {
  const saves = useSaves();
  for (const state of saves.values()) {
    if (state.kind === "conflict") {
      return (
        <Resolve
          key={`${state.save.asset} ${state.current.revision}`}
          save={state.save}
          theirs={state.current}
          labels={labels}
        />
      );
    }
  }
  return null;
}

function Resolve(props: { save: Save; theirs: Review; labels: readonly string[] }) {
  const { save, theirs, labels } = props;
  const client = useQueryClient();
  const detail = client.getQueryData<PredictedDetail>(
    prediction(save.deployment, save.asset).queryKey,
  );
  const parts = compared(save.shapes, theirs.shapes);
  const [taken, setTaken] = useState<ReadonlySet<string>>(
    () => new Set(parts.mine.map((i) => `mine ${i}`)),
  );
  const flip = (key: string) =>
    setTaken((old) => {
      const next = new Set(old);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const takeTheirs = () => {
    dropSave(save.asset);
    void client.invalidateQueries({
      queryKey: prediction(save.deployment, save.asset).queryKey,
    });
  };
  const side = (name: "mine" | "theirs", shapes: ReviewShapes, different: number[]) => (
    <section aria-label={name === "mine" ? "Your review" : "Their review"}>
      <h3>
        {name === "mine" ? (
          "Yours"
        ) : (
          <>
            {theirs.reviewer ?? "Another reviewer"}, <Time at={theirs.time} relative />
          </>
        )}
      </h3>
      {detail && (
        <Side detail={detail} shapes={fromReview(shapes, labels)} different={new Set(different)} />
      )}
      <ul>
        {different.map((i) => (
          <li key={i}>
            <label className="choice">
              <input
                type="checkbox"
                checked={taken.has(`${name} ${i}`)}
                onChange={() => flip(`${name} ${i}`)}
              />
              <span>
                {shapes.labels[i]}{" "}
                <span className="muted small">
                  {shapes.boxes[i]?.map((n) => Math.round(n)).join(", ")}
                </span>
              </span>
            </label>
          </li>
        ))}
        {different.length === 0 && <li className="muted">nothing that the other lacks</li>}
      </ul>
    </section>
  );
  return (
    <Dialog
      title={`${save.filename} was reviewed by somebody else meanwhile`}
      wide
      closable={false}
      onClose={() => {}}
      actions={
        <>
          <Button onClick={takeTheirs}>Take theirs</Button>
          <Button onClick={() => overrule(save.asset, merged(save.shapes, theirs.shapes, taken))}>
            Save the ticked
          </Button>
          <Button tone="primary" onClick={() => overrule(save.asset, save.shapes)}>
            Take mine
          </Button>
        </>
      }
    >
      <p className="muted">
        {parts.same} {parts.same === 1 ? "shape is" : "shapes are"} the same in both; the others are
        marked. What you choose becomes a new revision.
      </p>
      <div className="sides">
        {side("mine", save.shapes, parts.mine)}
        {side("theirs", theirs.shapes, parts.theirs)}
      </div>
    </Dialog>
  );
}

function Side(props: { detail: PredictedDetail; shapes: Drawn[]; different: Set<number> }) {
  const { detail, shapes, different } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    const context = element.getContext("2d")!;
    let gone = false;
    let bitmap: ImageBitmap | null = null;
    const draw = () => {
      const ratio = devicePixelRatio || 1;
      const scale = element.clientWidth / detail.width;
      if (gone || scale === 0) return;
      element.width = element.clientWidth * ratio;
      element.height = detail.height * scale * ratio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (bitmap) context.drawImage(bitmap, 0, 0, detail.width * scale, detail.height * scale);
      paintShapes(
        context,
        shapes.filter((_, i) => !different.has(i)),
        { scale },
      );
      paintShapes(
        context,
        shapes.filter((_, i) => different.has(i)),
        {
          scale,
          whiteHalo: true,
          fill: 0.25,
        },
      );
    };
    // A dialog has no size before it is shown, which is after this.
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    bitmapOf(detail.data).then(
      (found) => {
        bitmap = found;
        draw();
      },
      () => {},
    );
    return () => {
      gone = true;
      observer.disconnect();
    };
  }, [detail, shapes, different]);
  return (
    <canvas
      ref={canvas}
      style={{ aspectRatio: `${detail.width} / ${detail.height}` }}
      aria-hidden="true"
    />
  );
}
