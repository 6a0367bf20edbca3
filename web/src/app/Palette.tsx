import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { deployments, experiments, me, models } from "@/api/queries";
import { setPreferences } from "@/lib/preferences";

interface Goal {
  name: string;
  kind: string;
  run: () => void;
}

/** Ctrl K: goes to any deployment, page, experiment or model by typing a part of its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const element = useRef<HTMLDialogElement>(null);
  const goals = useGoals();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = goals
    .filter((goal) =>
      words.every((word) => `${goal.name} ${goal.kind}`.toLowerCase().includes(word)),
    )
    .slice(0, 12);
  const chosen = Math.min(at, Math.max(0, found.length - 1));
  const go = (goal: Goal | undefined) => {
    if (!goal) return;
    onClose();
    goal.run();
  };
  return (
    <dialog
      ref={element}
      className="palette"
      aria-label="Go to"
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") setAt((chosen + 1) % Math.max(1, found.length));
        else if (event.key === "ArrowUp")
          setAt((chosen - 1 + found.length) % Math.max(1, found.length));
        else if (event.key === "Enter") go(found[chosen]);
        else return;
        event.preventDefault();
      }}
    >
      <input
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls="palette-goals"
        aria-activedescendant={found.length > 0 ? `goal-${chosen}` : undefined}
        placeholder="Go to a deployment, page, experiment, model…"
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
      />
      <ul id="palette-goals" role="listbox" aria-label="Places">
        {found.map((goal, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above takes the keys
          <li
            key={`${goal.kind} ${goal.name}`}
            id={`goal-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === chosen}
            onClick={() => go(goal)}
            onPointerMove={() => setAt(i)}
          >
            <span className="truncate">{goal.name}</span>
            <span className="muted small">{goal.kind}</span>
          </li>
        ))}
        {found.length === 0 && <li className="muted">Nothing of that name</li>}
      </ul>
    </dialog>
  );
}

function useGoals(): Goal[] {
  const navigate = useNavigate();
  const { data: who } = useQuery(me);
  const params = useParams({ strict: false });
  const { data: all } = useQuery(deployments);
  const { data: runs } = useQuery(experiments({}));
  const { data: registry } = useQuery(models);
  const org = encodeURIComponent(params.org ?? who?.organization.name ?? "");
  return useMemo(() => {
    const to = (href: string) => () => void navigate({ href });
    const base = `/o/${org}`;
    const deploymentGoals = (all?.items ?? []).flatMap((one) =>
      [
        ...(one.id === params.d ? [] : [["dashboard", "dashboard"]]),
        ["predictions", "predictions"],
        ["review queue", "review/next?src=queue"],
        ["roll-out", "rollouts/current"],
        ["settings", "settings/general"],
      ].map(([kind, path]) => ({
        name: one.name,
        kind: kind!,
        run: to(`${base}/deployments/${one.id}/${path}`),
      })),
    );
    const theme = (name: "light" | "dark" | "system"): Goal => ({
      name: `Theme: ${name}`,
      kind: "preference",
      run: () => setPreferences({ theme: name }),
    });
    return [
      ...deploymentGoals,
      { name: "Deployments", kind: "page", run: to(`${base}/deployments`) },
      { name: "Experiments", kind: "page", run: to(`${base}/projects/all/experiments`) },
      { name: "Models", kind: "page", run: to(`${base}/models`) },
      { name: "Books", kind: "page", run: to(`${base}/operations/books`) },
      { name: "Dead letters", kind: "page", run: to(`${base}/operations/dead-letters`) },
      { name: "Consumers", kind: "page", run: to(`${base}/operations/consumers`) },
      { name: "Receivers", kind: "page", run: to(`${base}/settings/receivers`) },
      { name: "Me", kind: "page", run: to("/me") },
      ...(runs?.items ?? []).map((one) => ({
        name: one.name,
        kind: "experiment",
        run: to(`${base}/projects/${one.project}/experiments/${one.id}`),
      })),
      ...(registry?.items ?? []).map((one) => ({
        name: one.name,
        kind: "model",
        run: to(`${base}/models/${one.id}/versions`),
      })),
      theme("light"),
      theme("dark"),
      theme("system"),
    ];
  }, [all, runs, registry, org, params.d, navigate]);
}
