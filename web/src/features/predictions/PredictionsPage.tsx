import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { isProblem } from "@/api/problem";
import { counts, deployment, matching, predictionPage, predictions } from "@/api/queries";
import type { Predicted } from "@/api/types";
import { useDeploymentId } from "@/app/params";
import { Button } from "@/components/controls";
import { Empty, Failure, Loading, Notice } from "@/components/states";
import { Facets } from "@/features/predictions/Facets";
import { filterOf, takesArrivals } from "@/features/predictions/filter";
import { ListBar } from "@/features/predictions/ListBar";
import { PredictionGrid } from "@/features/predictions/PredictionGrid";
import { QueryBar } from "@/features/predictions/QueryBar";
import { SelectionBar } from "@/features/predictions/SelectionBar";
import { useSelection } from "@/features/predictions/selection";
import { count } from "@/lib/format";
import { useLive, useLiveQueries } from "@/lib/live/hooks";
import { faultOf, isUnfinished } from "@/lib/query";
import "@/components/picture.css";
import "@/features/predictions/predictions.css";
import "@/features/predictions/query.css";

const FROM = "/inside/o/$org/deployments/$d/predictions";
const NO_LABEL: readonly string[] = [];
const isWide = () => matchMedia("(min-width: 1024px)").matches;

/** The query of the address. Typing replaces it: the first letter after a finished one begins an entry. */
function useQueryText(): [string, (query: string, final?: boolean) => void] {
  const { q = "" } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/predictions" });
  const drafting = useRef(false);
  return [
    q,
    (next, final = true) => {
      const replace = drafting.current;
      drafting.current = !final;
      if (next === q) return;
      void navigate({ search: (old) => ({ ...old, q: next || undefined }), replace });
    },
  ];
}

/** The rows of the query; while it is wrong or away, those of the last that was answered. */
function useRows(d: string, filter: ReturnType<typeof filterOf>) {
  const query = useInfiniteQuery(predictions(d, filter));
  const last = useRef<{ d: string; items: Predicted[] }>({ d, items: [] });
  const fresh = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  if (fresh) last.current = { d, items: fresh };
  const items = fresh ?? (last.current.d === d ? last.current.items : []);
  return { query, items, stale: fresh === undefined && items.length > 0 };
}

export default function PredictionsPage() {
  const d = useDeploymentId();
  const search = useSearch({ from: FROM });
  const [q, setQuery] = useQueryText();
  const client = useQueryClient();
  const { data: deployed } = useQuery(deployment(d));
  const { data: totals } = useQuery(counts(d));
  const filter = useMemo(() => filterOf(search), [search]);
  const { query, items, stale } = useRows(d, filter);
  const fault = isProblem(query.error, 422) ? faultOf(q, query.error) : null;
  const matches = useQuery({ ...matching(d, q), enabled: query.isSuccess });
  const { selected, select, toggle } = useSelection(items);
  const [arrived, setArrived] = useState(0);
  const [facets, setFacets] = useState(isWide);

  useLiveQueries(["series", "prediction", "submission"], [["counts", d]], { deployment: d });
  useLive(
    ["series", "prediction"],
    async () => {
      const known = new Set(items.slice(0, 400).map((one) => one.id));
      const page = await predictionPage(d, { ...filter, from: items[0]?.time, limit: 200 });
      setArrived(page.items.filter((one) => !known.has(one.id)).length);
    },
    { deployment: d, enabled: takesArrivals(search) && query.isSuccess },
  );
  const key = predictions(d, filter).queryKey;
  useLive(["submission"], () => void client.invalidateQueries({ queryKey: key }), {
    deployment: d,
  });

  const showArrivals = () => {
    setArrived(0);
    scrollTo({ top: 0 });
    void client.resetQueries({ queryKey: key });
    void client.invalidateQueries({ queryKey: ["matching", d] });
  };
  const labels = deployed?.champion.labels ?? NO_LABEL;
  const hasShadow = deployed?.shadow != null;
  return (
    <div className="content predictions">
      <h1 className="hidden-visually">Predictions</h1>
      <QueryBar
        of={{ service: "review", path: `/deployments/${d}/predictions` }}
        placeholder={'All predictions. As in: labels = "car" and outlier > 0.9'}
        query={q}
        fault={fault}
        onQuery={setQuery}
      />
      <ListBar hasShadow={hasShadow}>
        <Button aria-pressed={facets} onClick={() => setFacets(!facets)}>
          Facets
        </Button>
        <strong role="status" aria-label="Matches">
          {matches.data && query.isSuccess ? `${count(matches.data.count)} match` : ""}
        </strong>
        <span className="muted small">
          {totals
            ? `of all: ${count(totals.TO_REVIEW)} to review · ${count(totals.REVIEWED)} reviewed · ${count(totals.SUBMITTED)} submitted`
            : ""}
        </span>
      </ListBar>
      {arrived > 0 && (
        <button type="button" className="pill" onClick={showArrivals}>
          {arrived >= 200 ? "200+" : arrived} new
        </button>
      )}
      <div className={facets ? "with-facets" : undefined}>
        {facets && (
          <Facets
            deployment={d}
            query={q}
            labels={labels}
            hasShadow={hasShadow}
            settled={query.isSuccess && !query.isFetching}
            onQuery={setQuery}
          />
        )}
        <div
          className="rows"
          data-stale={(stale && !(fault && isUnfinished(fault, q))) || undefined}
        >
          {query.error && stale && fault === null && (
            <Notice
              tone="warn"
              action={<Button onClick={() => void query.refetch()}>Retry</Button>}
            >
              {query.error.message} These are the rows from before.
            </Notice>
          )}
          {fault && items.length === 0 ? (
            <Empty
              title={isUnfinished(fault, q) ? "The query goes on" : "The query is wrong"}
              icon="warn"
              action={<Button onClick={() => setQuery("")}>Clear the query</Button>}
            >
              {fault.what}
            </Empty>
          ) : query.error && items.length === 0 ? (
            <Failure error={query.error} retry={() => void query.refetch()} />
          ) : query.isPending && !stale ? (
            <Loading rows={10} label="Loading predictions" />
          ) : items.length === 0 ? (
            <NoneFound filtered={q !== ""} onClear={() => setQuery("")} />
          ) : (
            <PredictionGrid
              items={items}
              threshold={deployed?.threshold ?? 0}
              labels={labels}
              shapes={search.shapes ?? "champion"}
              view={search.view ?? "grid"}
              size={search.size ?? "medium"}
              search={search}
              selected={selected}
              onToggle={toggle}
              more={
                query.hasNextPage && !query.isFetchingNextPage
                  ? () => void query.fetchNextPage()
                  : null
              }
            />
          )}
        </div>
      </div>
      <SelectionBar
        items={items}
        selected={selected}
        onClear={() => select([])}
        onFirst={(n) => select(items.slice(0, n).map((one) => one.id))}
        reviewed={totals?.REVIEWED ?? 0}
      />
    </div>
  );
}

function NoneFound({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (!filtered) {
    return (
      <Empty title="No prediction yet" icon="image">
        They appear here as soon as the model logs one.
      </Empty>
    );
  }
  return (
    <Empty
      title="No prediction matches"
      icon="search"
      action={<Button onClick={onClear}>Clear the query</Button>}
    />
  );
}
