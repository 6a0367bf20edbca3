import { useMemo, useState } from "react";
import { useStore } from "zustand";
import { Button, RightButton } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { isAbove } from "@/features/review/document";
import type { ReviewActions } from "@/features/review/keymap";
import { labelKey } from "@/features/review/neighbours";
import { kept, type ReviewStore, removeSelected, setLabel, toggle } from "@/features/review/store";
import { decimal } from "@/lib/format";
import { imageColour } from "@/lib/palette";
import "@/features/review/side.css";

/** Shown at once; more would cost frames, and the search finds them. */
const MOST_ROWS = 300;

export function SidePanel(props: {
  store: ReviewStore;
  labels: readonly string[];
  blind: boolean;
  actions: ReviewActions;
}) {
  const { store, labels, actions } = props;
  const shapes = useStore(store, (state) => state.shapes);
  const confidence = useStore(store, (state) => state.confidence);
  const saved = useMemo(
    () => shapes.filter((one) => isAbove(one, confidence)).length,
    [shapes, confidence],
  );
  const left = shapes.length - saved;
  return (
    <aside className="side" aria-label="Labels and objects" data-panel>
      <Labels store={store} labels={labels} />
      <Objects store={store} labels={labels} />
      <div className="confidence">
        <label htmlFor="confidence">
          Confidence ≥ <output>{decimal(confidence)}</output>
        </label>
        <input
          id="confidence"
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={confidence}
          onChange={(event) => store.setState({ confidence: Number(event.target.value) })}
        />
      </div>
      <div className="save">
        <RightButton scope="reviews:write" tone="primary" keys="⏎" onClick={actions.saveAndNext}>
          Save {saved} {saved === 1 ? "shape" : "shapes"} & next
          {left > 0 && <span className="left-out"> ({left} hidden left out)</span>}
        </RightButton>
        <div className="row">
          <RightButton scope="reviews:write" keys="E" onClick={actions.nothingThere}>
            Nothing there
          </RightButton>
          <RightButton scope="reviews:write" keys="S" onClick={actions.skip}>
            Skip
          </RightButton>
        </div>
      </div>
    </aside>
  );
}

function Labels({ store, labels }: { store: ReviewStore; labels: readonly string[] }) {
  const active = useStore(store, (state) => state.label);
  const [query, setQuery] = useState("");
  const found = labels
    .map((name, i) => ({ name, i }))
    .filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()));
  const choose = (i: number) => {
    setLabel(store, i);
    setQuery("");
    (document.activeElement as HTMLElement | null)?.blur();
  };
  return (
    <section aria-label="Labels">
      <header className="row">
        <h3 className="grow">Labels</h3>
        <input
          id="label-search"
          className="input search"
          type="search"
          aria-label="Label by typing"
          placeholder="/"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found[0]) choose(found[0].i);
            if (event.key === "Escape") {
              setQuery("");
              event.currentTarget.blur();
            }
          }}
        />
      </header>
      <div className="labels" role="group">
        {found.map(({ name, i }) => (
          <button
            key={name}
            type="button"
            className="label-choice"
            aria-pressed={i === active}
            onClick={() => choose(i)}
          >
            <span className="swatch" style={{ background: imageColour(i) }} />
            <span className="truncate grow">{name}</span>
            {labelKey(labels, i) && <kbd aria-hidden="true">{labelKey(labels, i)}</kbd>}
          </button>
        ))}
      </div>
    </section>
  );
}

function Objects({ store, labels }: { store: ReviewStore; labels: readonly string[] }) {
  const state = useStore(store);
  const shown = state.shapes.filter((one) => isAbove(one, state.confidence));
  const below = state.shapes.length - shown.length;
  return (
    <section className="objects" aria-label="Objects">
      <header className="row">
        <h3 className="grow">
          Objects {kept(state).length}
          {below > 0 && <span className="muted"> (+{below} hidden)</span>}
        </h3>
        <Button
          tone="quiet"
          icon="trash"
          aria-label="Delete the selection"
          title="Delete (Del)"
          disabled={state.selected.size === 0}
          onClick={() => removeSelected(store)}
        />
      </header>
      {shown.length === 0 && (
        <p className="muted small none">No shape: draw one with B, or E for nothing there.</p>
      )}
      <ul>
        {shown.slice(0, MOST_ROWS).map((shape, i) => {
          const hidden = state.hidden.has(shape.id);
          const locked = state.locked.has(shape.id);
          const name = `${labels[shape.label] ?? "?"} ${i + 1}`;
          return (
            <li
              key={shape.id}
              className={state.selected.has(shape.id) ? "selected" : hidden ? "hidden" : undefined}
            >
              <button
                type="button"
                className="pick"
                aria-pressed={state.selected.has(shape.id)}
                onPointerEnter={() => store.setState({ hovered: shape.id })}
                onPointerLeave={() => store.setState({ hovered: null })}
                onClick={(event) =>
                  store.setState({
                    selected:
                      event.ctrlKey || event.metaKey
                        ? toggle(state.selected, [shape.id])
                        : new Set([shape.id]),
                    corner: null,
                  })
                }
              >
                <span className="swatch" style={{ background: imageColour(shape.label) }} />
                <span className="truncate grow">
                  {labels[shape.label] ?? "?"} <span className="muted small">#{i + 1}</span>
                </span>
                <span className="muted small">
                  {shape.fromModel && shape.score !== null ? decimal(shape.score) : "you"}
                </span>
              </button>
              <button
                type="button"
                className="mini"
                aria-label={`${hidden ? "Show" : "Hide"} ${name}`}
                onClick={() => store.setState({ hidden: toggle(state.hidden, [shape.id]) })}
              >
                <Icon name={hidden ? "eye-off" : "eye"} size={14} />
              </button>
              <button
                type="button"
                className={locked ? "mini on" : "mini"}
                aria-label={`${locked ? "Unlock" : "Lock"} ${name}`}
                onClick={() => store.setState({ locked: toggle(state.locked, [shape.id]) })}
              >
                <Icon name={locked ? "lock" : "unlock"} size={14} />
              </button>
            </li>
          );
        })}
      </ul>
      {shown.length > MOST_ROWS && (
        <p className="muted small none">
          and {shown.length - MOST_ROWS} more: choose them on the picture
        </p>
      )}
    </section>
  );
}
