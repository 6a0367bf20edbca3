import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { facetCounts } from "@/api/queries";
import type { Predicted } from "@/api/types";
import { BoundFacet } from "@/features/predictions/BoundFacet";
import { HasFacet } from "@/features/predictions/HasFacet";
import { STATUS_NAMES } from "@/features/predictions/Tile";
import { TimeFacet } from "@/features/predictions/TimeFacet";
import { count } from "@/lib/format";
import { adding, choosing, chosen, has, quoted, toggling } from "@/lib/query";

const STATUSES = ["TO_REVIEW", "REVIEWED", "SUBMITTED"] as const;
const NO_PICTURE = "picture = False";
/** Labels whose counts are asked for: each is a question to the server. */
const COUNTED = 12;

const asksFor = (query: string, status: string) => choosing(query, "status", [status]);
const asksLabel = (query: string, label: string) => adding(query, `labels = ${quoted(label)}`);

/** What the list holds, by field: choosing writes into the query, which stays the only filter. */
export function Facets(props: {
  deployment: string;
  query: string;
  labels: readonly string[];
  hasShadow: boolean;
  items: readonly Predicted[];
  /** The query is understood and its list is there: only then is anything counted. */
  settled: boolean;
  onQuery: (query: string) => void;
}) {
  const { query, labels, items, onQuery } = props;
  const asked = useMemo(
    () => [
      ...STATUSES.map((one) => asksFor(query, one)),
      adding(query, NO_PICTURE),
      ...labels.slice(0, COUNTED).map((one) => asksLabel(query, one)),
    ],
    [query, labels],
  );
  const { data: counts } = useQuery({
    ...facetCounts(props.deployment, asked),
    enabled: props.settled,
    placeholderData: (old) => old,
  });
  const statuses = chosen(query, "status");
  const toggleStatus = (one: string) =>
    onQuery(
      choosing(
        query,
        "status",
        statuses.includes(one) ? statuses.filter((s) => s !== one) : [...statuses, one],
      ),
    );
  const sources = useMemo(() => distinct(items.map((one) => one.source)), [items]);
  const tags = useMemo(() => distinct(items.flatMap((one) => one.tags)), [items]);
  return (
    <aside className="facets" aria-label="Facets">
      <section aria-label="Status">
        <h3>Status</h3>
        {STATUSES.map((one) => (
          <Check
            key={one}
            name={STATUS_NAMES[one]}
            checked={statuses.includes(one)}
            n={counts?.[asksFor(query, one)]}
            onChange={() => toggleStatus(one)}
          />
        ))}
        <Check
          name="picture not kept"
          checked={has(query, NO_PICTURE)}
          n={counts?.[adding(query, NO_PICTURE)]}
          onChange={() => onQuery(toggling(query, NO_PICTURE))}
        />
      </section>
      <HasFacet
        name="Labels"
        field="labels"
        values={labels}
        query={query}
        countOf={(label) => counts?.[asksLabel(query, label)]}
        onQuery={onQuery}
      />
      <BoundFacet name="Outlier score" field="outlier" step={0.01} {...{ query, onQuery }} />
      <BoundFacet name="Shapes" field="boxes" step={1} {...{ query, onQuery }} />
      <BoundFacet name="Highest score" field="score.max" step={0.01} {...{ query, onQuery }} />
      {props.hasShadow && (
        <BoundFacet
          name="Disagreement with the shadow"
          field="disagreement"
          step={0.05}
          {...{ query, onQuery }}
        />
      )}
      <TimeFacet query={query} onQuery={onQuery} />
      <HasFacet
        name="Source"
        field="source"
        values={sources}
        query={query}
        onQuery={onQuery}
        typed
        hint="Those of the rows loaded; any other by name."
      />
      <HasFacet
        name="Tags"
        field="tags"
        values={tags}
        query={query}
        onQuery={onQuery}
        typed
        hint="Those of the rows loaded; any other by name."
      />
      {query !== "" && (
        <button type="button" className="button" onClick={() => onQuery("")}>
          Clear all
        </button>
      )}
    </aside>
  );
}

function Check(props: {
  name: string;
  checked: boolean;
  n: number | undefined;
  onChange: () => void;
}) {
  return (
    <label className="facet-check">
      <input type="checkbox" checked={props.checked} onChange={props.onChange} />
      <span className="truncate">{props.name}</span>
      {props.n !== undefined && <span className="muted num small">{count(props.n)}</span>}
    </label>
  );
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((one): one is string => one !== null))].sort();
}
