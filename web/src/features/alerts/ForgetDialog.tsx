import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { remove, type Service } from "@/api/client";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem } from "@/components/states";

/** Asks once more before a rule or a receiver is deleted. `what`: "rule". */
export function ForgetDialog(props: {
  name: string;
  what: string;
  service: Service;
  path: string;
  onGone: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const { onClose, onGone } = props;
  const gone = useMutation({
    mutationFn: () => remove(props.service, props.path),
    onSuccess: () => {
      onGone();
      onClose();
    },
  });
  return (
    <Dialog
      title={`Delete “${props.name}”?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="danger" disabled={gone.isPending} onClick={() => gone.mutate()}>
            Delete {props.what}
          </Button>
        </>
      }
    >
      <p>{props.children}</p>
      <FormProblem error={gone.error} />
    </Dialog>
  );
}
