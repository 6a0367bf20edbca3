import type { ListFilter } from "@/api/queries";

export interface ListSearch {
  q?: string;
  sort?: "date" | "name" | "outlier" | "random";
  order?: "asc" | "desc";
}

/** What the address says, as the list route takes it. */
export function filterOf(search: ListSearch): ListFilter {
  const { q, sort = "date", order } = search;
  return { q, sort, order: order ?? (sort === "name" ? "asc" : "desc") };
}

/** The part of an address that names the list, to be carried to the review page and back. */
export function listSearchOf(search: ListSearch): ListSearch {
  const { q, sort, order } = search;
  return { q, sort, order };
}

/** Arrivals can be counted only where the newest stand first. */
export function takesArrivals(search: ListSearch): boolean {
  return (search.sort ?? "date") === "date" && search.order !== "asc";
}

/** Places from the last chosen to this one, both included; only this one without a last. */
export function between(
  items: readonly { id: string }[],
  last: string | null,
  id: string,
): string[] {
  const a = items.findIndex((one) => one.id === last);
  const b = items.findIndex((one) => one.id === id);
  if (a < 0 || b < 0) return [id];
  return items.slice(Math.min(a, b), Math.max(a, b) + 1).map((one) => one.id);
}
