import { useNavigate } from "@tanstack/react-router";
import type { Predicted } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import type { Which } from "@/components/Picture";
import { type Place, type TileSize, VirtualGrid } from "@/components/VirtualGrid";
import { type ListSearch, listSearchOf } from "@/features/predictions/filter";
import { TableHead, TableRow, Tile } from "@/features/predictions/Tile";

const FOOT = 46;
const ROW = 44;

export interface GridProps {
  items: readonly Predicted[];
  threshold: number;
  labels: readonly string[];
  shapes: Which;
  view: "grid" | "table";
  size: TileSize;
  search: ListSearch;
  selected: ReadonlySet<string>;
  onToggle: (id: string, range: boolean) => void;
  /** Fetches the next page; null while that runs and at the end. */
  more: (() => void) | null;
}

/** Predictions as tiles or as a table; `R` reviews the one in focus. */
export function PredictionGrid(props: GridProps) {
  const { items, onToggle, more } = props;
  const navigate = useNavigate();
  const org = useOrg();
  const d = useDeploymentId();
  const open = (item: Predicted) =>
    void navigate({
      to: "/o/$org/deployments/$d/review/$asset",
      params: { org, d, asset: item.id },
      search: { ...listSearchOf(props.search), src: "list" },
    });
  const Row = props.view === "table" ? TableRow : Tile;
  const grid = {
    items,
    onToggle,
    onKey: (key: string, item: Predicted) => {
      if (key.toLowerCase() === "r") open(item);
    },
    tile: (item: Predicted, place: Place) => (
      <Row
        key={item.id}
        item={item}
        {...place}
        threshold={props.threshold}
        labels={props.labels}
        shapes={props.shapes}
        selected={props.selected.has(item.id)}
        onOpen={() => open(item)}
        onToggle={(range) => onToggle(item.id, range)}
      />
    ),
    more,
  };
  if (props.view === "grid") {
    return <VirtualGrid {...grid} label="Predictions" form={{ size: props.size, foot: FOOT }} />;
  }
  return (
    <div role="table" aria-label="Predictions">
      <TableHead />
      <VirtualGrid {...grid} label="Rows" form={{ row: ROW }} />
    </div>
  );
}
