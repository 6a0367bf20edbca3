import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { put } from "@/api/client";
import { deployment, verdict } from "@/api/queries";
import type { Delivery, DeliveryPolicy, Deployment, VerdictPolicy } from "@/api/types";
import { RightButton, Switch } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { InputField } from "@/components/InputField";
import { FormProblem } from "@/components/states";
import { toast } from "@/components/toasts";
import { Card } from "@/features/settings/Card";
import { useRefusal } from "@/lib/rights";

const POLICIES: readonly [DeliveryPolicy, string, string][] = [
  ["DEPLOY_SHADOW", "Deploy as shadow", "Runs beside the champion; you decide."],
  ["AUTO_PROMOTE", "Promote on proof", "Shadow first, champion when the verdict is reached."],
  ["DEPLOY_CHAMPION", "Deploy as champion", "Replaces the champion at once."],
  ["DEPLOY_MANUAL", "Leave it to me", "The version stays in the registry."],
];

const NUMBERS = [
  ["alpha", "α", "Chance of a wrong promotion.", 0.01],
  ["delta", "δ", "What “not worse” may lose.", 0.01],
  ["minimum", "Minimum reviews", "Before a verdict counts.", 1],
  ["maximum", "Maximum reviews", "Then it ends without one.", 1],
  ["uniform", "Uniform share", "Of the queue, 0–1.", 0.05],
] as const;

export function DeliveryCard({ deployed }: { deployed: Deployment }) {
  const d = deployed.id;
  const client = useQueryClient();
  const refusal = useRefusal("deployments:write");
  const { data: seen } = useQuery({ ...verdict(d), enabled: deployed.shadow !== null });
  const locked = (seen?.looks.length ?? 0) > 0;
  const { delivery } = deployed;
  const [policy, setPolicy] = useState(delivery.policy);
  const [fields, setFields] = useState<VerdictPolicy>(delivery.verdict);
  const save = useMutation({
    mutationFn: (next: Delivery) => put<Delivery>("deployer", `/deployments/${d}/delivery`, next),
    onSuccess: (delivery) => {
      // At once: what is saved next must not bring back what was.
      client.setQueryData(deployment(d).queryKey, (old) => old && { ...old, delivery });
      void client.invalidateQueries({ queryKey: deployment(d).queryKey });
      toast("Saved", { tone: "ok" });
    },
  });
  return (
    <Card
      title="Delivery"
      state={{ kind: delivery.active ? "on" : "off" }}
      about="What happens when an experiment of this deployment succeeds. Its model becomes a new version in any case."
      toggle={
        <Switch
          label="Continuous delivery"
          title={refusal ?? undefined}
          checked={delivery.active}
          disabled={refusal !== null || save.isPending}
          onChange={(active) => save.mutate({ active, policy, verdict: fields })}
        />
      }
      footer={
        <RightButton
          scope="deployments:write"
          tone="primary"
          disabled={save.isPending}
          onClick={() => save.mutate({ active: delivery.active, policy, verdict: fields })}
        >
          Save
        </RightButton>
      }
    >
      <fieldset disabled={refusal !== null}>
        <legend>Policy</legend>
        {POLICIES.map(([value, name, about]) => (
          <label key={value} className="choice">
            <input
              type="radio"
              name="policy"
              checked={policy === value}
              onChange={() => setPolicy(value)}
            />
            <span>
              {name}
              <br />
              <span className="muted small">{about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset disabled={locked || refusal !== null}>
        <legend className="row">
          Verdict
          {locked && (
            <span className="badge warn">
              <Icon name="lock" size={12} /> fixed at the first look
            </span>
          )}
        </legend>
        <div className="fields">
          {NUMBERS.map(([key, name, hint, stepBy]) => (
            <InputField
              key={key}
              label={name}
              hint={hint}
              type="number"
              min={0}
              step={stepBy}
              value={fields[key]}
              onChange={(typed) => setFields({ ...fields, [key]: Number(typed) })}
            />
          ))}
          <InputField
            label="Block"
            hint="Field or time that makes a burst one step; empty: each image."
            value={fields.block ?? ""}
            onChange={(typed) => setFields({ ...fields, block: typed || null })}
          />
        </div>
      </fieldset>
      <FormProblem error={save.error} />
    </Card>
  );
}
