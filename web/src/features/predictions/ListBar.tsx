import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Button, Segments, Select } from "@/components/controls";

const SORTS = [
  { value: "date", label: "Date" },
  { value: "name", label: "Name" },
  { value: "outlier", label: "Outlier score" },
  { value: "random", label: "Random" },
] as const;

/** How the list is ordered and shown: all of it in the address. */
export function ListBar({ hasShadow, children }: { hasShadow: boolean; children: ReactNode }) {
  const search = useSearch({ from: "/inside/o/$org/deployments/$d/predictions" });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/predictions" });
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }) });
  const sort = search.sort ?? "date";
  const order = search.order ?? (sort === "name" ? "asc" : "desc");
  return (
    <div className="list-bar row wrap" role="toolbar" aria-label="List">
      {children}
      <span className="grow" />
      <span className="row">
        <Select
          label="Sort"
          value={sort}
          options={SORTS}
          onChange={(to) => set({ sort: to, order: undefined })}
        />
        <Button
          title={order === "asc" ? "Ascending" : "Descending"}
          aria-label={order === "asc" ? "Order: ascending" : "Order: descending"}
          onClick={() => set({ order: order === "asc" ? "desc" : "asc" })}
        >
          {order === "asc" ? "↑" : "↓"}
        </Button>
      </span>
      <Segments
        label="Shapes of"
        value={search.shapes ?? "champion"}
        options={[
          { value: "champion", label: "Champion" },
          { value: "shadow", label: "Shadow", disabled: !hasShadow },
          { value: "none", label: "None" },
        ]}
        onChange={(shapes) => set({ shapes })}
      />
      <Segments
        label="View"
        value={search.view ?? "grid"}
        options={[
          { value: "grid", label: "Grid", icon: "grid" },
          { value: "table", label: "Table", icon: "table" },
        ]}
        onChange={(view) => set({ view })}
      />
      {(search.view ?? "grid") === "grid" && (
        <Segments
          label="Size"
          value={search.size ?? "medium"}
          options={[
            { value: "small", label: "S" },
            { value: "medium", label: "M" },
            { value: "large", label: "L" },
          ]}
          onChange={(size) => set({ size })}
        />
      )}
      <Button
        icon="copy"
        aria-label="Copy link"
        title="Copy link to these rows"
        onClick={() => void navigator.clipboard?.writeText(location.href)}
      />
    </div>
  );
}
