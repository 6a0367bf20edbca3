import { Dialog } from "@/components/Dialog";
import { KEY_TABLE } from "@/features/review/keymap";
import { labelKey } from "@/features/review/neighbours";

export function KeysDialog({
  labels,
  onClose,
}: {
  labels: readonly string[];
  onClose: () => void;
}) {
  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <dl className="keys-table">
        {KEY_TABLE.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(/\s{2,}/).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
        {labels.map((name, i) => {
          const key = labelKey(labels, i);
          return key === null ? null : (
            <div key={name}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>label {name}</dd>
            </div>
          );
        })}
      </dl>
    </Dialog>
  );
}
