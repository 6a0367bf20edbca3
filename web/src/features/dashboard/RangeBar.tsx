import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Dashboard } from "@/api/types";
import { Button, Menu, Segments, Select } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { dateTime, zoneName } from "@/lib/format";
import { useKeys } from "@/lib/keys";
import { setPreferences, usePreferences } from "@/lib/preferences";
import {
  durationSeconds,
  PRESETS,
  rangeName,
  type Span,
  shifted,
  type TimeRange,
} from "@/lib/range";

const FROM = "/inside/o/$org/deployments/$d/dashboard";

export function useRange(): { range: TimeRange; zoom: (from: string, to: string) => void } {
  const search = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/dashboard" });
  const range: TimeRange =
    search.from && search.to
      ? { from: search.from, to: search.to }
      : { range: search.range ?? "24h" };
  return {
    range,
    zoom: (from, to) =>
      void navigate({ search: (old) => ({ ...old, range: undefined, from, to }) }),
  };
}

export function RangeBar({ data, hasShadow }: { data: Dashboard | undefined; hasShadow: boolean }) {
  const { range, zoom } = useRange();
  const search = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/dashboard" });
  const router = useRouter();
  const { zone } = usePreferences();
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState(false);
  const span: Span | null = data ? { from: data.from, to: data.to } : null;
  const move = (by: number, scale = 1) => {
    if (!span) return;
    const next = shifted(span, by, scale);
    zoom(next.from, next.to);
  };
  const back = () => router.history.back();
  useKeys({ z: back, "-": () => move(0, 2), "+": () => move(0, 0.5) });
  const choose = (name: string) =>
    void navigate({ search: (old) => ({ ...old, from: undefined, to: undefined, range: name }) });
  const submit = (event: FormEvent, close: () => void) => {
    event.preventDefault();
    const name = typed.trim().toLowerCase().replace(/\s+/g, "");
    if (name !== "all" && durationSeconds(name) === null) {
      setWrong(true);
      return;
    }
    choose(name);
    close();
  };
  const label =
    "range" in range
      ? rangeName(range)
      : `${dateTime(range.from, zone)} – ${dateTime(range.to, zone)}`;
  return (
    <div className="row wrap range-bar" role="toolbar" aria-label="Time range and models">
      <Menu
        label="Time range"
        button={
          <>
            <Icon name="clock" />
            {label}
            <Icon name="down" size={12} />
          </>
        }
      >
        {(close) => (
          <>
            <form className="row typed" onSubmit={(event) => submit(event, close)}>
              <input
                className="input"
                aria-label="Length of the range, as 45m, 3d or 2w"
                placeholder="3d"
                value={typed}
                aria-invalid={wrong}
                onChange={(event) => {
                  setTyped(event.target.value);
                  setWrong(false);
                }}
              />
              <Button type="submit">Show</Button>
            </form>
            {wrong && <p className="small wrong">A number and m, h, d, w or y, as in 45m.</p>}
            {PRESETS.map((name) => (
              <button
                key={name}
                type="button"
                className="item"
                role="menuitemradio"
                aria-checked={"range" in range && range.range === name}
                onClick={() => {
                  choose(name);
                  close();
                }}
              >
                {rangeName({ range: name })}
              </button>
            ))}
          </>
        )}
      </Menu>
      <span className="segments">
        <Button icon="left" aria-label="Earlier" title="Earlier" onClick={() => move(-0.5)} />
        <Button
          icon="minus"
          aria-label="Zoom out"
          title="Zoom out (−)"
          onClick={() => move(0, 2)}
        />
        <Button icon="plus" aria-label="Zoom in" title="Zoom in (+)" onClick={() => move(0, 0.5)} />
        <Button icon="right" aria-label="Later" title="Later" onClick={() => move(0.5)} />
      </span>
      <Button icon="undo" title="Back to the range before (Z)" onClick={back}>
        Back
      </Button>
      {hasShadow && (
        <Segments
          label="Models"
          value={search.models ?? "both"}
          options={[
            { value: "champion", label: "Champion" },
            { value: "both", label: "Both" },
            { value: "shadow", label: "Shadow" },
          ]}
          onChange={(models) => void navigate({ search: (old) => ({ ...old, models }) })}
        />
      )}
      {data && data.labels.names.length > 1 && (
        <Select
          label="Label"
          value={search.label ?? "all"}
          options={[
            { value: "all", label: "All labels" },
            ...data.labels.names.map((name) => ({ value: name, label: name })),
          ]}
          onChange={(name) =>
            void navigate({
              search: (old) => ({ ...old, label: name === "all" ? undefined : name }),
            })
          }
        />
      )}
      <Button
        tone="quiet"
        title="Change between local time and UTC"
        onClick={() => setPreferences({ zone: zone === "UTC" ? "local" : "UTC" })}
      >
        {zoneName(zone)}
      </Button>
    </div>
  );
}
