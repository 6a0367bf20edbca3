import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { assetPicture, changedImages, difference } from "@/api/data";
import { datasetVersions } from "@/api/queries";
import type { Changed, ChangeKind, DatasetVersion, Difference } from "@/api/types";
import { useOrg } from "@/app/params";
import { Field, Segments, Select } from "@/components/controls";
import { type Layer, ShapedPicture } from "@/components/Picture";
import { Empty, Failure, Loaded, Loading } from "@/components/states";
import { VirtualGrid } from "@/components/VirtualGrid";
import { annotationLayer, summary } from "@/features/data/layers";
import { count, percent } from "@/lib/format";
import "@/components/picture.css";
import "@/features/predictions/predictions.css";

const NAMES: Record<ChangeKind, string> = {
  added: "Added",
  removed: "Removed",
  changed: "Changed",
};
const KINDS: readonly ChangeKind[] = ["added", "removed", "changed"];

/** How another version became this one. */
export function ChangesTab({ version }: { version: DatasetVersion }) {
  const search = useSearch({ from: "/inside/o/$org/datasets/$s/versions/$v" });
  const navigate = useNavigate({ from: "/o/$org/datasets/$s/versions/$v" });
  const { data } = useQuery(datasetVersions(version.type));
  const others = (data?.items ?? []).filter((one) => one.id !== version.id);
  const siblings = others.filter((one) => one.dataset === version.dataset);
  const older = siblings.find((one) => one.created < version.created) ?? siblings[0] ?? others[0];
  const base = search.compare ?? version.base ?? older?.id ?? "";
  const query = useQuery({ ...difference(version.id, base), enabled: base !== "" });
  if (base === "") {
    return (
      <Empty title="There is no version to compare it with" icon="grid">
        Copy this one, or import another of the same type.
      </Empty>
    );
  }
  return (
    <div className="stack changes">
      <Field label="Compared with">
        {(id) => (
          <Select
            id={id}
            label="Compared with"
            value={base}
            options={[...siblings, ...others.filter((one) => !siblings.includes(one))].map(
              (one) => ({ value: one.id, label: `${one.dataset_name} ${one.version}` }),
            )}
            onChange={(compare) => void navigate({ search: (old) => ({ ...old, compare }) })}
          />
        )}
      </Field>
      <Loaded query={query}>
        {(found) => <Shown version={version} base={base} found={found} kind={search.kind} />}
      </Loaded>
    </div>
  );
}

function Shown(props: {
  version: DatasetVersion;
  base: string;
  found: Difference;
  kind: ChangeKind | undefined;
}) {
  const { version, base, found } = props;
  const navigate = useNavigate({ from: "/o/$org/datasets/$s/versions/$v" });
  const kind = props.kind ?? KINDS.find((one) => found[one] > 0) ?? "added";
  return (
    <>
      <div className="numbers">
        {[...KINDS, "same" as const].map((one) => (
          <div key={one}>
            <strong>{count(found[one])}</strong>
            <span className="muted">images {one}</span>
          </div>
        ))}
      </div>
      <Shares found={found} />
      {found.equal ? (
        <Empty title="The two hold the same" icon="check" compact />
      ) : (
        <>
          <Segments
            label="Images"
            value={kind}
            options={KINDS.map((one) => ({
              value: one,
              label: `${NAMES[one]} ${count(found[one])}`,
              disabled: found[one] === 0,
            }))}
            onChange={(next) => void navigate({ search: (old) => ({ ...old, kind: next }) })}
          />
          <Images version={version} base={base} kind={kind} />
        </>
      )}
    </>
  );
}

function Shares({ found }: { found: Difference }) {
  const most = Math.max(
    1e-9,
    ...found.labels.flatMap((one) => [one.before_share ?? 0, one.after_share ?? 0]),
  );
  return (
    <section className="card" aria-label="Shares of labels" data-panel>
      <header>
        <h2 className="grow">Shares of labels</h2>
        <span className="muted small">grey: before · blue: now, of all objects</span>
      </header>
      <ul className="body">
        {found.labels.map((one) => (
          <li key={one.label} className="share">
            <span className="truncate">{one.label}</span>
            <div aria-hidden="true">
              <div className="bar before">
                <span style={{ width: `${((one.before_share ?? 0) / most) * 100}%` }} />
              </div>
              <div className="bar">
                <span style={{ width: `${((one.after_share ?? 0) / most) * 100}%` }} />
              </div>
            </div>
            <span className="num" title="Objects before and now">
              {count(one.before)} → {count(one.after)}
            </span>
            <span className="num muted">{percent(one.after_share, 1)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Row extends Changed {
  id: string;
}

function Images(props: { version: DatasetVersion; base: string; kind: ChangeKind }) {
  const { version, base, kind } = props;
  const org = useOrg();
  const navigate = useNavigate();
  // What was removed is in the other version only.
  const owner = kind === "removed" ? base : version.id;
  const open = (one: string) =>
    void navigate({
      to: "/o/$org/datasets/$s/versions/$v",
      params: { org, s: version.dataset, v: owner },
      search: { view: "assets", asset: one },
    });
  const query = useInfiniteQuery(changedImages(version.id, base, kind));
  const items = useMemo<Row[]>(
    () =>
      (query.data?.pages ?? []).flatMap((page, p) =>
        page.items.map((one, i) => ({ ...one, id: `${p} ${i} ${one.data}` })),
      ),
    [query.data],
  );
  if (query.error && items.length === 0) {
    return <Failure error={query.error} retry={() => void query.refetch()} />;
  }
  if (query.isPending) return <Loading label="Loading images" />;
  return (
    <VirtualGrid
      items={items}
      label={`Images ${kind}`}
      form={{ size: "medium", foot: 46 }}
      more={
        query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : null
      }
      tile={(item, place) => (
        <ChangedTile
          key={item.id}
          item={item}
          labels={version.labels}
          index={place.index}
          focusable={place.focusable}
          onFocus={place.onFocus}
          onOpen={() => item.asset && open(item.asset)}
        />
      )}
    />
  );
}

/** What was is dashed, what is now is solid. */
function ChangedTile(props: {
  item: Row;
  labels: readonly string[];
  index: number;
  focusable: boolean;
  onFocus: () => void;
  onOpen: () => void;
}) {
  const { item, labels } = props;
  const layers = useMemo<Layer[]>(() => {
    const found: Layer[] = [];
    if (item.before) found.push({ ...annotationLayer(item.before, labels), dashed: true });
    if (item.after) found.push(annotationLayer(item.after, labels));
    return found;
  }, [item, labels]);
  const said = (shapes: Changed["before"]) => (shapes ? summary(shapes.labels) : "not annotated");
  return (
    <div className="tile" role="listitem">
      <button
        type="button"
        className="open"
        data-index={props.index}
        tabIndex={props.focusable ? 0 : -1}
        aria-label={`Open ${item.filename}`}
        onFocus={props.onFocus}
        onClick={props.onOpen}
      >
        <ShapedPicture
          src={item.asset ? assetPicture(item.asset, 320) : null}
          alt={item.filename}
          width={item.width}
          height={item.height}
          layers={layers}
          absent="the picture has left the version"
        />
      </button>
      <div className="foot">
        <span className="truncate" title={item.filename}>
          {item.filename}
        </span>
        <span />
        <span className="muted small truncate">
          {item.before && item.after
            ? `${said(item.before)} → ${said(item.after)}`
            : said(item.after ?? item.before)}
        </span>
      </div>
    </div>
  );
}
