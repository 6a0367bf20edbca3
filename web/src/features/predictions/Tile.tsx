import type { Predicted, ReviewStatus } from "@/api/types";
import { Picture, type Which } from "@/components/Picture";
import { Time } from "@/components/Time";
import { decimal, seconds } from "@/lib/format";

export const STATUS_NAMES: Record<ReviewStatus, string> = {
  TO_REVIEW: "to review",
  REVIEWED: "reviewed",
  SUBMITTED: "submitted",
};
const TONES: Record<ReviewStatus, string> = { TO_REVIEW: "", REVIEWED: "accent", SUBMITTED: "ok" };

export interface ItemProps {
  item: Predicted;
  index: number;
  threshold: number;
  labels: readonly string[];
  shapes: Which;
  focusable: boolean;
  selected: boolean;
  onFocus: () => void;
  onOpen: () => void;
  onToggle: (range: boolean) => void;
}

export function Status({ status }: { status: ReviewStatus | null }) {
  if (status === null) return <span className="badge">no picture</span>;
  return <span className={`badge ${TONES[status]}`}>{STATUS_NAMES[status]}</span>;
}

/** "7 shapes", or the label of a classified image. */
function content(item: Predicted, labels: readonly string[]): string {
  const { classes, boxes, polygons } = item.champion.shapes;
  const [first] = classes;
  if (first !== undefined && boxes.length + polygons.length === 0) {
    return labels[first] ?? "no label";
  }
  return `${item.boxes} ${item.boxes === 1 ? "shape" : "shapes"}`;
}

export function Tile(props: ItemProps) {
  const { item } = props;
  return (
    <div className={props.selected ? "tile selected" : "tile"} role="listitem">
      <button
        type="button"
        className="open"
        data-index={props.index}
        tabIndex={props.focusable ? 0 : -1}
        aria-label={`Review ${item.filename}`}
        onFocus={props.onFocus}
        onClick={(event) => (event.shiftKey ? props.onToggle(true) : props.onOpen())}
      >
        <Picture item={item} shapes={props.shapes} threshold={props.threshold} />
      </button>
      <input
        type="checkbox"
        aria-label={`Select ${item.filename}`}
        checked={props.selected}
        tabIndex={-1}
        onClick={(event) => props.onToggle(event.shiftKey)}
        readOnly
      />
      <div className="foot">
        <span className="truncate" title={item.filename}>
          {content(item, props.labels)}
        </span>
        <Status status={item.status} />
        <span className="muted small">
          <Time at={item.time} relative />
        </span>
        <span
          className={(item.outlier ?? 0) >= 0.99 ? "small score alarm" : "small score muted"}
          title="Outlier score, 0–1"
        >
          {item.outlier === null ? "" : `outlier ${decimal(item.outlier)}`}
        </span>
      </div>
    </div>
  );
}

export function TableHead() {
  return (
    <div role="rowgroup">
      <div className="table-line head" role="row">
        <span role="columnheader" aria-label="Selected" />
        <span role="columnheader" aria-label="Picture" />
        <span role="columnheader">Name</span>
        <span role="columnheader">Status</span>
        <span role="columnheader">Content</span>
        <span role="columnheader">Outlier</span>
        <span role="columnheader">Latency</span>
        <span role="columnheader">Source</span>
        <span role="columnheader">Time</span>
      </div>
    </div>
  );
}

export function TableRow(props: ItemProps) {
  const { item } = props;
  return (
    <div className={props.selected ? "table-line selected" : "table-line"} role="row">
      <span role="cell">
        <input
          type="checkbox"
          aria-label={`Select ${item.filename}`}
          checked={props.selected}
          tabIndex={-1}
          onClick={(event) => props.onToggle(event.shiftKey)}
          readOnly
        />
      </span>
      <span className="thumb" role="cell">
        <Picture item={item} shapes={props.shapes} threshold={props.threshold} size={160} />
      </span>
      <span role="cell" className="truncate">
        <button
          type="button"
          className="open truncate"
          data-index={props.index}
          tabIndex={props.focusable ? 0 : -1}
          aria-label={`Review ${item.filename}`}
          onFocus={props.onFocus}
          onClick={props.onOpen}
        >
          {item.filename}
        </button>
      </span>
      <span role="cell">
        <Status status={item.status} />
      </span>
      <span role="cell">{content(item, props.labels)}</span>
      <span role="cell" className={(item.outlier ?? 0) >= 0.99 ? "alarm" : undefined}>
        {decimal(item.outlier)}
      </span>
      <span role="cell">{seconds(item.champion.latency)}</span>
      <span role="cell" className="truncate">
        {[item.source, ...item.tags].join(", ")}
      </span>
      <span role="cell">
        <Time at={item.time} />
      </span>
    </div>
  );
}
