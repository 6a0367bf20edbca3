import { useQuery } from "@tanstack/react-query";
import { facets } from "@/api/queries";
import type { Facets as Counted } from "@/api/types";
import { BoundFacet } from "@/features/predictions/BoundFacet";
import { HasFacet } from "@/features/predictions/HasFacet";
import { STATUS_NAMES } from "@/features/predictions/Tile";
import { TimeFacet } from "@/features/predictions/TimeFacet";
import { count } from "@/lib/format";
import { choosing, chosen, has, toggling } from "@/lib/query";

const STATUSES = ["TO_REVIEW", "REVIEWED", "SUBMITTED"] as const;
const NO_PICTURE = "picture = False";
/** So many sources and tags the server tells, the most frequent. */
const TOLD = 20;

/** What the list holds, by field: choosing writes into the query, which stays the only filter. */
export function Facets(props: {
  deployment: string;
  query: string;
  labels: readonly string[];
  hasShadow: boolean;
  /** The query is understood and its list is there: only then is anything counted. */
  settled: boolean;
  onQuery: (query: string) => void;
}) {
  const { deployment, query, labels, settled, onQuery } = props;
  const found = useCounts(deployment, query, settled);
  // A status is chosen instead of another: how many there would be then.
  const byStatus = useCounts(deployment, choosing(query, "status", []), settled);
  const statuses = chosen(query, "status");
  const toggleStatus = (one: string) =>
    onQuery(
      choosing(
        query,
        "status",
        statuses.includes(one) ? statuses.filter((s) => s !== one) : [...statuses, one],
      ),
    );
  return (
    <aside className="facets" aria-label="Facets">
      <section aria-label="Status">
        <h3>Status</h3>
        {STATUSES.map((one) => (
          <Check
            key={one}
            name={STATUS_NAMES[one]}
            checked={statuses.includes(one)}
            n={byStatus && saying(byStatus, countOf(byStatus.status, one) ?? 0)}
            onChange={() => toggleStatus(one)}
          />
        ))}
        <Check
          name="picture not kept"
          checked={has(query, NO_PICTURE)}
          n={found && saying(found, found.without_picture)}
          onChange={() => onQuery(toggling(query, NO_PICTURE))}
        />
      </section>
      <HasFacet
        name="Labels"
        field="labels"
        values={labels}
        query={query}
        countOf={(label) => found && saying(found, countOf(found.labels, label))}
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
        values={found?.sources.map((one) => one.value) ?? []}
        countOf={(value) => found && saying(found, countOf(found.sources, value))}
        query={query}
        onQuery={onQuery}
        typed
        hint={found && found.sources.length >= TOLD ? MORE : undefined}
      />
      <HasFacet
        name="Tags"
        field="tags"
        values={found?.tags.map((one) => one.value) ?? []}
        countOf={(value) => found && saying(found, countOf(found.tags, value))}
        query={query}
        onQuery={onQuery}
        typed
        hint={found && found.tags.length >= TOLD ? MORE : undefined}
      />
      {query !== "" && (
        <button type="button" className="button" onClick={() => onQuery("")}>
          Clear all
        </button>
      )}
    </aside>
  );
}

const MORE = `The ${TOLD} most frequent; any other by name.`;

function useCounts(d: string, q: string, settled: boolean): Counted | undefined {
  const query = useQuery({
    ...facets(d, q),
    enabled: settled,
    placeholderData: (old, before) => (before?.queryKey[1] === d ? old : undefined),
  });
  return query.data;
}

const countOf = (all: Counted["status"], value: string) =>
  all.find((one) => one.value === value)?.count;

/** "≥ 310" where only the newest were looked at. */
function saying(of: Counted, n: number | undefined): string {
  if (n === undefined) return "";
  return of.complete ? count(n) : `≥ ${count(n)}`;
}

function Check(props: {
  name: string;
  checked: boolean;
  n: string | undefined;
  onChange: () => void;
}) {
  return (
    <label className="facet-check">
      <input type="checkbox" checked={props.checked} onChange={props.onChange} />
      <span className="truncate">{props.name}</span>
      {props.n !== undefined && <span className="muted num small">{props.n}</span>}
    </label>
  );
}
