import { useSyncExternalStore } from "react";
import { Button } from "@/components/controls";

export interface Toast {
  id: number;
  text: string;
  tone?: "ok" | "danger";
  action?: { label: string; run: () => void };
}

const listeners = new Set<() => void>();
let toasts: readonly Toast[] = [];
let next = 1;

function publish(now: readonly Toast[]) {
  toasts = now;
  for (const listener of listeners) listener();
}

export function dismiss(id: number) {
  publish(toasts.filter((one) => one.id !== id));
}

export function toast(text: string, options: Omit<Toast, "id" | "text"> = {}): number {
  const id = next++;
  publish([...toasts.filter((one) => one.text !== text).slice(-3), { id, text, ...options }]);
  setTimeout(() => dismiss(id), options.action ? 20_000 : 6_000);
  return id;
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite" aria-label="Messages">
      {shown.map((one) => (
        <div key={one.id} className={["toast", one.tone].filter(Boolean).join(" ")}>
          <span className="grow">{one.text}</span>
          {one.action && (
            <Button
              onClick={() => {
                one.action?.run();
                dismiss(one.id);
              }}
            >
              {one.action.label}
            </Button>
          )}
          <Button tone="quiet" icon="cross" aria-label="Dismiss" onClick={() => dismiss(one.id)} />
        </div>
      ))}
    </div>
  );
}
