import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { prediction } from "@/api/queries";
import type { ReviewShapes } from "@/api/types";
import { announce } from "@/components/Announcer";
import { Skeleton } from "@/components/states";
import { Canvas, type CanvasHandle } from "@/features/review/Canvas";
import { begin, type History, toReview } from "@/features/review/document";
import { type Draft, draftKey, readDraft, writeDraft } from "@/features/review/drafts";
import { KeysDialog } from "@/features/review/KeysDialog";
import { reviewKeys } from "@/features/review/keymap";
import { isQueued, REVIEW } from "@/features/review/neighbours";
import type { ReviewProps } from "@/features/review/props";
import { SidePanel } from "@/features/review/SidePanel";
import { SkipDialog } from "@/features/review/SkipDialog";
import { Strip } from "@/features/review/Strip";
import { onSaved, save } from "@/features/review/saves";
import { shapesAtStart, startOf } from "@/features/review/start";
import {
  createReviewStore,
  type ReviewStore,
  kept as savable,
  type View,
} from "@/features/review/store";
import { ReviewBar, ToolBar } from "@/features/review/ToolBar";
import { useKeys } from "@/lib/keys";
import { usePreferences } from "@/lib/preferences";

/** What outlives an image: the view at equal size, the tool's label, the slider. */
const carried: { size: string; view: View | null; label: number; confidence: number | null } = {
  size: "",
  view: null,
  label: 0,
  confidence: null,
};

const NOTHING: ReviewShapes = { labels: [], boxes: [], polygons: [] };

export function DetectionReview(props: ReviewProps) {
  const { detail, deployed, user, queued } = props;
  const { start: choice } = useSearch({ from: REVIEW });
  const start = detail.review?.start ?? startOf(choice, queued);
  const key = draftKey(user, deployed.id, detail.id);
  const [draft, setDraft] = useState<Draft | null | undefined>(undefined);
  useEffect(() => {
    void readDraft(key).then(setDraft);
  }, [key]);
  if (draft === undefined) {
    return (
      <div className="content">
        <Skeleton height={400} />
      </div>
    );
  }
  const usable = draft && (draft.dirty || draft.revision === detail.revision) ? draft : null;
  const begun = usable?.start ?? start;
  return (
    <Editor
      {...props}
      // A start chosen anew begins anew, unless there is work to keep.
      key={usable?.dirty ? "draft" : begun}
      start={usable?.dirty ? begun : start}
      draft={usable?.dirty || begun === start ? usable : null}
      draftId={key}
    />
  );
}

function Editor(
  props: ReviewProps & { start: ReturnType<typeof startOf>; draft: Draft | null; draftId: string },
) {
  const { detail, deployed, queued, start, draft, draftId } = props;
  const labels = deployed.champion.labels;
  const client = useQueryClient();
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/review/$asset" });
  const { singleKeys } = usePreferences();
  const canvas = useRef<CanvasHandle>(null);
  const [asking, setAsking] = useState<"skip" | "keys" | null>(null);
  const sizeKey = `${detail.width}x${detail.height}`;
  const [store] = useState<ReviewStore>(() => {
    const history: History = draft ?? begin(shapesAtStart(detail, start, labels));
    return createReviewStore({
      history: { shapes: history.shapes, past: history.past, future: history.future },
      size: { width: detail.width, height: detail.height },
      label: Math.min(carried.label, labels.length - 1),
      confidence: carried.confidence ?? deployed.threshold,
      dirty: draft?.dirty ?? false,
      view: carried.size === sizeKey ? carried.view : null,
    });
  });
  const kept = useKeptDraft(store, { draftId, revision: detail.revision, start, asset: detail.id });
  useEffect(
    () =>
      store.subscribe(({ view, label, confidence }) => {
        Object.assign(carried, { size: sizeKey, view, label, confidence });
      }),
    [store, sizeKey],
  );
  useEffect(() => {
    announce(`${detail.filename}, ${store.getState().shapes.length} shapes`);
  }, [detail, store]);

  const saveNow = (empty: boolean) => {
    const shapes = empty ? [] : savable(store.getState());
    kept.flush();
    save({
      deployment: deployed.id,
      asset: detail.id,
      filename: detail.filename,
      revision: detail.revision,
      shapes: empty ? NOTHING : toReview(shapes, labels),
      start,
      draw: isQueued(queued) ? queued.draw : (detail.review?.draw ?? null),
      draft: draftId,
      time: Date.now(),
    });
    store.setState({ dirty: false });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: saveNow is new each time and reads these
  const actions = useMemo(
    () => ({
      saveAndNext: () => {
        saveNow(false);
        props.onNext();
      },
      nothingThere: () => {
        saveNow(true);
        props.onNext();
      },
      saveAndStay: () => saveNow(false),
      skip: () => setAsking("skip"),
      keys: () => setAsking("keys"),
      step: props.onStep,
      canvas: () => canvas.current,
      labels,
    }),
    [props.onNext, props.onStep, detail, queued, start],
  );
  useKeys(reviewKeys(store, actions, singleKeys));
  useEffect(() => {
    const release = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "i") store.setState({ imageOnly: false });
    };
    addEventListener("keyup", release);
    return () => removeEventListener("keyup", release);
  }, [store]);
  const coin = start.startsWith("COIN");
  return (
    <div className="review">
      <ReviewBar
        {...props}
        start={start}
        fixed={detail.review !== null}
        onStart={(choice) => void navigate({ search: (old) => ({ ...old, start: choice }) })}
        onKeys={actions.keys}
      />
      <ToolBar store={store} />
      <Canvas
        ref={canvas}
        store={store}
        data={detail.data}
        hasPicture={detail.has_picture}
        name={detail.filename}
        labels={labels}
        dashed={!coin && start === "SHADOW"}
      />
      <SidePanel store={store} labels={labels} blind={coin} actions={actions} />
      <Strip {...props} current={detail.id} />
      {asking === "skip" && (
        <SkipDialog
          deployment={deployed.id}
          asset={detail.id}
          onClose={() => setAsking(null)}
          onSkipped={() => {
            setAsking(null);
            void client.invalidateQueries({
              queryKey: prediction(deployed.id, detail.id).queryKey,
            });
            props.onNext();
          }}
        />
      )}
      {asking === "keys" && <KeysDialog labels={labels} onClose={() => setAsking(null)} />}
    </div>
  );
}

/** Writes the work down 400 ms after the last change, on leaving and before a save. */
function useKeptDraft(
  store: ReviewStore,
  about: { draftId: string; revision: number; start: Draft["start"]; asset: string },
): { flush: () => void } {
  const shapes = useStore(store, (state) => state.shapes);
  const { draftId, start, asset } = about;
  const clean = useRef(store.getState().dirty ? null : shapes);
  const saving = useRef(shapes);
  const changed = useRef(0);
  const revision = useRef(about.revision);
  const write = useRef(() => {
    const { shapes, past, future } = store.getState();
    const dirty = shapes !== clean.current;
    if (!dirty && past.length === 0) return;
    const time = changed.current || Date.now();
    void writeDraft({
      key: draftId,
      time,
      revision: revision.current,
      start,
      dirty,
      shapes,
      past,
      future,
    });
  });
  useEffect(() => {
    if (shapes === clean.current) return;
    changed.current = Date.now();
    const timer = setTimeout(write.current, 400);
    return () => clearTimeout(timer);
  }, [shapes]);
  useEffect(() => write.current, []);
  useEffect(
    () =>
      onSaved((saved, review) => {
        if (saved.asset !== asset) return;
        revision.current = review.revision;
        clean.current = saving.current;
        write.current();
      }),
    [asset],
  );
  return {
    flush: () => {
      saving.current = store.getState().shapes;
      write.current();
    },
  };
}
