import { pictureUrl } from "@/api/client";
import { Button } from "@/components/controls";
import type { ReviewProps } from "@/features/review/props";
import { isOpen, retrySave, useSaves } from "@/features/review/saves";
import "@/features/review/strip.css";

const BEFORE = 3;
const AFTER = 8;

/** Three before, now, eight after; what could not be saved is red and says why. */
export function Strip(
  props: Pick<ReviewProps, "strip" | "place" | "onOpen"> & { current: string },
) {
  const { strip, place, current } = props;
  const saves = useSaves();
  const from = Math.max(0, place.at - BEFORE);
  const shown = place.at < 0 ? [] : strip.slice(from, place.at + AFTER + 1);
  const failed = [...saves.values()].filter((one) => one.kind === "failed");
  return (
    <div className="strip">
      <ul aria-label="Images">
        {shown.map((one) => {
          const state = saves.get(one.id);
          const bad = state?.kind === "failed" || state?.kind === "conflict";
          const mark = bad
            ? "not saved"
            : isOpen(state)
              ? "saving"
              : state || one.status !== "TO_REVIEW"
                ? "reviewed"
                : "to review";
          return (
            <li key={one.id}>
              <button
                type="button"
                className={`strip-tile ${mark.replaceAll(" ", "-")}`}
                aria-current={one.id === current ? "true" : undefined}
                aria-label={`${one.filename}: ${mark}`}
                title={state?.kind === "failed" ? state.problem.detail : `${one.filename}: ${mark}`}
                onClick={() => props.onOpen(one.id)}
              >
                <img src={pictureUrl(one.data, 160)} alt="" draggable={false} />
                {mark !== "to review" && (
                  <span className="mark" aria-hidden="true">
                    {bad ? "!" : mark === "saving" ? "…" : "✓"}
                  </span>
                )}
              </button>
            </li>
          );
        })}
      </ul>
      {failed.map((one) =>
        one.kind === "failed" ? (
          <span key={one.save.asset} className="failed row" role="alert">
            {one.save.filename}: {one.problem.detail || one.problem.title}
            {one.retrying ? (
              <span className="muted">trying again</span>
            ) : (
              <>
                <Button onClick={() => props.onOpen(one.save.asset)}>Open</Button>
                <Button onClick={() => retrySave(one.save.asset)}>Retry</Button>
              </>
            )}
          </span>
        ) : null,
      )}
    </div>
  );
}
