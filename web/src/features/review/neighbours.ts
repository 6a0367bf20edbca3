import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { predictions, queue } from "@/api/queries";
import type { Predicted, Queued } from "@/api/types";
import { filterOf } from "@/features/predictions/filter";

export const REVIEW = "/inside/o/$org/deployments/$d/review/$asset";

export interface Neighbours {
  items: readonly (Predicted | Queued)[];
  fromQueue: boolean;
  loading: boolean;
  error: unknown;
  more: (() => void) | null;
  refetch: () => Promise<unknown>;
}

/** The images around the one under review: the open draw in served order, or the list it was chosen from. */
export function useNeighbours(d: string): Neighbours {
  const search = useSearch({ from: REVIEW });
  const fromQueue = search.src !== "list";
  const filter = useMemo(() => filterOf(search), [search]);
  const drawn = useQuery({ ...queue(d), enabled: fromQueue });
  const listed = useInfiniteQuery({ ...predictions(d, filter), enabled: !fromQueue });
  const items = useMemo(
    () => (fromQueue ? drawn.data?.items : listed.data?.pages.flatMap((page) => page.items)) ?? [],
    [fromQueue, drawn.data, listed.data],
  );
  const query = fromQueue ? drawn : listed;
  return {
    items: useMemo(() => items.filter((one) => one.has_picture), [items]),
    fromQueue,
    loading: query.isPending,
    error: query.error,
    more:
      !fromQueue && listed.hasNextPage && !listed.isFetchingNextPage
        ? () => void listed.fetchNextPage()
        : null,
    refetch: () => query.refetch(),
  };
}

export function isQueued(item: Predicted | Queued | undefined): item is Queued {
  return item !== undefined && "draw" in item;
}

/** Where each key of a label lies: its own digit if all labels are digits, else its place from 1. */
export function labelKey(labels: readonly string[], i: number): string | null {
  if (labels.every((name) => /^\d$/.test(name))) return labels[i] ?? null;
  return i < 9 ? String(i + 1) : null;
}

export function labelOfKey(labels: readonly string[], key: string): number {
  return labels.findIndex((_, i) => labelKey(labels, i) === key);
}
