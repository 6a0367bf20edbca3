/** Which images an action is for: some by their ids, or all that a query finds. */
export type Chosen = { images: readonly string[] } | { q: string };

const AT_ONCE = 1000;

/** The bodies that say it to the server, a thousand ids at most in each. */
export function bodies(chosen: Chosen): ({ images: string[] } | { q: string })[] {
  if ("q" in chosen) return [chosen];
  const found: { images: string[] }[] = [];
  for (let i = 0; i < chosen.images.length; i += AT_ONCE) {
    found.push({ images: chosen.images.slice(i, i + AT_ONCE) });
  }
  return found;
}
