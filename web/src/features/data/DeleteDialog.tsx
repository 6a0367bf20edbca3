import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { remove } from "@/api/client";
import { uses } from "@/api/data";
import { isProblem } from "@/api/problem";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Loaded, Notice } from "@/components/states";
import { toast } from "@/components/toasts";
import { count } from "@/lib/format";

const MOST = 200;

interface Doomed {
  id: string;
  filename: string;
  deployment: string | null;
}

/** What refers to the images is shown before they go. */
export function DeleteDialog(props: {
  images: readonly Doomed[];
  onClose: () => void;
  onDone: () => void;
}) {
  const { images } = props;
  const [erase, setErase] = useState(false);
  const [done, setDone] = useState(0);
  const used = useQuery(uses({ data: images.slice(0, MOST).map((one) => one.id) }));
  const logged = images.filter((one) => one.deployment !== null).length;
  const drop = useMutation({
    mutationFn: async () => {
      for (const one of images) {
        try {
          await remove("ingest", `/data/${one.id}${erase ? "?erase=true" : ""}`);
        } catch (error) {
          if (!isProblem(error, 404)) throw error;
        }
        setDone((n) => n + 1);
      }
    },
    onSuccess: () => {
      toast(`${count(images.length)} deleted`, { tone: "ok" });
      props.onDone();
    },
  });
  const many = images.length > MOST;
  return (
    <Dialog
      title={`Delete ${images.length === 1 ? images[0]!.filename : `${count(images.length)} images`}`}
      onClose={props.onClose}
      closable={!drop.isPending}
      actions={
        <>
          <Button disabled={drop.isPending} onClick={props.onClose}>
            Cancel
          </Button>
          <Button tone="danger" disabled={drop.isPending || many} onClick={() => drop.mutate()}>
            {drop.isPending
              ? `Deleting ${count(done)} of ${count(images.length)}`
              : `Delete ${count(images.length)}`}
          </Button>
        </>
      }
    >
      <div className="stack">
        {many && (
          <Notice tone="warn">At most {MOST} are deleted at once: choose fewer of them.</Notice>
        )}
        {logged > 0 && (
          <Notice tone="warn">
            {count(logged)} {logged === 1 ? "was" : "were"} logged by a deployment: the{" "}
            {logged === 1 ? "prediction goes" : "predictions go"} too, and every number subtracts{" "}
            {logged === 1 ? "it" : "them"}.
          </Notice>
        )}
        <Loaded query={used} rows={2}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="muted">No dataset has {images.length === 1 ? "it" : "any of them"}.</p>
            ) : (
              <div className="stack">
                <p>
                  In datasets:{" "}
                  {[...new Set(items.map((one) => `${one.dataset_name} ${one.version_name}`))].join(
                    ", ",
                  )}{" "}
                  ({count(items.length)} {items.length === 1 ? "asset" : "assets"}).
                </p>
                <label className="choice">
                  <input
                    type="checkbox"
                    checked={erase}
                    onChange={(event) => setErase(event.target.checked)}
                  />
                  Erase: take the copies in datasets too, frozen versions included
                </label>
              </div>
            )
          }
        </Loaded>
        <FormProblem error={drop.error} />
      </div>
    </Dialog>
  );
}
