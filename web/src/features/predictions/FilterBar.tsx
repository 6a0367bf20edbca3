import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Button, Segments, Select } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { dateTime } from "@/lib/format";
import { usePreferences } from "@/lib/preferences";

const FROM = "/inside/o/$org/deployments/$d/predictions";
const STATUSES = [
  { value: "all", label: "Any status" },
  { value: "TO_REVIEW", label: "To review" },
  { value: "REVIEWED", label: "Reviewed" },
  { value: "SUBMITTED", label: "Submitted" },
] as const;
const SORTS = [
  { value: "date", label: "Date" },
  { value: "name", label: "Name" },
  { value: "outlier", label: "Outlier score" },
  { value: "random", label: "Random" },
] as const;

/** The filter is the address: choosing pushes history, typing replaces. */
export function FilterBar({
  labels,
  hasShadow,
}: {
  labels: readonly string[];
  hasShadow: boolean;
}) {
  const search = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/predictions" });
  const { zone } = usePreferences();
  const set = (change: Partial<typeof search>, replace = false) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace });
  const sort = search.sort ?? "date";
  const order = search.order ?? (sort === "name" ? "asc" : "desc");
  return (
    <search className="filters row wrap" aria-label="Filter predictions">
      <Select
        label="Status"
        value={search.status ?? "all"}
        options={STATUSES}
        onChange={(status) => set({ status })}
      />
      <Select
        label="Label"
        value={search.label ?? ""}
        options={[
          { value: "", label: "Any label" },
          ...labels.map((name) => ({ value: name, label: name })),
        ]}
        onChange={(label) => set({ label: label || undefined })}
      />
      <NumberFilter
        name="Outlier ≥"
        value={search.outlier_min}
        low={0}
        high={1}
        step={0.01}
        onChange={(outlier_min) => set({ outlier_min }, true)}
      />
      <NumberFilter
        name="Boxes ≥"
        value={search.boxes_min}
        low={0}
        high={100_000}
        step={1}
        onChange={(boxes_min) => set({ boxes_min }, true)}
      />
      {(search.from || search.to) && (
        <Button
          icon="cross"
          title="Remove the time range"
          onClick={() => set({ from: undefined, to: undefined })}
        >
          {search.from ? dateTime(search.from, zone) : "…"} –{" "}
          {search.to ? dateTime(search.to, zone) : "now"}
        </Button>
      )}
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
    </search>
  );
}

function NumberFilter(props: {
  name: string;
  value: number | undefined;
  low: number;
  high: number;
  step: number;
  onChange: (value: number | undefined) => void;
}) {
  const [typed, setTyped] = useState(props.value?.toString() ?? "");
  const { value } = props;
  useEffect(() => {
    setTyped((old) => (old !== "" && Number(old) === value ? old : (value?.toString() ?? "")));
  }, [value]);
  const bad = typed !== "" && !(Number(typed) >= props.low && Number(typed) <= props.high);
  return (
    <label className="number-filter">
      <span>{props.name}</span>
      <input
        className="input"
        inputMode="decimal"
        value={typed}
        placeholder="any"
        aria-invalid={bad}
        onChange={(event) => {
          const text = event.target.value.trim();
          setTyped(text);
          const number = Number(text);
          if (text === "") props.onChange(undefined);
          else if (number >= props.low && number <= props.high) props.onChange(number);
        }}
      />
      {bad && <Icon name="warn" />}
    </label>
  );
}
