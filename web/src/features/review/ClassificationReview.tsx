import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { pictureUrl } from "@/api/client";
import { RightButton } from "@/components/controls";
import { Empty } from "@/components/states";
import { KeysDialog } from "@/features/review/KeysDialog";
import { isQueued, labelKey, labelOfKey, REVIEW } from "@/features/review/neighbours";
import type { ReviewProps } from "@/features/review/props";
import { SkipDialog } from "@/features/review/SkipDialog";
import { Strip } from "@/features/review/Strip";
import { save } from "@/features/review/saves";
import { startOf } from "@/features/review/start";
import { ReviewBar } from "@/features/review/ToolBar";
import { decimal } from "@/lib/format";
import { type KeyMap, useKeys } from "@/lib/keys";

/** A number is label, save and next; Enter accepts what the model said. */
export function ClassificationReview(props: ReviewProps) {
  const { detail, deployed, queued } = props;
  const labels = deployed.champion.labels;
  const { start: choice } = useSearch({ from: REVIEW });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/review/$asset" });
  const [asking, setAsking] = useState<"skip" | "keys" | null>(null);
  const [query, setQuery] = useState("");
  const start = detail.review?.start ?? startOf(choice, queued);
  const answer =
    start === "BLANK"
      ? null
      : start === "SHADOW" || start === "COIN_SHADOW"
        ? (detail.shadow ?? detail.champion)
        : detail.champion;
  const predicted = answer?.shapes.classes[0] ?? null;
  const score = answer?.shapes.scores[0] ?? null;
  const reviewed = detail.review?.shapes.labels[0];
  const current = reviewed ?? (predicted === null ? undefined : labels[predicted]);
  const give = (name: string | undefined) => {
    if (name === undefined) return;
    save({
      deployment: deployed.id,
      asset: detail.id,
      filename: detail.filename,
      revision: detail.revision,
      shapes: { labels: [name], boxes: [], polygons: [] },
      start,
      draw: isQueued(queued) ? queued.draw : (detail.review?.draw ?? null),
      draft: null,
      time: Date.now(),
    });
    props.onNext();
  };
  const digits: KeyMap = Object.fromEntries(
    "0123456789".split("").map((key) => [key, () => give(labels[labelOfKey(labels, key)])]),
  );
  useKeys({
    ...digits,
    enter: () => give(current),
    s: () => setAsking("skip"),
    d: () => props.onStep(1),
    a: () => props.onStep(-1),
    "?": () => setAsking("keys"),
    "/": () => document.getElementById("label-search")?.focus(),
  });
  const found = labels
    .map((name, i) => ({ name, i }))
    .filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()));
  return (
    <div className="review classes">
      <ReviewBar
        {...props}
        start={start}
        fixed={detail.review !== null}
        onStart={(next) => void navigate({ search: (old) => ({ ...old, start: next }) })}
        onKeys={() => setAsking("keys")}
      />
      <div className="annotator" data-panel>
        {detail.has_picture ? (
          <img src={pictureUrl(detail.data)} alt={detail.filename} className="whole" />
        ) : (
          <Empty title="The picture was not kept" icon="image" />
        )}
      </div>
      <aside className="side" aria-label="Labels" data-panel>
        <section>
          <header className="row">
            <h3 className="grow">Label</h3>
            <input
              id="label-search"
              className="input search"
              type="search"
              aria-label="Label by typing"
              placeholder="/"
              value={query}
              onChange={(event) => setQuery(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && found[0]) give(found[0].name);
                if (event.key === "Escape") event.currentTarget.blur();
              }}
            />
          </header>
          <div className="labels" role="group" aria-label="Label, save and next">
            {found.map(({ name, i }) => (
              <button
                key={name}
                type="button"
                className="label-choice"
                aria-pressed={name === current}
                onClick={() => give(name)}
              >
                <span className="truncate grow">{name}</span>
                {i === predicted && <span className="muted small">{decimal(score)}</span>}
                {labelKey(labels, i) && <kbd aria-hidden="true">{labelKey(labels, i)}</kbd>}
              </button>
            ))}
          </div>
        </section>
        <span className="grow" />
        <div className="save">
          <RightButton
            scope="reviews:write"
            tone="primary"
            keys="⏎"
            disabled={current === undefined}
            onClick={() => give(current)}
          >
            Save {current ? `“${current}”` : ""} & next
          </RightButton>
          <RightButton scope="reviews:write" keys="S" onClick={() => setAsking("skip")}>
            Skip
          </RightButton>
        </div>
      </aside>
      <Strip {...props} current={detail.id} />
      {asking === "skip" && (
        <SkipDialog
          deployment={deployed.id}
          asset={detail.id}
          onClose={() => setAsking(null)}
          onSkipped={() => {
            setAsking(null);
            props.onNext();
          }}
        />
      )}
      {asking === "keys" && <KeysDialog labels={labels} onClose={() => setAsking(null)} />}
    </div>
  );
}
