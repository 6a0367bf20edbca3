import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { counts, deployment, predictionPage, predictions } from "@/api/queries";
import { useDeploymentId } from "@/app/params";
import type { Which } from "@/components/Picture";
import { Empty, Failure, Loading } from "@/components/states";
import { FilterBar } from "@/features/predictions/FilterBar";
import { between, filterOf, takesArrivals } from "@/features/predictions/filter";
import { PredictionGrid } from "@/features/predictions/PredictionGrid";
import { SelectionBar } from "@/features/predictions/SelectionBar";
import { count } from "@/lib/format";
import { useLive, useLiveQueries } from "@/lib/live/hooks";
import "@/components/picture.css";
import "@/features/predictions/predictions.css";

const FROM = "/inside/o/$org/deployments/$d/predictions";

export default function PredictionsPage() {
  const d = useDeploymentId();
  const search = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/predictions" });
  const client = useQueryClient();
  const { data: deployed } = useQuery(deployment(d));
  const { data: totals } = useQuery(counts(d));
  const filter = useMemo(() => filterOf(search), [search]);
  const options = predictions(d, filter);
  const query = useInfiniteQuery(options);
  const items = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [last, setLast] = useState<string | null>(null);
  const [arrived, setArrived] = useState(0);

  useLiveQueries(["series", "prediction", "submission"], [["counts", d]], { deployment: d });
  useLive(
    ["series", "prediction"],
    async () => {
      const newest = items[0]?.time;
      const known = new Set(items.slice(0, 400).map((one) => one.id));
      const page = await predictionPage(d, { ...filter, from: newest ?? filter.from, limit: 200 });
      setArrived(page.items.filter((one) => !known.has(one.id)).length);
    },
    { deployment: d, enabled: takesArrivals(search) && query.isSuccess },
  );
  useLive(["submission"], () => void client.invalidateQueries({ queryKey: options.queryKey }), {
    deployment: d,
  });

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
  const showArrivals = () => {
    setArrived(0);
    scrollTo({ top: 0 });
    void client.resetQueries({ queryKey: options.queryKey });
  };
  const shapes: Which = search.shapes ?? "champion";
  return (
    <div className="content predictions">
      <FilterBar labels={deployed?.champion.labels ?? []} hasShadow={deployed?.shadow != null} />
      <p className="muted small totals">
        {totals
          ? `${count(totals.TO_REVIEW)} to review · ${count(totals.REVIEWED)} reviewed · ${count(totals.SUBMITTED)} submitted · ${count(totals.without_picture)} without picture`
          : " "}
      </p>
      {arrived > 0 && (
        <button type="button" className="pill" onClick={showArrivals}>
          {arrived >= 200 ? "200+" : arrived} new
        </button>
      )}
      {query.error && items.length === 0 ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.isPending ? (
        <Loading rows={10} label="Loading predictions" />
      ) : items.length === 0 ? (
        <NoneFound
          filtered={Object.keys(search).some((key) => !["view", "size", "shapes"].includes(key))}
          onClear={() => void navigate({ search: { view: search.view, size: search.size } })}
        />
      ) : (
        <PredictionGrid
          items={items}
          threshold={deployed?.threshold ?? 0}
          labels={deployed?.champion.labels ?? []}
          shapes={shapes}
          view={search.view ?? "grid"}
          size={search.size ?? "medium"}
          search={search}
          selected={selected}
          onToggle={toggle}
          more={
            query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : null
          }
        />
      )}
      <SelectionBar
        items={items}
        selected={selected}
        onClear={() => setSelected(new Set())}
        onFirst={(n) => setSelected(new Set(items.slice(0, n).map((one) => one.id)))}
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
      action={
        <button type="button" className="button" onClick={onClear}>
          Clear the filters
        </button>
      }
    />
  );
}
