import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/client";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";

const REASONS = ["cannot tell", "bad picture", "not for this task"] as const;

export function SkipDialog(props: {
  deployment: string;
  asset: string;
  onClose: () => void;
  onSkipped: () => void;
}) {
  const [own, setOwn] = useState("");
  const skip = useMutation({
    mutationFn: (reason: string) =>
      post("review", `/deployments/${props.deployment}/predictions/${props.asset}/skip`, {
        reason,
      }),
    onSuccess: props.onSkipped,
  });
  return (
    <Dialog title="Skip this image" onClose={props.onClose}>
      <form
        className="stack"
        onKeyDown={(event) => {
          const reason = REASONS[Number(event.key) - 1];
          if (reason && !(event.target instanceof HTMLInputElement)) skip.mutate(reason);
        }}
        onSubmit={(event) => {
          event.preventDefault();
          if (own.trim()) skip.mutate(own.trim());
        }}
      >
        <p className="muted">Skipped images are logged and left out of the estimates.</p>
        {REASONS.map((reason, i) => (
          <Button
            key={reason}
            keys={String(i + 1)}
            data-focus={i === 0 ? "" : undefined}
            disabled={skip.isPending}
            onClick={() => skip.mutate(reason)}
          >
            {reason}
          </Button>
        ))}
        <div className="row">
          <input
            className="input grow"
            aria-label="Another reason"
            placeholder="Another reason"
            value={own}
            onChange={(event) => setOwn(event.target.value)}
          />
          <Button type="submit" disabled={!own.trim() || skip.isPending}>
            Skip
          </Button>
        </div>
        <FormProblem error={skip.error} />
      </form>
    </Dialog>
  );
}
