/** Uploads: three at a time, each with its progress; what the server refuses keeps its reason. */
import { useCallback, useRef, useState } from "react";
import { url } from "@/api/client";
import { type Problem, problemFrom, unreachable } from "@/api/problem";
import type { Uploaded } from "@/api/types";

const AT_ONCE = 3;
const TRIES = 4;

export type UploadState = "waiting" | "sending" | "done" | "duplicate" | "refused" | "stopped";

export interface Upload {
  key: number;
  name: string;
  size: number;
  state: UploadState;
  /** Share sent, 0 to 1. */
  sent: number;
  why: string | null;
}

export interface UploadTo {
  source: string;
  tags: readonly string[];
}

export function tally(uploads: readonly Upload[]): Record<UploadState, number> {
  const found = { waiting: 0, sending: 0, done: 0, duplicate: 0, refused: 0, stopped: 0 };
  for (const one of uploads) found[one.state] += 1;
  return found;
}

/** Whether a refusal passes by itself: the server is busy or away. */
export function passes(problem: Problem): boolean {
  return problem.status === 0 || problem.status === 429 || problem.status === 503;
}

function send(
  file: File,
  to: UploadTo,
  onSent: (share: number) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    body.append("file", file, file.name);
    body.append("source", to.source);
    for (const tag of to.tags) body.append("tags", tag);
    body.append("once", "true");
    // `fetch` does not tell how much has been sent.
    const request = new XMLHttpRequest();
    request.open("POST", url("ingest", "/data"));
    request.setRequestHeader("X-Sightloop", "1");
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(event.loaded / (event.total || 1));
    request.onload = () => {
      if (request.status < 300) resolve(request.response as Uploaded);
      else reject(problemFrom(request.status, request.response, null));
    };
    request.onerror = () => reject(unreachable(null));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What is being uploaded on this page. `onSettled` is called whenever nothing is left to send. */
export function useUploads(onSettled: () => void) {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const queue = useRef<{ upload: Upload; file: File; to: UploadTo }[]>([]);
  const running = useRef(0);
  const next = useRef(0);
  const abort = useRef(new AbortController());
  const settled = useRef(onSettled);
  settled.current = onSettled;

  const change = useCallback((key: number, values: Partial<Upload>) => {
    setUploads((old) => old.map((one) => (one.key === key ? { ...one, ...values } : one)));
  }, []);

  const work = useCallback(async () => {
    running.current += 1;
    for (let job = queue.current.shift(); job; job = queue.current.shift()) {
      const { key } = job.upload;
      for (let attempt = 1; ; attempt += 1) {
        change(key, { state: "sending", sent: 0 });
        try {
          const { signal } = abort.current;
          const made = await send(job.file, job.to, (sent) => change(key, { sent }), signal);
          change(key, { state: made.duplicate ? "duplicate" : "done", sent: 1 });
        } catch (error) {
          const problem = error as Problem;
          if (error instanceof DOMException) change(key, { state: "stopped" });
          else if (passes(problem) && attempt < TRIES) {
            await pause(500 * 2 ** attempt);
            continue;
          } else {
            const why = problem.errors?.[0]?.what ?? problem.message;
            change(key, { state: "refused", why });
          }
        }
        break;
      }
    }
    running.current -= 1;
    if (running.current === 0) settled.current();
  }, [change]);

  const add = useCallback(
    (files: readonly File[], to: UploadTo) => {
      const made = files.map((file) => ({
        upload: {
          key: next.current++,
          name: file.name,
          size: file.size,
          state: "waiting" as const,
          sent: 0,
          why: null,
        },
        file,
        to,
      }));
      if (abort.current.signal.aborted) abort.current = new AbortController();
      setUploads((old) => [...old, ...made.map((one) => one.upload)]);
      queue.current.push(...made);
      while (running.current < AT_ONCE && running.current < queue.current.length) void work();
    },
    [work],
  );

  const stop = useCallback(() => {
    const left = new Set(queue.current.splice(0).map((one) => one.upload.key));
    setUploads((old) =>
      old.map((one) => (left.has(one.key) ? { ...one, state: "stopped" as const } : one)),
    );
    abort.current.abort();
  }, []);

  return { uploads, add, stop, clear: () => setUploads([]) };
}
