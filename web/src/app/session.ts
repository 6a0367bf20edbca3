/** Whether the session still holds. Expired, the login opens over the page and nothing of it is lost. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let signedOut = false;

export function setSignedOut(now: boolean) {
  if (signedOut === now) return;
  signedOut = now;
  for (const listener of listeners) listener();
}

export const isSignedOut = () => signedOut;

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export const useSignedOut = () => useSyncExternalStore(onSession, isSignedOut);
