import { useLayoutEffect, useRef } from "react";

/** "ctrl+shift+z", "j", "1", "shift+h": what a handler table is keyed by. `ctrl` is also ⌘. */
export function keyName(event: {
  key: string;
  code?: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}): string {
  let key = event.key === " " ? "space" : event.key.toLowerCase();
  if (/^Digit\d$/.test(event.code ?? "")) key = event.code!.slice(5);
  const symbol = key.length === 1 && !/[a-z0-9]/.test(key);
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && !symbol) parts.push("shift");
  return [...parts, key].join("+");
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "range", "button", "submit"].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

/** Keys of a page. Silent while a dialog is open or text is typed; Enter and Space stay with a focused control. */
export function useKeys(map: KeyMap, enabled = true) {
  const latest = useRef(map);
  latest.current = map;
  // With the page and not after it: a key pressed as an image appears must not reach the one before.
  useLayoutEffect(() => {
    if (!enabled) return;
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const name = keyName(event);
      const control = (event.target as HTMLElement | null)?.closest?.("button, a, select, input");
      if (control && (name === "enter" || name === "space")) return;
      const run = latest.current[name];
      if (!run) return;
      event.preventDefault();
      run(event);
    };
    addEventListener("keydown", down);
    return () => removeEventListener("keydown", down);
  }, [enabled]);
}
