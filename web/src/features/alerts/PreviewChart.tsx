import type { Rehearsal, RuleBody } from "@/features/alerts/api";

const WIDTH = 640;
const HEIGHT = 120;

/** The metric over the history, its threshold, and the times in which the rule would have fired. */
export function PreviewChart({
  found,
  body,
  label,
}: {
  found: Rehearsal;
  body: RuleBody;
  label: string;
}) {
  const from = Date.parse(found.start) / 1000;
  const to = Math.max(Date.parse(found.end) / 1000, from + 1);
  const told = found.values.filter((value): value is number => value !== null);
  const limits = [
    body.threshold,
    ...(body.resolved_threshold === null ? [] : [body.resolved_threshold]),
  ];
  const low = Math.min(0, ...told, ...limits);
  const high = Math.max(...told, ...limits, low + 1e-9) * 1.05;
  const x = (t: number) => ((t - from) / (to - from)) * WIDTH;
  const y = (value: number) => HEIGHT - ((value - low) / (high - low)) * HEIGHT;
  let path = "";
  found.values.forEach((value, i) => {
    if (value === null) return;
    const before = i > 0 ? found.values[i - 1] : null;
    const at = `${x(found.t[i]!).toFixed(1)} ${y(value).toFixed(1)}`;
    // A value by itself is a dot, not nothing.
    path += before == null ? `M${at}h.01` : `L${at}`;
  });
  return (
    <svg
      className="alert-preview"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {found.firings.map((one) => {
        const start = x(Date.parse(one.fired_time) / 1000);
        const end = one.resolved_time ? x(Date.parse(one.resolved_time) / 1000) : WIDTH;
        return (
          <rect
            key={one.fired_time}
            x={start}
            y={0}
            width={Math.max(2, end - start)}
            height={HEIGHT}
            className="firing"
          />
        );
      })}
      <path d={path} className="value" />
      {limits.map((limit, i) => (
        <line
          key={i === 0 ? "threshold" : "resolved"}
          x1={0}
          x2={WIDTH}
          y1={y(limit)}
          y2={y(limit)}
          className={i === 0 ? "threshold" : "threshold resolved"}
        />
      ))}
    </svg>
  );
}
