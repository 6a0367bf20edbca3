import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { post, type Service } from "@/api/client";
import { hasEnded, jobOf } from "@/api/data";
import { Button, Progress } from "@/components/controls";
import { Loaded, Notice } from "@/components/states";
import { count } from "@/lib/format";

/** How far a job is; it can be cancelled, and says why it failed. */
export function JobProgress(props: { service: Service; job: string; onSuccess?: () => void }) {
  const { service, job } = props;
  const client = useQueryClient();
  const query = useQuery(jobOf(service, job));
  const cancel = useMutation({ mutationFn: () => post(service, `/jobs/${job}/cancel`) });
  const succeeded = query.data?.state === "SUCCEEDED";
  const { onSuccess } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it has succeeded
  useEffect(() => {
    if (!succeeded) return;
    for (const key of ["rows", "count-of", "dataset-version", "dataset-versions", "uses"]) {
      void client.invalidateQueries({ queryKey: [key] });
    }
    onSuccess?.();
  }, [succeeded]);
  return (
    <Loaded query={query} rows={2}>
      {(one) => (
        <div className="stack">
          <p>{one.subject}</p>
          {one.state === "FAILED" ? (
            <Notice tone="danger">{one.error ?? "It failed."}</Notice>
          ) : one.state === "CANCELLED" ? (
            <Notice tone="warn">Cancelled.</Notice>
          ) : succeeded ? (
            <Notice tone="ok">{one.message || "Done."}</Notice>
          ) : (
            <>
              <Progress done={one.done} total={one.total || null} label={one.subject} />
              <p className="muted small">
                {one.state === "QUEUED"
                  ? "Waits for its turn"
                  : `${count(one.done)} of ${count(one.total)}`}{" "}
                {one.message}
              </p>
            </>
          )}
          {!hasEnded(one) && (
            <div>
              <Button
                disabled={cancel.isPending || cancel.isSuccess}
                onClick={() => cancel.mutate()}
              >
                Cancel the job
              </Button>
            </div>
          )}
        </div>
      )}
    </Loaded>
  );
}
