import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { countOf, rowsOf } from "@/api/data";
import { isProblem } from "@/api/problem";
import type { Asked } from "@/api/queries";
import { faultOf } from "@/lib/query";

/** The rows of a query; while it is wrong or away, those of the last that was answered. */
export function useRows<T extends { id: string }>(of: Asked, q: string) {
  const query = useInfiniteQuery(rowsOf<T>(of, q));
  const last = useRef<{ path: string; items: T[] }>({ path: of.path, items: [] });
  const fresh = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  if (fresh) last.current = { path: of.path, items: fresh };
  const items = fresh ?? (last.current.path === of.path ? last.current.items : []);
  const matches = useQuery({ ...countOf(of, q), enabled: query.isSuccess });
  return {
    query,
    items,
    stale: fresh === undefined && items.length > 0,
    fault: isProblem(query.error, 422) ? faultOf(q, query.error) : null,
    matches: query.isSuccess ? (matches.data?.count ?? null) : null,
    more: query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : null,
  };
}

/** How the query of an address is written: typing replaces, what is finished pushes an entry. */
export function useDraft(q: string, go: (q: string | undefined, replace: boolean) => void) {
  const drafting = useRef(false);
  return (next: string, final = true) => {
    const replace = drafting.current;
    drafting.current = !final;
    if (next !== q) go(next || undefined, replace);
  };
}
