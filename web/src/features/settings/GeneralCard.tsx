import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { patch } from "@/api/client";
import { deployment, deployments } from "@/api/queries";
import type { Deployment } from "@/api/types";
import { RightButton } from "@/components/controls";
import { InputField } from "@/components/InputField";
import { FormProblem } from "@/components/states";
import { Time } from "@/components/Time";
import { toast } from "@/components/toasts";
import { Card } from "@/features/settings/Card";

export function GeneralCard({ deployed }: { deployed: Deployment }) {
  const client = useQueryClient();
  const [name, setName] = useState(deployed.name);
  const [threshold, setThreshold] = useState(String(deployed.threshold));
  const [rate, setRate] = useState(String(deployed.sample_rate));
  const [days, setDays] = useState(deployed.retention_days?.toString() ?? "");
  const save = useMutation({
    mutationFn: () =>
      patch<Deployment>("deployer", `/deployments/${deployed.id}`, {
        name: name.trim(),
        threshold: Number(threshold),
        sample_rate: Number(rate),
        retention_days: days.trim() === "" ? null : Number(days),
      }),
    onSuccess: (answer) => {
      client.setQueryData(deployment(deployed.id).queryKey, answer);
      void client.invalidateQueries({ queryKey: deployments.queryKey });
      toast("Saved", { tone: "ok" });
    },
  });
  return (
    <Card
      title="General"
      about={
        <>
          Created <Time at={deployed.created} />. Identifier <code>{deployed.id}</code>
        </>
      }
      footer={
        <RightButton
          scope="deployments:write"
          tone="primary"
          disabled={save.isPending || !name.trim()}
          onClick={() => save.mutate()}
        >
          Save
        </RightButton>
      }
    >
      <div className="fields">
        <InputField label="Name" value={name} onChange={setName} />
        <InputField
          label="Confidence threshold"
          hint="0–1. Shapes below are not counted at the threshold."
          type="number"
          min={0}
          max={1}
          step={0.01}
          value={threshold}
          onChange={setThreshold}
        />
        <InputField
          label="Sample rate of pictures"
          hint="0–1. The share kept; metrics count every prediction."
          type="number"
          min={0}
          max={1}
          step={0.01}
          value={rate}
          onChange={setRate}
        />
        <InputField
          label="Retention"
          hint="Days; empty keeps for good. Rollups stay."
          type="number"
          min={1}
          value={days}
          onChange={setDays}
        />
      </div>
      <FormProblem error={save.error} />
    </Card>
  );
}
