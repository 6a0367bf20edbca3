import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/client";
import { places, registrations } from "@/api/data";
import type { Place, Registration } from "@/api/types";
import { Button, Field, Select } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Loaded, Notice } from "@/components/states";
import { Registrations } from "@/features/data/Registrations";
import { SaidOf } from "@/features/data/SaidOf";

/** Images that lie at the server already: where, what is said of them, and how far it is. */
export function RegisterDialog(props: { onClose: () => void; onChanged: () => void }) {
  const query = useQuery(places);
  return (
    <Dialog
      title="Register images"
      wide
      onClose={props.onClose}
      actions={<Button onClick={props.onClose}>Close</Button>}
    >
      <div className="stack">
        <Loaded query={query} rows={3}>
          {({ items }) =>
            items.length > 0 ? (
              <Form places={items} />
            ) : (
              <Notice tone="warn">
                There is no folder and no bucket to register from: who runs the platform names them
                in SIGHTLOOP_INGEST_PLACES.
              </Notice>
            )
          }
        </Loaded>
        <Registrations onChanged={props.onChanged} />
      </div>
    </Dialog>
  );
}

function Form({ places: known }: { places: readonly Place[] }) {
  const client = useQueryClient();
  const [picked, setPicked] = useState("");
  const [path, setPath] = useState("");
  const [source, setSource] = useState("registration");
  const [tags, setTags] = useState<readonly string[]>([]);
  const place = known.find((one) => one.name === picked) ?? known[0];
  const start = useMutation({
    mutationFn: () =>
      post<Registration>("ingest", "/registrations", {
        place: place?.name,
        path: path.trim(),
        source: source.trim(),
        tags,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: registrations.queryKey }),
  });
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate();
      }}
    >
      <Field label="Place" hint="A folder or a bucket that the platform's settings name.">
        {(id) => (
          <Select
            id={id}
            label="Place"
            value={place?.name ?? ""}
            options={known.map((one) => ({ value: one.name, label: `${one.name} (${one.kind})` }))}
            onChange={setPicked}
          />
        )}
      </Field>
      <Field
        label="Path"
        hint={
          place?.kind === "bucket"
            ? "How keys begin; empty: everything there."
            : "A folder or a file below it; empty: everything there."
        }
      >
        {(id) => (
          <input
            id={id}
            className="input"
            value={path}
            maxLength={1024}
            onChange={(event) => setPath(event.target.value)}
          />
        )}
      </Field>
      <SaidOf source={source} onSource={setSource} tags={tags} onTags={setTags} />
      <p className="muted small">
        A picture that is in the Datalake already, byte for byte, is not added again.
      </p>
      <FormProblem error={start.error} />
      <div>
        <Button
          type="submit"
          tone="primary"
          disabled={source.trim() === "" || start.isPending || place === undefined}
        >
          Register
        </Button>
      </div>
    </form>
  );
}
