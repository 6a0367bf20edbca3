import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, put, remove } from "@/api/client";
import { deployment, modelVersions, rollouts } from "@/api/queries";
import type { Deployment, Verdict } from "@/api/types";
import { Button, RightButton, Select } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";
import { toast } from "@/components/toasts";

type Act = "promote" | "remove" | "rollback";

function effect(act: Act, deployed: Deployment, proof: Verdict | null) {
  const champion = `v${deployed.champion.number}`;
  const shadow = `v${deployed.shadow?.number ?? "–"}`;
  if (act === "promote") {
    const early = proof && proof.reached !== "BETTER" && proof.reached !== "NOT_WORSE";
    return {
      title: `Promote ${shadow}`,
      button: "Promote",
      text: `${shadow} answers from now on; ${champion} is kept for a roll-back, and the verdict ends.${
        early ? " No verdict is reached yet: this is your decision, not the proof's." : ""
      }`,
    };
  }
  if (act === "remove") {
    return {
      title: `Remove shadow ${shadow}`,
      button: "Remove shadow",
      text: `${shadow} sees no more images. ${champion} goes on answering. A later shadow begins its verdict anew.`,
    };
  }
  return {
    title: "Roll back",
    button: "Roll back",
    text: `The champion before ${champion} answers again. ${champion} stays in the registry.`,
  };
}

export function Actions({ deployed, proof }: { deployed: Deployment; proof: Verdict | null }) {
  const [asked, setAsked] = useState<Act | null>(null);
  const hasShadow = deployed.shadow !== null;
  if (!hasShadow && !deployed.can_roll_back) return null;
  return (
    <div className="row wrap actions-bar" role="toolbar" aria-label="Roll-out">
      {hasShadow && (
        <>
          <RightButton
            scope="rollouts:write"
            tone={
              proof?.reached === "BETTER" || proof?.reached === "NOT_WORSE" ? "primary" : undefined
            }
            onClick={() => setAsked("promote")}
          >
            Promote
          </RightButton>
          <RightButton scope="rollouts:write" onClick={() => setAsked("remove")}>
            Remove shadow
          </RightButton>
        </>
      )}
      {deployed.can_roll_back && (
        <RightButton scope="rollouts:write" tone="danger" onClick={() => setAsked("rollback")}>
          Roll back
        </RightButton>
      )}
      {asked && (
        <Confirm act={asked} deployed={deployed} proof={proof} onClose={() => setAsked(null)} />
      )}
    </div>
  );
}

function useRefresh(d: string) {
  const client = useQueryClient();
  return (answer: Deployment | null) => {
    if (answer && "champion" in answer) client.setQueryData(deployment(d).queryKey, answer);
    for (const key of ["deployment", "verdict", "rollouts", "dashboard"]) {
      void client.invalidateQueries({ queryKey: [key, d] });
    }
    void client.invalidateQueries({ queryKey: ["deployments"] });
    void client.invalidateQueries({ queryKey: rollouts(d).queryKey });
  };
}

function Confirm(props: {
  act: Act;
  deployed: Deployment;
  proof: Verdict | null;
  onClose: () => void;
}) {
  const { act, deployed } = props;
  const d = deployed.id;
  const refresh = useRefresh(d);
  const said = effect(act, deployed, props.proof);
  const run = useMutation({
    mutationFn: () => {
      if (act === "promote") return post<Deployment>("deployer", `/deployments/${d}/promote`);
      if (act === "remove") return remove<Deployment>("deployer", `/deployments/${d}/shadow`);
      return post<Deployment>("deployer", `/deployments/${d}/rollback`);
    },
    onSuccess: (answer) => {
      refresh(answer);
      toast(`${said.title}: done`, { tone: "ok" });
      props.onClose();
    },
  });
  return (
    <Dialog
      title={said.title}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button tone="primary" disabled={run.isPending} onClick={() => run.mutate()}>
            {said.button}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{said.text}</p>
        <FormProblem error={run.error} />
      </div>
    </Dialog>
  );
}

export function DeployShadow({ deployed }: { deployed: Deployment }) {
  const d = deployed.id;
  const refresh = useRefresh(d);
  const { data } = useQuery(modelVersions(deployed.champion.model));
  const [chosen, setChosen] = useState("");
  const deploy = useMutation({
    mutationFn: () =>
      put<Deployment>("deployer", `/deployments/${d}/shadow`, { model_version: chosen }),
    onSuccess: refresh,
  });
  const others = (data?.items ?? []).filter((one) => one.id !== deployed.champion.version);
  return (
    <div className="stack deploy-shadow">
      <div className="row">
        <Select
          label="Version"
          value={chosen}
          options={[
            { value: "", label: others.length ? "Choose a version…" : "No other version" },
            ...others.map((one) => ({ value: one.id, label: `v${one.number} ${one.name}` })),
          ]}
          onChange={setChosen}
        />
        <RightButton
          scope="rollouts:write"
          tone="primary"
          disabled={!chosen || deploy.isPending}
          onClick={() => deploy.mutate()}
        >
          Deploy shadow
        </RightButton>
      </div>
      <FormProblem error={deploy.error} />
    </div>
  );
}
