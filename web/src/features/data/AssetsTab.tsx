import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { asset, assetPicture, assetsOf } from "@/api/data";
import { deployments } from "@/api/queries";
import type { Asset, DatasetVersion } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { ShapedPicture } from "@/components/Picture";
import { Empty, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import type { Place } from "@/components/VirtualGrid";
import { annotationLayer, summary } from "@/features/data/layers";
import { QueriedGrid } from "@/features/data/QueriedGrid";
import { useDraft, useRows } from "@/features/data/rows";
import { shortId } from "@/lib/format";

const FROM = "/inside/o/$org/datasets/$s/versions/$v";

/** The images of a version with what is annotated. */
export function AssetsTab({ version }: { version: DatasetVersion }) {
  const search = useSearch({ from: FROM });
  const { q = "", size = "medium" } = search;
  const navigate = useNavigate({ from: "/o/$org/datasets/$s/versions/$v" });
  const of = useMemo(() => assetsOf(version.id), [version.id]);
  const rows = useRows<Asset>(of, q);
  const setQuery = useDraft(q, (next, replace) => {
    void navigate({ search: (old) => ({ ...old, q: next }), replace });
  });
  const open = (id: string | undefined) =>
    void navigate({ search: (old) => ({ ...old, asset: id }) });
  const place = rows.items.findIndex((one) => one.id === search.asset);
  const beside = (by: number) => (place < 0 ? undefined : rows.items[place + by]?.id);
  return (
    <>
      <QueriedGrid<Asset>
        of={of}
        rows={rows}
        q={q}
        onQuery={setQuery}
        size={size}
        onSize={(next) => void navigate({ search: (old) => ({ ...old, size: next }) })}
        placeholder="All images. As in: boxes > 3 and annotated = True"
        label="Images"
        foot={46}
        tile={(item, at) => (
          <AssetTile
            key={item.id}
            item={item}
            labels={version.labels}
            place={at}
            onOpen={() => open(item.id)}
          />
        )}
        empty={
          <Empty title="No image yet" icon="image">
            Import a folder with its annotations, add images from the Datalake, or name this version
            in a feedback loop.
          </Empty>
        }
      />
      {search.asset && (
        <AssetDialog
          key={search.asset}
          id={search.asset}
          labels={version.labels}
          previous={beside(-1)}
          next={beside(1)}
          onOpen={open}
        />
      )}
    </>
  );
}

function AssetTile(props: {
  item: Asset;
  labels: readonly string[];
  place: Place;
  onOpen: () => void;
}) {
  const { item, place, labels } = props;
  const layers = useMemo(
    () => (item.annotation ? [annotationLayer(item.annotation, labels)] : []),
    [item.annotation, labels],
  );
  return (
    <div className="tile" role="listitem">
      <button
        type="button"
        className="open"
        data-index={place.index}
        tabIndex={place.focusable ? 0 : -1}
        aria-label={`Open ${item.filename}`}
        onFocus={place.onFocus}
        onClick={props.onOpen}
      >
        <ShapedPicture
          src={assetPicture(item.id, 320)}
          alt={item.filename}
          width={item.width}
          height={item.height}
          layers={layers}
        />
      </button>
      <div className="foot data-foot">
        <span className="truncate" title={item.filename}>
          {item.filename}
        </span>
        <span className="muted small">
          <Time at={item.created} relative />
        </span>
        <span className="muted small truncate">
          {item.annotation ? summary(item.annotation.labels) : "not annotated"}
        </span>
        <span className="muted small truncate">
          {item.reviewer ?? (item.prediction ? "review" : "")}
        </span>
      </div>
    </div>
  );
}

function AssetDialog(props: {
  id: string;
  labels: readonly string[];
  previous: string | undefined;
  next: string | undefined;
  onOpen: (id: string | undefined) => void;
}) {
  const query = useQuery(asset(props.id));
  const { previous, next, onOpen } = props;
  return (
    <Dialog
      title={query.data?.filename ?? "Image"}
      wide
      onClose={() => onOpen(undefined)}
      actions={
        <>
          <Button
            icon="left"
            aria-label="Previous image"
            disabled={!previous}
            onClick={() => onOpen(previous)}
          />
          <Button
            icon="right"
            aria-label="Next image"
            disabled={!next}
            onClick={() => onOpen(next)}
          />
          <span className="grow" />
          <Button onClick={() => onOpen(undefined)}>Close</Button>
        </>
      }
    >
      <Loaded query={query}>{(one) => <AssetShown asset={one} labels={props.labels} />}</Loaded>
    </Dialog>
  );
}

function AssetShown({ asset: one, labels }: { asset: Asset; labels: readonly string[] }) {
  const org = useOrg();
  const { data: known } = useQuery(deployments);
  const layers = useMemo(
    () => (one.annotation ? [annotationLayer(one.annotation, labels)] : []),
    [one.annotation, labels],
  );
  const from = known?.items.find((deployed) => deployed.id === one.deployment);
  return (
    <div className="stack asset-shown">
      <ShapedPicture
        src={assetPicture(one.id)}
        alt={one.filename}
        width={one.width}
        height={one.height}
        layers={layers}
      />
      <dl className="facts">
        <dt>Annotation</dt>
        <dd>{one.annotation ? summary(one.annotation.labels) : "nobody has annotated it"}</dd>
        <dt>Size</dt>
        <dd>
          {one.width} × {one.height} px
        </dd>
        <dt>From</dt>
        <dd>
          {one.deployment && one.prediction ? (
            <>
              <Link
                to="/o/$org/deployments/$d/review/$asset"
                params={{ org, d: one.deployment, asset: one.prediction }}
                search={{ src: "list" }}
              >
                {from?.name ?? shortId(one.deployment)}
              </Link>
              , review {one.review_revision}
              {one.reviewer ? ` by ${one.reviewer}` : ""}
            </>
          ) : (
            "import, or the Datalake"
          )}
        </dd>
        <dt>Added</dt>
        <dd>
          <Time at={one.created} />
        </dd>
        {one.deployment && (
          <>
            <dt>Datalake</dt>
            <dd>
              <Link to="/o/$org/datalake/$image" params={{ org, image: one.data }}>
                {shortId(one.data)}
              </Link>
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}
