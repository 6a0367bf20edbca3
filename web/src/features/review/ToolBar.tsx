import { Link, useSearch } from "@tanstack/react-router";
import { useStore } from "zustand";
import type { PredictedDetail, Start } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { Button, Segments } from "@/components/controls";
import type { IconName } from "@/components/Icon";
import { Icon } from "@/components/Icon";
import { listSearchOf } from "@/features/predictions/filter";
import { isQueued, REVIEW } from "@/features/review/neighbours";
import type { ReviewProps } from "@/features/review/props";
import { useSaves } from "@/features/review/saves";
import { type Choice, countsForVerdict } from "@/features/review/start";
import { type ReviewStore, type Tool, travel } from "@/features/review/store";
import { decimal } from "@/lib/format";

const TOOLS: readonly { tool: Tool; icon: IconName; name: string; key: string }[] = [
  { tool: "select", icon: "select", name: "Select", key: "V" },
  { tool: "box", icon: "box", name: "Box", key: "B" },
  { tool: "extreme", icon: "extreme", name: "Extreme points", key: "X" },
];

export function ToolBar({ store }: { store: ReviewStore }) {
  const tool = useStore(store, (state) => state.tool);
  const past = useStore(store, (state) => state.past.length);
  const future = useStore(store, (state) => state.future.length);
  return (
    <div className="tools" role="toolbar" aria-label="Tools" aria-orientation="vertical">
      {TOOLS.map((one) => (
        <Button
          key={one.tool}
          icon={one.icon}
          aria-label={one.name}
          title={`${one.name} (${one.key})`}
          aria-pressed={tool === one.tool}
          onClick={() => store.setState({ tool: one.tool, extremes: [], draft: null })}
        />
      ))}
      <span className="rule" />
      <Button
        icon="undo"
        aria-label="Undo"
        title="Undo (Ctrl Z)"
        disabled={past === 0}
        onClick={() => travel(store, "undo")}
      />
      <Button
        icon="redo"
        aria-label="Redo"
        title="Redo (Ctrl Shift Z)"
        disabled={future === 0}
        onClick={() => travel(store, "redo")}
      />
    </div>
  );
}

const CHOICES: Record<Start, Choice> = {
  BLANK: "blank",
  CHAMPION: "champion",
  SHADOW: "shadow",
  COIN_CHAMPION: "coin",
  COIN_SHADOW: "coin",
};

export function ReviewBar(
  props: ReviewProps & {
    start: Start;
    fixed: boolean;
    onStart: (choice: Choice) => void;
    onKeys: () => void;
  },
) {
  const { detail, queued, place, start, fixed } = props;
  const org = useOrg();
  const d = useDeploymentId();
  const search = useSearch({ from: REVIEW });
  const params = { org, d };
  const drawn = isQueued(queued);
  return (
    <div className="review-bar">
      <Link
        to="/o/$org/deployments/$d/predictions"
        params={params}
        search={place.fromQueue ? { q: 'status = "TO_REVIEW"' } : listSearchOf(search)}
        className="button quiet"
        title={search.q}
      >
        <Icon name="left" />
        {place.fromQueue ? "Queue" : "Predictions"}
      </Link>
      <span className="place">
        {place.at >= 0 ? `${place.at + 1}/${place.of}` : ""}
        {drawn && (
          <span className="muted" title="Probability with which this image was drawn">
            {" "}
            · π {decimal(queued.pi)}
          </span>
        )}
      </span>
      <span className="truncate muted name" title={detail.filename}>
        {detail.filename}
      </span>
      <span className="grow" />
      {fixed ? (
        <span className="badge accent">revision {detail.revision}</span>
      ) : (
        <Segments
          label="Start"
          value={CHOICES[start]}
          options={[
            ...(drawn ? [{ value: "coin" as const, label: "Coin" }] : []),
            { value: "blank" as const, label: "Blank" },
            { value: "champion" as const, label: "Champion" },
            { value: "shadow" as const, label: "Shadow", disabled: detail.shadow === null },
          ]}
          onChange={props.onStart}
        />
      )}
      {!fixed && drawn && !countsForVerdict(start, queued) && (
        <span className="small muted verdict-note" role="status">
          does not count for the verdict
        </span>
      )}
      <Submission submission={detail.submission} />
      <SaveMark asset={detail.id} />
      <Button
        tone="quiet"
        icon="keyboard"
        aria-label="Keys"
        title="All keys (?)"
        onClick={props.onKeys}
      />
    </div>
  );
}

const SUBMISSIONS = {
  pending: { tone: "", text: "being submitted" },
  settled: { tone: "ok", text: "in the dataset" },
  refused: { tone: "danger", text: "refused by the dataset" },
} as const;

function Submission({ submission }: { submission: PredictedDetail["submission"] }) {
  if (submission.state === "none") return null;
  const { tone, text } = SUBMISSIONS[submission.state];
  return (
    <span className={`badge ${tone}`} title={submission.refused ?? undefined}>
      {text}
    </span>
  );
}

function SaveMark({ asset }: { asset: string }) {
  const saves = useSaves();
  const all = [...saves.values()];
  const saving = all.filter((one) => one.kind === "saving").length;
  const failed = all.filter((one) => one.kind === "failed" || one.kind === "conflict").length;
  if (failed > 0) return <span className="small failed">{failed} not saved</span>;
  if (saving > 0) return <span className="small muted">saving {saving}…</span>;
  return (
    <span className="small muted" role="status" aria-label="Saving">
      {saves.get(asset)?.kind === "saved" ? "saved ✓" : all.length > 0 ? "all saved ✓" : ""}
    </span>
  );
}
