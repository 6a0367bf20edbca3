import { useSyncExternalStore } from "react";
import type { Zone } from "@/lib/format";

export interface Preferences {
  theme: "system" | "light" | "dark";
  zone: Zone;
  singleKeys: boolean;
}

const KEY = "sightloop.preferences";
const DEFAULTS: Preferences = { theme: "system", zone: "local", singleKeys: true };
const listeners = new Set<() => void>();
let current = read();

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return DEFAULTS;
  }
}

function systemIsDark(): boolean {
  return typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches;
}

export function resolvedTheme(preferences: Preferences = current): "light" | "dark" {
  if (preferences.theme !== "system") return preferences.theme;
  return systemIsDark() ? "dark" : "light";
}

function publish() {
  document.documentElement.dataset.theme = resolvedTheme();
  for (const listener of listeners) listener();
}

/** Applies the theme and follows the system and the other tabs from then on. */
export function startPreferences() {
  publish();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", publish);
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    current = read();
    publish();
  });
}

export function setPreferences(change: Partial<Preferences>) {
  current = { ...current, ...change };
  localStorage.setItem(KEY, JSON.stringify(current));
  publish();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, () => current);
}

export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(subscribe, () => resolvedTheme());
}
