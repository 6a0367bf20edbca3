/** Colours that a canvas needs as values; the same numbers as styles/tokens.css. */

/** On images and on dark ground. The slot is the label's index modulo 8, so filters never recolour. */
export const ON_IMAGE = [
  "#20C3EA",
  "#A46E05",
  "#139560",
  "#E9088E",
  "#AFF100",
  "#924DFC",
  "#BFA101",
  "#8081AB",
] as const;

export function imageColour(index: number): string {
  return ON_IMAGE[((index % 8) + 8) % 8]!;
}

/** From the ninth label on the slot repeats and the shape gets corner ticks. */
export function needsTicks(index: number): boolean {
  return index >= 8;
}

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function labelToken(index: number): string {
  return `label-${((index % 8) + 8) % 8}`;
}

const CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
] as const;

/** Cividis at x in [0, 1], between ten stops of the published map. */
export function cividis(x: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, x)) * (CIVIDIS.length - 1);
  const i = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const f = at - i;
  const a = CIVIDIS[i]!;
  const b = CIVIDIS[i + 1]!;
  return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * f)) as [number, number, number];
}
