import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useSyncExternalStore } from "react";
import type { LiveEvent, LiveState } from "@/lib/live/connection";
import { liveState, onLiveEvent, onLiveState } from "@/lib/live/live";

const AT_MOST_EVERY = 1000;
const POLL_AFTER = 60_000;
const POLL_EVERY = 15_000;

export function useLiveState(): LiveState {
  return useSyncExternalStore(onLiveState, liveState);
}

export function matches(event: LiveEvent, families: readonly string[], deployment?: string) {
  if (event.type === "reset") return true;
  if (deployment && event.deployment && event.deployment !== deployment) return false;
  return families.some((one) => event.type === one || event.type.startsWith(`${one}.`));
}

/**
 * Calls `run` when such an event arrives: at once, then at most once a second, and while the page is
 * hidden only once it is seen again. Without a stream for a minute it polls.
 */
export function useLive(
  families: readonly string[],
  run: () => void,
  options: { deployment?: string; enabled?: boolean } = {},
) {
  const { deployment, enabled = true } = options;
  const latest = useRef(run);
  latest.current = run;
  const wanted = families.join(" ");
  useEffect(() => {
    if (!enabled) return;
    let last = 0;
    let dirty = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      if (!dirty || document.hidden) return;
      const wait = last + AT_MOST_EVERY - Date.now();
      clearTimeout(timer);
      if (wait > 0) {
        timer = setTimeout(flush, wait);
        return;
      }
      dirty = false;
      last = Date.now();
      latest.current();
    };
    const touch = () => {
      dirty = true;
      flush();
    };
    const off = onLiveEvent((event) => {
      if (matches(event, wanted.split(" "), deployment)) touch();
    });
    let wasLost = false;
    const offState = onLiveState(() => {
      const state = liveState();
      if (state.kind === "lost") wasLost = true;
      else if (state.kind === "live" && wasLost) {
        wasLost = false;
        touch();
      }
    });
    const poll = setInterval(() => {
      const state = liveState();
      if (state.kind === "lost" && Date.now() - state.since > POLL_AFTER) touch();
    }, POLL_EVERY);
    document.addEventListener("visibilitychange", flush);
    return () => {
      off();
      offState();
      clearInterval(poll);
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", flush);
    };
  }, [wanted, deployment, enabled]);
}

/** Fetches the queries anew (those on screen) when an event of these families arrives. */
export function useLiveQueries(
  families: readonly string[],
  keys: readonly QueryKey[],
  options: { deployment?: string; enabled?: boolean } = {},
) {
  const client = useQueryClient();
  useLive(
    families,
    () => {
      for (const queryKey of keys) void client.invalidateQueries({ queryKey });
    },
    options,
  );
}
