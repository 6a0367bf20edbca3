import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { post } from "@/api/client";
import { hasEnded, registrationErrors, registrations } from "@/api/data";
import type { Registration } from "@/api/types";
import { Button, Progress } from "@/components/controls";
import { FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { count } from "@/lib/format";

const TONES: Record<string, string> = { SUCCEEDED: "ok", FAILED: "danger", CANCELLED: "warn" };

/** The last registrations and how far they are. */
export function Registrations({ onChanged }: { onChanged: () => void }) {
  const query = useQuery(registrations);
  const added = query.data?.items.reduce((sum, one) => sum + one.added, 0);
  const [shown, setShown] = useState(added);
  useEffect(() => {
    if (added === undefined || added === shown) return;
    setShown(added);
    if (shown !== undefined) onChanged();
  }, [added, shown, onChanged]);
  return (
    <Loaded query={query} rows={2}>
      {({ items }) =>
        items.length === 0 ? null : (
          <section aria-label="Registrations">
            <ul className="upload-rows registrations">
              {items.map((one) => (
                <Row key={one.id} one={one} />
              ))}
            </ul>
          </section>
        )
      }
    </Loaded>
  );
}

function Row({ one }: { one: Registration }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const cancel = useMutation({
    mutationFn: () => post("ingest", `/jobs/${one.id}/cancel`),
    onSuccess: () => client.invalidateQueries({ queryKey: registrations.queryKey }),
  });
  const where = one.path === "" ? one.place : `${one.place}/${one.path}`;
  const done = one.added + one.duplicates + one.passed_over + one.failed;
  const said = [
    `${count(one.added)} added`,
    one.duplicates > 0 && `${count(one.duplicates)} there already`,
    one.passed_over > 0 && `${count(one.passed_over)} no pictures`,
    one.total !== null && `of ${count(one.total)} files`,
  ].filter(Boolean);
  return (
    <li>
      <span className="truncate grow" title={where}>
        {where}
      </span>
      <span className="muted small">{said.join(" · ")}</span>
      {one.failed > 0 && (
        <Button aria-expanded={open} onClick={() => setOpen(!open)}>
          {count(one.failed)} refused
        </Button>
      )}
      <span className="muted small">
        <Time at={one.created} relative />
      </span>
      <span className={`badge ${TONES[one.state] ?? ""}`}>{one.state.toLowerCase()}</span>
      {!hasEnded(one) && (
        <>
          <Button
            aria-label={`Cancel ${where}`}
            disabled={cancel.isPending || cancel.isSuccess}
            onClick={() => cancel.mutate()}
          >
            Cancel
          </Button>
          <Progress done={done} total={one.total} label={where} />
        </>
      )}
      {one.error !== null && <span className="small why">{one.error}</span>}
      <FormProblem error={cancel.error} />
      {open && <Errors id={one.id} />}
    </li>
  );
}

function Errors({ id }: { id: string }) {
  const query = useInfiniteQuery(registrationErrors(id));
  return (
    <ul className="grow refusals">
      {query.data?.pages.flatMap((page) =>
        page.items.map((one) => (
          <li key={one.name}>
            <span className="truncate grow">{one.name}</span>
            <span className="small why">{one.error}</span>
          </li>
        )),
      )}
      {query.hasNextPage && (
        <li>
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            More
          </Button>
        </li>
      )}
    </ul>
  );
}
