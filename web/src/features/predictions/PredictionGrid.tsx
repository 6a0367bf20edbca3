import { useNavigate } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Predicted } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import type { Which } from "@/components/Picture";
import { type ListSearch, listSearchOf } from "@/features/predictions/filter";
import { TableHead, TableRow, Tile } from "@/features/predictions/Tile";

const WIDTHS = { small: 150, medium: 230, large: 360 } as const;
const GAP = 12;
const FOOT = 46;
const ROW = 44;

export interface GridProps {
  items: readonly Predicted[];
  threshold: number;
  labels: readonly string[];
  shapes: Which;
  view: "grid" | "table";
  size: keyof typeof WIDTHS;
  search: ListSearch;
  selected: ReadonlySet<string>;
  onToggle: (id: string, range: boolean) => void;
  /** Fetches the next page; null while that runs and at the end. */
  more: (() => void) | null;
}

/** Rows on screen only; the next page is fetched two screens ahead. */
export function PredictionGrid(props: GridProps) {
  const { items, view, size, more } = props;
  const holder = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [margin, setMargin] = useState(0);
  const [focus, setFocus] = useState(0);
  useLayoutEffect(() => {
    const element = holder.current!;
    const measure = () => {
      setWidth(element.clientWidth);
      setMargin(element.getBoundingClientRect().top + scrollY);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const columns =
    view === "table" ? 1 : Math.max(1, Math.floor((width + GAP) / (WIDTHS[size] + GAP)));
  const tile = (width - GAP * (columns - 1)) / columns;
  const height = view === "table" ? ROW : Math.round(tile * 0.75) + FOOT + GAP;
  const rows = Math.ceil(items.length / columns);
  const virtual = useWindowVirtualizer({
    count: width > 0 ? rows : 0,
    estimateSize: () => height,
    overscan: 3,
    scrollMargin: margin,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the tiles change size
  useEffect(() => virtual.measure(), [height, columns]);
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  const perScreen = Math.ceil(innerHeight / height);
  useEffect(() => {
    if (more && lastShown + 2 * perScreen >= rows) more();
  }, [more, lastShown, rows, perScreen]);

  const navigate = useNavigate();
  const org = useOrg();
  const d = useDeploymentId();
  const open = (item: Predicted) =>
    void navigate({
      to: "/o/$org/deployments/$d/review/$asset",
      params: { org, d, asset: item.id },
      search: { ...listSearchOf(props.search), src: "list" },
    });
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      const next = Math.min(items.length - 1, Math.max(0, focus + by));
      setFocus(next);
      virtual.scrollToIndex(Math.floor(next / columns));
      requestAnimationFrame(() =>
        holder.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus(),
      );
    } else if (event.key.toLowerCase() === "x" && items[focus]) {
      props.onToggle(items[focus].id, event.shiftKey);
    } else if (event.key.toLowerCase() === "r" && items[focus]) open(items[focus]);
  };
  return (
    <div {...(view === "table" ? { role: "table", "aria-label": "Predictions" } : {})}>
      {view === "table" && <TableHead />}
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: a list and a rowgroup may be named */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the focused tile inside */}
      <div
        ref={holder}
        className={`virtual ${view}`}
        role={view === "table" ? "rowgroup" : "list"}
        aria-label={view === "table" ? "Rows" : "Predictions"}
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={keys}
      >
        {shown.map((row) => (
          <div
            key={row.key}
            className="virtual-row"
            role="presentation"
            style={{
              transform: `translateY(${row.start - margin}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {items.slice(row.index * columns, (row.index + 1) * columns).map((item, i) => {
              const index = row.index * columns + i;
              const Row = view === "table" ? TableRow : Tile;
              return (
                <Row
                  key={item.id}
                  item={item}
                  index={index}
                  threshold={props.threshold}
                  labels={props.labels}
                  shapes={props.shapes}
                  focusable={index === focus}
                  selected={props.selected.has(item.id)}
                  onFocus={() => setFocus(index)}
                  onOpen={() => open(item)}
                  onToggle={(range) => props.onToggle(item.id, range)}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}
