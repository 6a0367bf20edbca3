import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "@/api/client";
import { Button, RightButton } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Scroll } from "@/components/Scroll";
import { Empty, FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { type MadeReceiver, type Receiver, receivers } from "@/features/alerts/api";
import { Deliveries } from "@/features/alerts/Deliveries";
import { ForgetDialog } from "@/features/alerts/ForgetDialog";
import { ReceiverDialog } from "@/features/alerts/ReceiverDialog";
import "@/features/alerts/alerts.css";

const KINDS = { WEBHOOK: "webhook", SLACK: "chat", EMAIL: "e-mail" } as const;

/** Who is told of alerts and other events, and what came of it. */
export default function ReceiversPage() {
  const client = useQueryClient();
  const query = useQuery(receivers);
  const [editing, setEditing] = useState<Receiver | "new" | null>(null);
  const [deleting, setDeleting] = useState<Receiver | null>(null);
  const [made, setMade] = useState<MadeReceiver | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div className="content receivers">
      <div className="page-head">
        <h1>Receivers</h1>
        <span className="muted">who is told of alerts and other events</span>
        <span className="grow" />
        <RightButton scope="tokens:write" tone="primary" onClick={() => setEditing("new")}>
          New receiver
        </RightButton>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody is told of anything yet" icon="info">
              Add a webhook, a chat's incoming hook or a mailbox. Alerts are seen on the dashboard
              in any case.
            </Empty>
          ) : (
            <Scroll label="Receivers" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>Receiver</th>
                    <th>Is told of</th>
                    <th>Last time</th>
                    <th aria-label="Actions" />
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <Row
                      key={one.id}
                      one={one}
                      open={open === one.id}
                      onOpen={() => setOpen(open === one.id ? null : one.id)}
                      onEdit={() => setEditing(one)}
                      onDelete={() => setDeleting(one)}
                    />
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Loaded>
      {open && <Deliveries receiver={open} />}
      {editing && (
        <ReceiverDialog
          one={editing === "new" ? null : editing}
          onClose={() => setEditing(null)}
          onMade={setMade}
        />
      )}
      {made?.secret && (
        <Dialog
          title="The secret of this webhook"
          onClose={() => setMade(null)}
          actions={
            <Button tone="primary" onClick={() => setMade(null)}>
              I have it
            </Button>
          }
        >
          <p>Requests to “{made.name}” are signed with it. It is shown this once.</p>
          <code className="secret">{made.secret}</code>
        </Dialog>
      )}
      {deleting && (
        <ForgetDialog
          name={deleting.name}
          what="receiver"
          service="gateway"
          path={`/receivers/${deleting.id}`}
          onGone={() => void client.invalidateQueries({ queryKey: receivers.queryKey })}
          onClose={() => setDeleting(null)}
        >
          It is told nothing more, and its log is gone.
        </ForgetDialog>
      )}
    </div>
  );
}

function Row(props: {
  one: Receiver;
  open: boolean;
  onOpen: () => void;
  onEdit: () => void;
  onDelete: () => void;
}) {
  const { one } = props;
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () => post("gateway", `/receivers/${one.id}/test`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["deliveries", one.id] });
      if (!props.open) props.onOpen();
    },
  });
  return (
    <tr>
      <td>
        <strong>{one.name}</strong> <span className="badge">{KINDS[one.kind]}</span>
        {!one.enabled && <span className="badge">off</span>}
        <div className="muted small detail">{one.target}</div>
      </td>
      <td>
        {one.events.join(", ")}
        <div className="muted small">
          {one.deployments.length === 0
            ? "all deployments"
            : `${one.deployments.length} deployments`}
          {one.least_severity !== "INFO" && `, from ${one.least_severity.toLowerCase()} on`}
        </div>
      </td>
      <td>
        {one.last ? (
          <>
            <span className={`badge ${one.last.ok ? "ok" : "danger"}`}>
              {one.last.ok ? "told" : "failed"}
            </span>{" "}
            <Time at={one.last.time} relative />
            {!one.last.ok && <div className="muted small detail">{one.last.detail}</div>}
          </>
        ) : (
          <span className="muted">never told</span>
        )}
        <FormProblem error={test.error} />
      </td>
      <td>
        <div className="row">
          <Button aria-expanded={props.open} onClick={props.onOpen}>
            Log
          </Button>
          <RightButton scope="tokens:write" disabled={test.isPending} onClick={() => test.mutate()}>
            Test
          </RightButton>
          <RightButton scope="tokens:write" onClick={props.onEdit}>
            Change
          </RightButton>
          <RightButton
            scope="tokens:write"
            tone="quiet"
            icon="trash"
            aria-label={`Delete ${one.name}`}
            onClick={props.onDelete}
          />
        </div>
      </td>
    </tr>
  );
}
