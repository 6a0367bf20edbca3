import { useWindowVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";

export const TILE_WIDTHS = { small: 150, medium: 230, large: 360 } as const;
export type TileSize = keyof typeof TILE_WIDTHS;
const GAP = 12;

/** What a tile is told of its place: `data-index` and `tabIndex` belong on its one button. */
export interface Place {
  index: number;
  focusable: boolean;
  onFocus: () => void;
}

interface Props<T> {
  items: readonly T[];
  label: string;
  /** Tiles of a width with so much below the picture (4:3), or table rows of a height: pixels. */
  form: { size: TileSize; foot: number } | { row: number };
  tile: (item: T, place: Place) => ReactNode;
  onToggle?: (id: string, range: boolean) => void;
  /** Any other key on the tile in focus. */
  onKey?: (key: string, item: T) => void;
  /** Fetches the next page; null while that runs and at the end. */
  more: (() => void) | null;
}

/** Tiles on screen only; the next page is fetched two screens ahead. Arrows move, `X` chooses. */
export function VirtualGrid<T extends { id: string }>(props: Props<T>) {
  const { items, form, more } = props;
  const holder = useRef<HTMLDivElement>(null);
  const { width, margin } = usePlace(holder);
  const [focus, setFocus] = useState(0);
  const { columns, height } = measured(form, width);
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
      return;
    }
    const item = items[focus];
    if (!item) return;
    if (event.key.toLowerCase() === "x") props.onToggle?.(item.id, event.shiftKey);
    else props.onKey?.(event.key, item);
  };
  const table = "row" in form;
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: a list and a rowgroup may be named
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the focused tile inside
    <div
      ref={holder}
      className={table ? "virtual table" : "virtual grid"}
      role={table ? "rowgroup" : "list"}
      aria-label={props.label}
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
            return props.tile(item, {
              index,
              focusable: index === focus,
              onFocus: () => setFocus(index),
            });
          })}
        </div>
      ))}
    </div>
  );
}

function measured(form: Props<unknown>["form"], width: number) {
  if ("row" in form) return { columns: 1, height: form.row };
  const columns = Math.max(1, Math.floor((width + GAP) / (TILE_WIDTHS[form.size] + GAP)));
  const tile = (width - GAP * (columns - 1)) / columns;
  return { columns, height: Math.round(tile * 0.75) + form.foot + GAP };
}

/** How wide it is and where it begins on the page, also after what stands above it has grown. */
function usePlace(holder: React.RefObject<HTMLDivElement | null>) {
  const [place, setPlace] = useState({ width: 0, margin: 0 });
  useLayoutEffect(() => {
    const element = holder.current!;
    const measure = () => {
      const now = {
        width: element.clientWidth,
        margin: element.getBoundingClientRect().top + scrollY,
      };
      setPlace((old) => (old.width === now.width && old.margin === now.margin ? old : now));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [holder]);
  return place;
}
