import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { deadLetters, type LetterFilter } from "@/api/queries";
import type { DeadLetter } from "@/api/types";
import { Button, RightButton, Segments } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Scroll } from "@/components/Scroll";
import { Empty, Failure, FormProblem, Loading } from "@/components/states";
import { Time } from "@/components/Time";
import { toast } from "@/components/toasts";
import { LetterDialog } from "@/features/operations/LetterDialog";
import { OperationsTabs } from "@/features/operations/OperationsTabs";
import { count, shortId } from "@/lib/format";
import "@/features/operations/operations.css";

const FIELDS = [
  ["consumer", "Consumer", "ingest.predictions"],
  ["topic", "Topic", "sightloop.predictions"],
  ["reason", "Reason contains", "ValueError"],
  ["organization", "Organization", "id"],
] as const;
const SHOWN = { waiting: false, replayed: true, all: undefined } as const;

/** Records that no handler could take: why, what was in them, and once more. */
export default function DeadLettersPage() {
  const search = useSearch({ from: "/inside/o/$org/operations/dead-letters" });
  const navigate = useNavigate();
  const { show = "waiting", ...fields } = search;
  const filter: LetterFilter = { ...fields, replayed: SHOWN[show] };
  const query = useInfiniteQuery(deadLetters(filter));
  const [open, setOpen] = useState<DeadLetter | null>(null);
  const [all, setAll] = useState(false);
  const replay = useReplay();
  const letters = query.data?.pages.flatMap((page) => page.items) ?? [];
  const to = (change: Partial<typeof search>) =>
    void navigate({ to: ".", search: { ...search, ...change }, replace: true });
  const filtered = Object.values(fields).some(Boolean);
  return (
    <>
      <OperationsTabs />
      <div className="content letters">
        <div className="page-head">
          <h1 className="grow">Dead letters</h1>
          <RightButton
            scope="operate"
            icon="undo"
            disabled={letters.length === 0 || show === "replayed"}
            onClick={() => setAll(true)}
          >
            Replay all{filtered ? " of these" : ""}…
          </RightButton>
        </div>
        <div className="filters">
          {FIELDS.map(([name, label, example]) => (
            <label key={name} className="field">
              <span className="label">{label}</span>
              <input
                className="input"
                type="search"
                placeholder={example}
                defaultValue={search[name] ?? ""}
                key={search[name] ?? ""}
                onBlur={(event) => to({ [name]: event.target.value.trim() || undefined })}
                onKeyDown={(event) => {
                  if (event.key === "Enter") event.currentTarget.blur();
                }}
              />
            </label>
          ))}
          <Segments
            label="Which"
            value={show}
            options={[
              { value: "waiting", label: "Waiting" },
              { value: "replayed", label: "Replayed" },
              { value: "all", label: "All" },
            ]}
            onChange={(next) => to({ show: next })}
          />
        </div>
        {query.isPending ? (
          <Loading />
        ) : query.error && !query.data ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : letters.length === 0 ? (
          <Empty title={filtered ? "None match" : "No dead letters"} icon="check">
            {show === "waiting"
              ? "Every event that was sent has been handled, or was replayed."
              : "There is nothing of the kind."}
          </Empty>
        ) : (
          <>
            <Letters letters={letters} onOpen={setOpen} onReplay={(one) => replay.mutate([one])} />
            {query.hasNextPage && (
              <Button disabled={query.isFetching} onClick={() => void query.fetchNextPage()}>
                Older
              </Button>
            )}
          </>
        )}
        <FormProblem error={replay.error} />
        {open && (
          <LetterDialog
            letter={open}
            onReplay={() => {
              replay.mutate([open]);
              setOpen(null);
            }}
            onClose={() => setOpen(null)}
          />
        )}
        {all && <ReplayAll filter={filter} onClose={() => setAll(false)} />}
      </div>
    </>
  );
}

function useReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (letters: DeadLetter[]) =>
      post<{ replayed: number }>("gateway", "/dead-letters/replay", {
        letters: letters.map((one) => one.id),
      }),
    onSuccess: ({ replayed }) => {
      void client.invalidateQueries({ queryKey: ["dead-letters"] });
      void client.invalidateQueries({ queryKey: ["ledger"] });
      toast(`${count(replayed)} replayed; should it die again, it is a new dead letter`, {
        tone: "ok",
      });
    },
  });
}

function Letters(props: {
  letters: DeadLetter[];
  onOpen: (letter: DeadLetter) => void;
  onReplay: (letter: DeadLetter) => void;
}) {
  return (
    <Scroll label="Dead letters" className="card">
      <table className="table">
        <thead>
          <tr>
            <th>Died</th>
            <th>Event</th>
            <th>Consumer</th>
            <th>Reason</th>
            <th>Organization</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {props.letters.map((one) => (
            <tr key={one.id}>
              <td>
                <Time at={one.time} />
              </td>
              <td>
                <button type="button" className="open" onClick={() => props.onOpen(one)}>
                  {one.event_type.replace("sightloop.", "") || "not an event"}
                </button>
                <div className="muted small">
                  {one.topic.replace("sightloop.", "")} {one.partition}:{one.offset}
                </div>
              </td>
              <td>{one.consumer}</td>
              <td className="reason small">{one.reason.split("\n")[0]!.slice(0, 140)}</td>
              <td>
                <code title={one.organization}>{shortId(one.organization)}</code>
              </td>
              <td>
                {one.replayed ? (
                  <span className="muted small">
                    replayed <Time at={one.replayed} relative />
                  </span>
                ) : (
                  <RightButton scope="operate" icon="undo" onClick={() => props.onReplay(one)}>
                    Replay
                  </RightButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function ReplayAll({ filter, onClose }: { filter: LetterFilter; onClose: () => void }) {
  const client = useQueryClient();
  const { replayed: _, ...wanted } = filter;
  const run = useMutation({
    mutationFn: () =>
      post<{ replayed: number }>("gateway", "/dead-letters/replay", { ...wanted, all: true }),
    onSuccess: ({ replayed }) => {
      void client.invalidateQueries({ queryKey: ["dead-letters"] });
      void client.invalidateQueries({ queryKey: ["ledger"] });
      toast(`${count(replayed)} replayed`, { tone: "ok" });
      onClose();
    },
  });
  const said = Object.entries(wanted).filter(([, value]) => value);
  return (
    <Dialog
      title="Replay all that wait?"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={run.isPending} onClick={() => run.mutate()}>
            Replay all
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Each is handed to the consumer that gave it up, oldest first, and handled once however
          often it is replayed. What died for a reason that is still there dies again.
        </p>
        {said.length > 0 && (
          <p className="muted">
            Only those of {said.map(([name, value]) => `${name} ${value}`).join(", ")}.
          </p>
        )}
        <FormProblem error={run.error} />
      </div>
    </Dialog>
  );
}
