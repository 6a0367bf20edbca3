import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { post } from "@/api/client";
import { RightButton } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { Empty, FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { type Delivery, deliveries, receivers } from "@/features/alerts/api";
import { seconds } from "@/lib/format";

const TONE = { PENDING: "accent", DELIVERED: "ok", FAILED: "danger" } as const;

/** What was told to a receiver, each attempt with its answer. */
export function Deliveries({ receiver }: { receiver: string }) {
  const query = useQuery(deliveries(receiver));
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: (id: string) => post("gateway", `/deliveries/${id}/resend`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: deliveries(receiver).queryKey });
      void client.invalidateQueries({ queryKey: receivers.queryKey });
    },
  });
  return (
    <section className="stack" aria-label="Delivery log">
      <h2>Delivery log</h2>
      <FormProblem error={again.error} />
      <Loaded query={query} rows={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty compact title="Nothing was told yet">
              “Test” sends something at once.
            </Empty>
          ) : (
            <Scroll label="Delivery log" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>When</th>
                    <th>What</th>
                    <th>State</th>
                    <th>Attempts</th>
                    <th aria-label="Actions" />
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <Row key={one.id} one={one} onAgain={() => again.mutate(one.id)} />
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Loaded>
    </section>
  );
}

function Row({ one, onAgain }: { one: Delivery; onAgain: () => void }) {
  return (
    <tr>
      <td>
        <Time at={one.created} />
      </td>
      <td>
        {one.text}
        <div className="muted small">{one.type}</div>
      </td>
      <td>
        <span className={`badge ${TONE[one.state]}`}>{one.state.toLowerCase()}</span>
        {one.due && one.attempts > 0 && (
          <div className="muted small">
            again <Time at={one.due} />
          </div>
        )}
      </td>
      <td>
        {one.tried.length === 0 && <span className="muted">not yet</span>}
        {one.tried.slice(0, 5).map((each) => (
          <div key={each.number} className="small detail">
            <span className={each.ok ? undefined : "muted"}>
              {each.number}. {each.status ?? "–"} {each.detail} ({seconds(each.seconds)})
            </span>
          </div>
        ))}
      </td>
      <td>
        <RightButton scope="tokens:write" onClick={onAgain}>
          Resend
        </RightButton>
      </td>
    </tr>
  );
}
