import { useEffect, useRef } from "react";
import type { Completion } from "@/api/types";

/** What may stand where the caret is. The focus stays in the field: it moves the choice. */
export function Completions(props: {
  id: string;
  offers: readonly Completion[];
  chosen: number;
  onChoose: (index: number) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const { chosen } = props;
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <div ref={list} id={props.id} className="completions" role="listbox" aria-label="Completions">
      {props.offers.map((one, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's
        <div
          key={one.text}
          id={`${props.id}-${i}`}
          className="completion"
          role="option"
          tabIndex={-1}
          aria-selected={i === chosen}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => props.onChoose(i)}
        >
          <code className="truncate">{one.text}</code>
          <span className="truncate">{one.what || one.role}</span>
        </div>
      ))}
    </div>
  );
}
