import { useQuery } from "@tanstack/react-query";
import { deadLetter } from "@/api/queries";
import type { DeadLetter } from "@/api/types";
import { Button, RightButton } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { Loaded } from "@/components/states";
import { Time } from "@/components/Time";

/** All of a dead letter: why it died, where it lay, its headers and its data. */
export function LetterDialog(props: {
  letter: DeadLetter;
  onReplay: () => void;
  onClose: () => void;
}) {
  const { letter } = props;
  const query = useQuery(deadLetter(letter.id));
  return (
    <Dialog
      wide
      title={letter.event_type.replace("sightloop.", "") || "Not an event"}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Close</Button>
          <RightButton
            scope="operate"
            tone="primary"
            icon="undo"
            disabled={letter.replayed !== null}
            onClick={props.onReplay}
          >
            {letter.replayed ? "Replayed" : "Replay"}
          </RightButton>
        </>
      }
    >
      <Loaded query={query}>
        {(whole) => (
          <div className="stack letter">
            <pre>{whole.reason}</pre>
            <dl className="small">
              <dt>Consumer</dt>
              <dd>{whole.consumer}</dd>
              <dt>Lay in</dt>
              <dd>
                {whole.topic}, partition {whole.partition}, offset {whole.offset}, key {whole.key}
              </dd>
              <dt>Died</dt>
              <dd>
                <Time at={whole.time} />
              </dd>
              {Object.entries(whole.headers).map(([name, value]) => (
                <HeaderLine key={name} name={name} value={value} />
              ))}
            </dl>
            <h3>Data</h3>
            <pre>
              {typeof whole.data === "string" ? whole.data : JSON.stringify(whole.data, null, 1)}
            </pre>
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}

function HeaderLine({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
