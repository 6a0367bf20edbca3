import { useState } from "react";
import type { Predicted } from "@/api/types";
import { Button, RightButton } from "@/components/controls";
import { SubmitDialog } from "@/features/predictions/SubmitDialog";
import { count, shortId } from "@/lib/format";

export function SelectionBar(props: {
  items: readonly Predicted[];
  selected: ReadonlySet<string>;
  reviewed: number;
  onClear: () => void;
  onFirst: (n: number) => void;
}) {
  const { items, selected, reviewed } = props;
  const [asking, setAsking] = useState<"selected" | "all" | null>(null);
  const chosen = items.filter((one) => selected.has(one.id));
  const ready = chosen.filter((one) => one.status === "REVIEWED");
  if (selected.size === 0 && reviewed === 0) return null;
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selection">
      {selected.size > 0 ? (
        <>
          <strong>{count(selected.size)} selected</strong>
          <RightButton
            scope="reviews:submit"
            tone="primary"
            aria-disabled={ready.length === 0}
            title={ready.length === 0 ? "None of them is reviewed and unsubmitted" : undefined}
            onClick={() => ready.length > 0 && setAsking("selected")}
          >
            Submit {count(ready.length)}
          </RightButton>
          <Button onClick={props.onClear}>Clear selection</Button>
        </>
      ) : (
        <>
          <span className="muted">Select with X or the boxes</span>
          <Button onClick={() => props.onFirst(100)}>First 100</Button>
        </>
      )}
      {reviewed > 0 && (
        <RightButton scope="reviews:submit" onClick={() => setAsking("all")}>
          Submit all reviewed ({count(reviewed)})
        </RightButton>
      )}
      {asking && (
        <SubmitDialog
          ids={asking === "selected" ? ready.map((one) => one.id) : null}
          n={asking === "selected" ? ready.length : reviewed}
          left={asking === "selected" ? chosen.length - ready.length : 0}
          onClose={() => setAsking(null)}
          nameOf={(id) => items.find((one) => one.id === id)?.filename ?? shortId(id)}
          onDone={props.onClear}
        />
      )}
    </div>
  );
}
