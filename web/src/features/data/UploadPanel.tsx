import { Button, Progress } from "@/components/controls";
import { tally, type Upload } from "@/features/data/uploads";
import { bytes, count } from "@/lib/format";

const NAMES: Record<Upload["state"], string> = {
  waiting: "waiting",
  sending: "sending",
  done: "uploaded",
  duplicate: "there already",
  refused: "refused",
  stopped: "stopped",
};
const TONES: Partial<Record<Upload["state"], string>> = {
  done: "ok",
  duplicate: "warn",
  refused: "danger",
};
const SHOWN = 100;

/** How far the uploads are. Refusals stay on top with their reason; nothing closes by itself. */
export function UploadPanel(props: {
  uploads: readonly Upload[];
  onStop: () => void;
  onClear: () => void;
}) {
  const { uploads } = props;
  if (uploads.length === 0) return null;
  const found = tally(uploads);
  const left = found.waiting + found.sending;
  const ended = uploads.length - left;
  const sent = uploads.reduce(
    (sum, one) => sum + (one.state === "sending" ? one.sent : one.state === "waiting" ? 0 : 1),
    0,
  );
  const order = ["refused", "sending", "duplicate", "stopped", "waiting", "done"];
  const rows = [...uploads].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const said = (["done", "duplicate", "refused", "stopped"] as const)
    .filter((state) => found[state] > 0)
    .map((state) => `${count(found[state])} ${NAMES[state]}`)
    .join(" · ");
  return (
    <section className="card uploads" aria-label="Uploads" data-panel>
      <header>
        <h2 className="grow">
          {left > 0 ? `Uploading ${count(ended)} of ${count(uploads.length)}` : "Uploads"}
        </h2>
        <span className="muted" role="status">
          {said}
        </span>
        {left > 0 ? (
          <Button onClick={props.onStop}>Stop</Button>
        ) : (
          <Button onClick={props.onClear}>Close</Button>
        )}
      </header>
      {left > 0 && <Progress done={sent} total={uploads.length} label="Uploads" />}
      <ul className="upload-rows">
        {rows.slice(0, SHOWN).map((one) => (
          <li key={one.key}>
            <span className="truncate grow">{one.name}</span>
            <span className="muted small">{bytes(one.size)}</span>
            {one.why && <span className="small why">{one.why}</span>}
            <span className={`badge ${TONES[one.state] ?? ""}`}>{NAMES[one.state]}</span>
          </li>
        ))}
        {rows.length > SHOWN && (
          <li className="muted">and {count(rows.length - SHOWN)} more files</li>
        )}
      </ul>
    </section>
  );
}
