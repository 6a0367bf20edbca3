import { Link } from "@tanstack/react-router";
import { pictureUrl } from "@/api/client";
import type { Data } from "@/api/types";
import { useOrg } from "@/app/params";
import { ShapedPicture } from "@/components/Picture";
import { Time } from "@/components/Time";
import type { Place } from "@/components/VirtualGrid";

/** An image of the Datalake: its picture, name, tags, where and when it is from. */
export function DataTile(props: {
  item: Data;
  place: Place;
  selected: boolean;
  onToggle: (range: boolean) => void;
}) {
  const { item, place } = props;
  const org = useOrg();
  return (
    <div className={props.selected ? "tile selected" : "tile"} role="listitem">
      <Link
        to="/o/$org/datalake/$image"
        params={{ org, image: item.id }}
        className="open"
        data-index={place.index}
        tabIndex={place.focusable ? 0 : -1}
        aria-label={`Open ${item.filename}`}
        onFocus={place.onFocus}
        onClick={(event) => {
          if (!event.shiftKey) return;
          event.preventDefault();
          props.onToggle(true);
        }}
      >
        <ShapedPicture
          src={item.has_picture ? pictureUrl(item.id, 320) : null}
          alt={item.filename}
          width={item.width}
          height={item.height}
        />
      </Link>
      <input
        type="checkbox"
        aria-label={`Select ${item.filename}`}
        checked={props.selected}
        tabIndex={-1}
        onClick={(event) => props.onToggle(event.shiftKey)}
        readOnly
      />
      <div className="foot data-foot">
        <span className="truncate" title={item.filename}>
          {item.filename}
        </span>
        <span className="muted small">
          <Time at={item.created} relative />
        </span>
        <span className="muted small truncate" title={[item.source, ...item.tags].join(", ")}>
          {item.source}
          {item.tags.map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
        </span>
        <span className="muted small">
          {item.width} × {item.height}
        </span>
      </div>
    </div>
  );
}
