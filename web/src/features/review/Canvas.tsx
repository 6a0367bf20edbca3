import {
  type PointerEvent,
  type Ref,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import { useStore } from "zustand";
import type { Point } from "@/api/types";
import { Empty, Failure } from "@/components/states";
import { createGestures, type Gestures, type Pointer } from "@/features/review/gestures";
import { bitmapOf } from "@/features/review/pictures";
import { type AnnotatorStage, createStage } from "@/features/review/stage";
import { type ReviewStore, visible } from "@/features/review/store";

export interface CanvasHandle {
  stage: AnnotatorStage | null;
  cancel: () => boolean;
}

interface Props {
  ref: Ref<CanvasHandle>;
  store: ReviewStore;
  data: string;
  hasPicture: boolean;
  name: string;
  labels: readonly string[];
  dashed: boolean;
}

export function Canvas({ ref, store, data, hasPicture, name, labels, dashed }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const stage = useRef<AnnotatorStage | null>(null);
  const gestures = useRef<Gestures | null>(null);
  const space = useSpace();
  const [failed, setFailed] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  const n = useStore(store, (state) => visible(state).length);
  const tool = useStore(store, (state) => state.tool);
  gestures.current ??= createGestures(store);

  useImperativeHandle(ref, () => ({
    get stage() {
      return stage.current;
    },
    cancel: () => gestures.current!.cancel(),
  }));

  useEffect(() => {
    const made = createStage(holder.current!, store, { labels, dashed });
    stage.current = made;
    return () => {
      made.destroy();
      stage.current = null;
    };
  }, [store, labels, dashed]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` fetches again, the stage is new with its inputs
  useEffect(() => {
    if (!hasPicture) return;
    let gone = false;
    setFailed(null);
    bitmapOf(data).then(
      (bitmap) => {
        if (!gone) stage.current?.setPicture(bitmap);
      },
      (error) => {
        if (!gone) setFailed(error);
      },
    );
    return () => {
      gone = true;
    };
  }, [data, hasPicture, tries, store, labels, dashed]);

  // React's wheel listeners are passive: the page would scroll along.
  useEffect(() => {
    const element = frame.current!;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      stage.current?.zoomAt(at(element, event), Math.exp(-event.deltaY * 0.0015));
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);

  const pointer = (event: PointerEvent): Pointer => ({
    at: at(frame.current!, event),
    alt: event.altKey,
    shift: event.shiftKey,
    ctrl: event.ctrlKey || event.metaKey,
    pan: space.current || event.button === 1 || event.buttons === 4,
  });
  return (
    <div
      ref={frame}
      className={`annotator ${tool}`}
      role="application"
      aria-label={`Picture ${name}, ${n} shapes. The object list beside it does the same by keyboard.`}
      data-panel
      data-shapes={n}
      onPointerDown={(event) => {
        if (event.button === 2) return;
        frame.current!.setPointerCapture(event.pointerId);
        gestures.current!.down(pointer(event));
      }}
      onPointerMove={(event) => {
        const now = pointer(event);
        stage.current?.setPointer(now.at);
        gestures.current!.move(now);
        frame.current!.style.cursor = now.pan ? "grab" : gestures.current!.cursor(now.at);
      }}
      onPointerUp={(event) => gestures.current!.up(pointer(event))}
      onPointerCancel={() => gestures.current!.cancel()}
      onPointerLeave={() => stage.current?.setPointer(null)}
    >
      <div ref={holder} className="konva" />
      {!hasPicture && (
        <div className="over">
          <Empty title="The picture was not kept" icon="image">
            The deployment's sample rate left it out: there is nothing to review.
          </Empty>
        </div>
      )}
      {failed !== null && (
        <div className="over">
          <Failure error={failed} retry={() => setTries(tries + 1)} />
        </div>
      )}
    </div>
  );
}

function at(element: HTMLElement, event: { clientX: number; clientY: number }): Point {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function useSpace() {
  const held = useRef(false);
  useEffect(() => {
    const set = (on: boolean) => (event: KeyboardEvent) => {
      if (event.code === "Space") held.current = on;
    };
    const [down, up] = [set(true), set(false)];
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
    };
  }, []);
  return held;
}
