/** Reviews on their way to the server. The page goes on at once; a save that fails is tried again. */
import { useSyncExternalStore } from "react";
import { put } from "@/api/client";
import { isProblem, type Problem } from "@/api/problem";
import type { Review, ReviewShapes, Start } from "@/api/types";
import { isSignedOut, onSession, setSignedOut } from "@/app/session";

export interface Save {
  deployment: string;
  asset: string;
  filename: string;
  revision: number;
  shapes: ReviewShapes;
  start: Start;
  draw: string | null;
  /** The draft that this save makes clean, and when it was as saved. */
  draft: string | null;
  time: number;
}

export type SaveState =
  | { kind: "saving"; save: Save; attempt: number }
  | { kind: "saved"; save: Save; review: Review }
  | { kind: "failed"; save: Save; problem: Problem; retrying: boolean }
  | { kind: "conflict"; save: Save; current: Review };

type States = ReadonlyMap<string, SaveState>;

const listeners = new Set<() => void>();
const savedListeners = new Set<(save: Save, review: Review) => void>();
let states: States = new Map();

function become(asset: string, state: SaveState | null) {
  const next = new Map(states);
  if (state) next.set(asset, state);
  else next.delete(asset);
  states = next;
  for (const listener of listeners) listener();
}

export const isOpen = (state: SaveState | undefined) =>
  state !== undefined && state.kind !== "saved";

function warn(event: BeforeUnloadEvent) {
  if ([...states.values()].some(isOpen)) event.preventDefault();
}

export function waitBefore(attempt: number): number {
  return Math.min(15_000, 500 * 2 ** Math.min(attempt, 5));
}

/** Later work on an image waits for its earlier save: the revision is the one that save made. */
const queues = new Map<string, Promise<void>>();

export function save(given: Save): void {
  window.addEventListener("beforeunload", warn);
  become(given.asset, { kind: "saving", save: given, attempt: 0 });
  const before = queues.get(given.asset) ?? Promise.resolve();
  queues.set(
    given.asset,
    before.then(() => {
      const last = states.get(given.asset);
      const revision = made.get(given.asset) ?? given.revision;
      if (last?.kind === "conflict") return;
      return attempt({ ...given, revision: Math.max(revision, given.revision) }, 0);
    }),
  );
}

const made = new Map<string, number>();

async function attempt(given: Save, n: number): Promise<void> {
  become(given.asset, { kind: "saving", save: given, attempt: n });
  try {
    const review = await put<Review>(
      "review",
      `/deployments/${given.deployment}/predictions/${given.asset}/review`,
      { shapes: given.shapes, start: given.start, draw: given.draw },
      { "If-Match": `"${given.revision}"` },
    );
    made.set(given.asset, review.revision);
    become(given.asset, { kind: "saved", save: given, review });
    for (const listener of savedListeners) listener(given, review);
  } catch (error) {
    if (!isProblem(error)) throw error;
    if (error.status === 409 && error.body.current) {
      become(given.asset, { kind: "conflict", save: given, current: error.body.current as Review });
      return;
    }
    const retrying =
      error.status === 0 || error.status >= 500 || error.status === 429 || error.status === 401;
    become(given.asset, { kind: "failed", save: given, problem: error, retrying });
    if (!retrying) return;
    if (error.status === 401) await signedInAgain();
    else await pause((error.retryAfter ?? 0) * 1000 || waitBefore(n));
    await attempt(given, n + 1);
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function signedInAgain(): Promise<void> {
  setSignedOut(true);
  return new Promise((resolve) => {
    const off = onSession(() => {
      if (isSignedOut()) return;
      off();
      resolve();
    });
  });
}

/** Tries a refused save again, or gives up on it. */
export function retrySave(asset: string) {
  const state = states.get(asset);
  if (state?.kind === "failed" && !state.retrying) save(state.save);
}

export function dropSave(asset: string) {
  become(asset, null);
}

/** Ends a conflict: the other's revision is known now, so this save replaces it. */
export function overrule(asset: string, shapes: ReviewShapes) {
  const state = states.get(asset);
  if (state?.kind !== "conflict") return;
  made.set(asset, state.current.revision);
  become(asset, null);
  save({ ...state.save, shapes, revision: state.current.revision });
}

export function onSaved(listener: (save: Save, review: Review) => void): () => void {
  savedListeners.add(listener);
  return () => {
    savedListeners.delete(listener);
  };
}

export function useSaves(): States {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => states,
  );
}
