/** Unsaved work per image and user in IndexedDB: survives a crash, a reload, an expired login. */
import type { Start } from "@/api/types";
import type { Shape } from "@/features/review/document";

export interface Draft {
  key: string;
  /** Of the last change, not of the writing. */
  time: number;
  /** The review's revision that the work began from. */
  revision: number;
  start: Start;
  dirty: boolean;
  shapes: readonly Shape[];
  past: readonly (readonly Shape[])[];
  future: readonly (readonly Shape[])[];
}

const STORE = "drafts";
/** Shapes of all undo steps together: what is stored stays below some megabytes. */
const MOST_SHAPES = 20_000;
const KEPT_FOR = 30 * 86_400_000;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("sightloop", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const request = act(database.transaction(STORE, mode).objectStore(STORE));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export const draftKey = (user: string, deployment: string, asset: string) =>
  `${user}/${deployment}/${asset}`;

export async function readDraft(key: string): Promise<Draft | null> {
  try {
    const draft = (await run("readonly", (store) => store.get(key))) as Draft | undefined;
    return draft && Date.now() - draft.time < KEPT_FOR ? draft : null;
  } catch {
    // A private window may have no IndexedDB: then work lives as long as the page.
    return null;
  }
}

export async function writeDraft(draft: Draft): Promise<void> {
  try {
    await run("readwrite", (store) => store.put({ ...draft, past: bounded(draft.past) }));
  } catch {
    // As above.
  }
}

/** The save of the work as it stood at `time` has arrived; work done since then stays dirty. */
export async function markSaved(key: string, revision: number, time: number): Promise<void> {
  const draft = await readDraft(key);
  if (!draft) return;
  await writeDraft({ ...draft, revision, dirty: draft.dirty && draft.time > time });
}

/** The newest undo steps that fit. */
export function bounded(past: Draft["past"]): Draft["past"] {
  let total = 0;
  let from = past.length;
  while (from > 0 && total + past[from - 1]!.length <= MOST_SHAPES) {
    from -= 1;
    total += past[from]!.length;
  }
  return past.slice(from);
}
