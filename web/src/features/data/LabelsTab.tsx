import type { DatasetVersion } from "@/api/types";
import { Button } from "@/components/controls";
import { Empty } from "@/components/states";
import { count, percent } from "@/lib/format";
import { labelToken } from "@/lib/palette";

/** Objects by label, and their shares. */
export function LabelsTab(props: { version: DatasetVersion; onLabel: (name: string) => void }) {
  const { version } = props;
  const objects = version.objects_per_label;
  const total = Object.values(objects).reduce((sum, n) => sum + n, 0);
  const most = Math.max(1, ...Object.values(objects));
  if (version.labels.length === 0) {
    return (
      <Empty title="No label yet" icon="grid">
        The first import names them.
      </Empty>
    );
  }
  return (
    <section className="card" aria-label="Labels" data-panel>
      <header>
        <h2 className="grow">Labels</h2>
        <span className="muted">{count(total)} objects</span>
      </header>
      <ul className="body">
        {version.labels.map((name, index) => (
          <li key={name} className="share">
            <Button
              tone="quiet"
              className="truncate"
              title={`Images with ${name}`}
              onClick={() => props.onLabel(name)}
            >
              {name}
            </Button>
            <div
              className="bar"
              style={{ ["--tone" as string]: `var(--${labelToken(index)})` }}
              aria-hidden="true"
            >
              <span style={{ width: `${((objects[name] ?? 0) / most) * 100}%` }} />
            </div>
            <span className="num">{count(objects[name] ?? 0)}</span>
            <span className="num muted">
              {percent(total > 0 ? (objects[name] ?? 0) / total : null, 1)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
