import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { consumers } from "@/api/queries";
import type { Consumer, ConsumerMember } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Icon } from "@/components/Icon";
import { Scroll } from "@/components/Scroll";
import { Empty, FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { toast } from "@/components/toasts";
import { OperationsTabs } from "@/features/operations/OperationsTabs";
import { count, seconds } from "@/lib/format";
import "@/features/operations/operations.css";

/** How far behind each consumer is, when it is caught up, and which stands still. */
export default function ConsumersPage() {
  const query = useQuery(consumers);
  const [closing, setClosing] = useState<Consumer | null>(null);
  return (
    <>
      <OperationsTabs />
      <div className="content consumers">
        <div className="page-head">
          <h1>Consumers</h1>
          <span className="muted">as their processes last reported</span>
        </div>
        <Loaded query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No process has reported yet" icon="operations">
                Each reports within seconds of its start.
              </Empty>
            ) : (
              <Scroll label="Consumers" className="card">
                <table className="table">
                  <thead>
                    <tr>
                      <th>Consumer</th>
                      <th>State</th>
                      <th className="num">Behind</th>
                      <th>Caught up</th>
                      <th>Processes</th>
                    </tr>
                  </thead>
                  <tbody>
                    {[...items].sort(worstFirst).map((one) => (
                      <ConsumerRow key={one.name} one={one} onClose={() => setClosing(one)} />
                    ))}
                  </tbody>
                </table>
              </Scroll>
            )
          }
        </Loaded>
        {closing && <CloseDialog one={closing} onClose={() => setClosing(null)} />}
      </div>
    </>
  );
}

/** Those that stand still, then those furthest behind, then by name. */
function worstFirst(a: Consumer, b: Consumer): number {
  const stands = (one: Consumer) => Number(one.breaker_open || one.lag === null);
  return stands(b) - stands(a) || (b.lag ?? 0) - (a.lag ?? 0) || a.name.localeCompare(b.name);
}

function ConsumerRow({ one, onClose }: { one: Consumer; onClose: () => void }) {
  // How far behind is said already.
  const said = one.members.map((m) => m.reason).filter((why) => !why.endsWith("records behind"));
  const reasons = [...new Set(said.filter(Boolean))];
  return (
    <tr>
      <td>
        <strong>{one.name}</strong>
        <div className="muted small">
          {one.topics.map((topic) => topic.replace("sightloop.", "")).join(", ")}
        </div>
      </td>
      <td>
        <State one={one} />
        {one.breaker_open && (
          <div className="row">
            <Button icon="play" onClick={onClose}>
              Close the breaker…
            </Button>
          </div>
        )}
        {reasons.map((reason) => (
          <div key={reason} className="muted small said" title={reason}>
            {reason.replace(`${one.name}: `, "").split("\n")[0]!.slice(0, 240)}
          </div>
        ))}
      </td>
      <td className="num">{one.lag === null ? "not known" : count(one.lag)}</td>
      <td>{caughtUp(one)}</td>
      <td>
        <ul className="members small">
          {one.members.map((member) => (
            <MemberLine key={member.process} member={member} />
          ))}
        </ul>
      </td>
    </tr>
  );
}

function caughtUp(one: Consumer): string {
  if (one.lag === null) return "–";
  if (one.lag === 0) return "now";
  if (one.breaker_open) return "not before the breaker is closed";
  if (one.caught_up_seconds === null) return one.lag < 1000 ? "in a moment" : "not coming nearer";
  return `in about ${about(one.caught_up_seconds)}`;
}

/** Whole minutes beyond two of them: a forecast is no better. */
function about(value: number): string {
  if (value < 120) return seconds(Math.max(1, Math.ceil(value)));
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return `${Math.round(value / 3600)} h`;
}

function State({ one }: { one: Consumer }) {
  if (one.breaker_open) {
    return (
      <span className="badge danger">
        <Icon name="warn" size={12} /> stopped
      </span>
    );
  }
  if (one.lag === null) {
    return (
      <span className="badge danger">
        <Icon name="warn" size={12} /> nobody consumes
      </span>
    );
  }
  if (one.members.some((m) => !m.silent && !m.ready)) {
    return (
      <span className="badge warn">
        <Icon name="clock" size={12} /> {one.lag > 0 ? `behind by ${count(one.lag)}` : "not ready"}
      </span>
    );
  }
  return (
    <span className="badge ok">
      <Icon name="check" size={12} /> well
    </span>
  );
}

function MemberLine({ member }: { member: ConsumerMember }) {
  return (
    <li className={member.silent ? "muted" : undefined}>
      {member.host}, {count(member.partitions)}{" "}
      {member.partitions === 1 ? "partition" : "partitions"}
      {member.lag !== null && member.lag > 0 && `, ${count(member.lag)} behind`}
      {member.silent ? ", silent since " : ", "}
      <Time at={member.reported} relative />
    </li>
  );
}

function CloseDialog({ one, onClose }: { one: Consumer; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const close = useMutation({
    mutationFn: () => post<Consumer>("gateway", `/consumers/${one.name}/close-breaker`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["consumers"] });
      toast(`${one.name} was told to go on`, { tone: "ok" });
      onClose();
    },
  });
  return (
    <Dialog
      title={`Let ${one.name} go on?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={close.isPending} onClick={() => close.mutate()}>
            Close the breaker
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          It stopped because too many events died one after the other. Mend first why they did: a
          new release, or what sent them. It goes on where it stopped; should events die again, it
          stops again, and what died meanwhile waits among the{" "}
          <Link
            to="/o/$org/operations/dead-letters"
            params={{ org }}
            search={{ consumer: one.name }}
          >
            dead letters
          </Link>
          .
        </p>
        <FormProblem error={close.error} />
      </div>
    </Dialog>
  );
}
