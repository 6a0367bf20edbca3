/** The one event stream of a browser: reads, resumes by `Last-Event-ID`, backs off, says how it stands. */
import { createParser } from "@/lib/live/sse";

export interface LiveEvent {
  type: string;
  deployment?: string;
  subject?: string;
  time?: string;
}

export type LiveState =
  | { kind: "connecting" }
  | { kind: "live"; since: number }
  | { kind: "lost"; since: number; next: number }
  | { kind: "signed-out" };

export type Message = { kind: "state"; state: LiveState } | { kind: "event"; event: LiveEvent };

/** Without a byte for so long (the server sends comments) a silent connection counts as cut. */
const SILENCE = 45_000;

export function backOff(attempt: number): number {
  return Math.min(15_000, 1000 * 2 ** Math.min(attempt, 4));
}

export function createConnection(address: string, tell: (message: Message) => void) {
  let state: LiveState = { kind: "connecting" };
  let lastId: string | null = null;
  let attempt = 0;
  let lostSince: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: AbortController | null = null;

  const become = (next: LiveState) => {
    state = next;
    tell({ kind: "state", state });
  };

  const lost = () => {
    abort?.abort();
    abort = null;
    lostSince ??= Date.now();
    const wait = backOff(attempt);
    attempt += 1;
    become({ kind: "lost", since: lostSince, next: Date.now() + wait });
    timer = setTimeout(connect, wait);
  };

  const connect = async () => {
    clearTimeout(timer);
    abort?.abort();
    const mine = new AbortController();
    abort = mine;
    let silence: ReturnType<typeof setTimeout> | undefined;
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (lastId !== null) headers["Last-Event-ID"] = lastId;
      const response = await fetch(address, { headers, signal: mine.signal, cache: "no-store" });
      if (response.status === 401) {
        abort = null;
        become({ kind: "signed-out" });
        return;
      }
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      attempt = 0;
      lostSince = null;
      become({ kind: "live", since: Date.now() });
      const parse = createParser(({ event, data, id }) => {
        if (id !== null) lastId = id;
        tell({ kind: "event", event: { type: event, ...safely(data) } });
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      while (true) {
        clearTimeout(silence);
        silence = setTimeout(() => mine.abort(), SILENCE);
        const { done, value } = await reader.read();
        if (done) break;
        parse(value);
      }
    } catch {
      // Cut, refused or silent: told below, by the state.
    }
    clearTimeout(silence);
    if (abort === mine) lost();
  };

  return {
    state: () => state,
    retry: () => {
      if (state.kind === "live") return;
      attempt = 0;
      void connect();
    },
    start: () => void connect(),
  };
}

function safely(data: string): Partial<LiveEvent> {
  try {
    const parsed = JSON.parse(data) as Record<string, unknown>;
    // The name of the event stands in the `event:` line; `type` of the data is the long form.
    const { type: _long, ...rest } = parsed;
    return rest as Partial<LiveEvent>;
  } catch {
    return {};
  }
}
