import { useState } from "react";
import { between } from "@/features/predictions/filter";

/** What is chosen of a list. It outlives the list: another query keeps it. */
export function useSelection(items: readonly { id: string }[]) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [last, setLast] = useState<string | null>(null);
  const toggle = (id: string, range: boolean) => {
    const ids = range ? between(items, last, id) : [id];
    setSelected((old) => {
      const next = new Set(old);
      const add = range || !old.has(id);
      for (const one of ids) {
        if (add) next.add(one);
        else next.delete(one);
      }
      return next;
    });
    setLast(id);
  };
  return { selected, toggle, select: (ids: readonly string[]) => setSelected(new Set(ids)) };
}
