import type { DriftCurves } from "@/api/types";
import { decimal } from "@/lib/format";

const W = 400;
const H = 168;

/** Value of a step function at x. */
export function stepAt(xs: number[], f: number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : f[low - 1]!;
}

/** Where the two distribution functions are farthest apart. */
export function widest(curves: DriftCurves): { x: number; live: number; reference: number } {
  let best = { x: 0, live: 0, reference: 0 };
  for (const x of [...curves.live.x, ...curves.reference.x]) {
    const live = stepAt(curves.live.x, curves.live.f, x);
    const reference = stepAt(curves.reference.x, curves.reference.f, x);
    if (Math.abs(live - reference) >= Math.abs(best.live - best.reference)) {
      best = { x, live, reference };
    }
  }
  return best;
}

export function Cdf({ curves }: { curves: DriftCurves }) {
  const all = [...curves.live.x, ...curves.reference.x];
  if (all.length === 0) return null;
  const low = Math.min(...all);
  const high = Math.max(...all);
  const px = (x: number) => ((x - low) / (high - low || 1)) * W;
  const path = (one: { x: number[]; f: number[] }) => {
    const steps = one.x.map((x, i) => {
      const across = i === 0 ? `M${px(x)} ${H}` : `H${px(x).toFixed(1)}`;
      return `${across}V${(H - one.f[i]! * H).toFixed(1)}`;
    });
    return `${steps.join("")}H${W}`;
  };
  const gap = widest(curves);
  const label = `Distribution of ${curves.feature}: live against training, D ${decimal(curves.d)} at ${decimal(gap.x)}, threshold ${decimal(curves.threshold)}`;
  return (
    <figure>
      <svg
        viewBox={`-4 -4 ${W + 8} ${H + 8}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <title>{label}</title>
        <path d={`M0 ${H}H${W}M0 ${H / 2}H${W}M0 0H${W}`} className="rule" />
        <path d={path(curves.reference)} className="reference" />
        <path d={path(curves.live)} className="live" />
        <path d={`M${px(gap.x)} ${H - gap.live * H}V${H - gap.reference * H}`} className="gap" />
      </svg>
      <figcaption className="legend">
        <span className="key" style={{ color: "var(--accent)" }}>
          <span className="swatch" /> <span className="muted">live</span>
        </span>
        <span className="key" style={{ color: "var(--reference)" }}>
          <span className="swatch" /> <span className="muted">training</span>
        </span>
        <span className="grow" />
        <span>
          {curves.feature} from {decimal(low)} to {decimal(high)} · D = {decimal(curves.d)}
        </span>
      </figcaption>
    </figure>
  );
}
