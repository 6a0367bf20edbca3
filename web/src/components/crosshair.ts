/** The one thing that the charts of a page share while the pointer moves: the instant under it. */
type Listener = (t: number | null, from: symbol) => void;
const listeners = new Set<Listener>();

export function onCrosshair(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function showCrosshair(t: number | null, from: symbol) {
  for (const listener of listeners) listener(t, from);
}
