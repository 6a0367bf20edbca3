/** Bars of a few counts, from zero; an empty hour leaves a hair, not a gap in the row. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const top = Math.max(1, ...values);
  const step = 4;
  const height = 20;
  const bars = values
    .map((value, i) => {
      const h = value === 0 ? 1 : Math.max(2, (value / top) * height);
      return `M${i * step} ${height}v-${h.toFixed(1)}h3v${h.toFixed(1)}z`;
    })
    .join("");
  return (
    <svg width={values.length * step} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={bars} fill="var(--champion)" opacity="0.85" />
    </svg>
  );
}
