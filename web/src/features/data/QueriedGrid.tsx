import type { ReactNode } from "react";
import type { Asked } from "@/api/queries";
import { Button, Segments } from "@/components/controls";
import { Empty, Failure, Loading, Notice } from "@/components/states";
import { type Place, type TileSize, VirtualGrid } from "@/components/VirtualGrid";
import type { useRows } from "@/features/data/rows";
import { QueryBar } from "@/features/predictions/QueryBar";
import { count } from "@/lib/format";
import { isUnfinished } from "@/lib/query";
import "@/components/picture.css";
import "@/features/predictions/predictions.css";
import "@/features/predictions/query.css";
import "@/features/data/data.css";

/** A list that takes a query, as a grid: the bar, how many match, the tiles, and every other state. */
export function QueriedGrid<T extends { id: string }>(props: {
  of: Asked;
  rows: ReturnType<typeof useRows<T>>;
  q: string;
  onQuery: (q: string, final?: boolean) => void;
  size: TileSize;
  onSize: (size: TileSize) => void;
  placeholder: string;
  label: string;
  foot: number;
  tile: (item: T, place: Place) => ReactNode;
  onToggle?: (id: string, range: boolean) => void;
  empty: ReactNode;
  actions?: ReactNode;
}) {
  const { rows, q } = props;
  const { query, items, stale, fault } = rows;
  return (
    <>
      <QueryBar
        of={props.of}
        placeholder={props.placeholder}
        query={q}
        fault={fault}
        onQuery={props.onQuery}
      />
      <div className="list-bar row wrap" role="toolbar" aria-label="List">
        <strong role="status" aria-label="Matches">
          {rows.matches === null ? "" : `${count(rows.matches)} match`}
        </strong>
        {props.actions}
        <span className="grow" />
        <Segments
          label="Size"
          value={props.size}
          options={[
            { value: "small", label: "S" },
            { value: "medium", label: "M" },
            { value: "large", label: "L" },
          ]}
          onChange={props.onSize}
        />
        <Button
          icon="copy"
          aria-label="Copy link"
          title="Copy link to these rows"
          onClick={() => void navigator.clipboard?.writeText(location.href)}
        />
      </div>
      <div className="rows" data-stale={(stale && !(fault && isUnfinished(fault, q))) || undefined}>
        {query.error && stale && fault === null && (
          <Notice tone="warn" action={<Button onClick={() => void query.refetch()}>Retry</Button>}>
            {query.error.message} These are the rows from before.
          </Notice>
        )}
        {fault && items.length === 0 ? (
          <Empty
            title={isUnfinished(fault, q) ? "The query goes on" : "The query is wrong"}
            icon="warn"
            action={<Button onClick={() => props.onQuery("")}>Clear the query</Button>}
          >
            {fault.what}
          </Empty>
        ) : query.error && items.length === 0 ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : query.isPending && !stale ? (
          <Loading rows={10} label={`Loading ${props.label.toLowerCase()}`} />
        ) : items.length === 0 && q !== "" ? (
          <Empty
            title="Nothing matches"
            icon="search"
            action={<Button onClick={() => props.onQuery("")}>Clear the query</Button>}
          />
        ) : items.length === 0 ? (
          props.empty
        ) : (
          <VirtualGrid
            items={items}
            label={props.label}
            form={{ size: props.size, foot: props.foot }}
            tile={props.tile}
            onToggle={props.onToggle}
            more={rows.more}
          />
        )}
      </div>
    </>
  );
}
