/** Line icons, 16 px, drawn for this interface. Always beside a name, hence hidden from assistive technology. */
const PATHS = {
  deployments: "M2 4.5 8 2l6 2.5v7L8 14l-6-2.5zM2 4.5 8 7l6-2.5M8 7v7",
  experiments: "M6 2h4M6.8 2v4.2L3 12.6A1 1 0 0 0 3.9 14h8.2a1 1 0 0 0 .9-1.4L9.2 6.2V2M4.8 10h6.4",
  models: "M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  operations: "M2 13h12M3.5 13V8.5M7 13V4M10.5 13V7M13 13v-3",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14",
  user: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.6-2.7 2.8-4 5.5-4s4.9 1.3 5.5 4",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  warn: "M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.3",
  error: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.6M8 10.8v.3",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.4V11M8 5v.3",
  lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  unlock: "M4 7h8v6.5H4zM5.5 7V4.5a2.5 2.5 0 0 1 4.8-.9",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  "eye-off": "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM3 13 13 3",
  down: "M4 6l4 4 4-4",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  undo: "M3 7h6.5a3.5 3.5 0 0 1 0 7H7M6 4 3 7l3 3",
  redo: "M13 7H6.5a3.5 3.5 0 0 0 0 7H9M10 4l3 3-3 3",
  select: "M4 2.5l8 5.3-3.6.7L6.3 12z",
  box: "M3 4h10v8H3z",
  extreme: "M8 2v3M8 11v3M2 8h3M11 8h3M5.5 5.5h5v5h-5z",
  polygon: "M8 2.2 13.6 6.4 11.4 13H4.6L2.4 6.4z",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  keyboard: "M1.5 4h13v8h-13zM4 6.7h.1M6.6 6.7h.1M9.3 6.7h.1M12 6.7h.1M5 9.4h6",
  table: "M2.5 3h11v10h-11zM2.5 6.5h11M2.5 9.8h11M6.5 3v10",
  grid: "M2.5 2.5h4.4v4.4H2.5zM9.1 2.5h4.4v4.4H9.1zM2.5 9.1h4.4v4.4H2.5zM9.1 9.1h4.4v4.4H9.1z",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.2l2 1.3",
  theme: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12",
  image: "M2.5 3h11v10h-11zM2.5 11l3.2-3 2.3 2 2.2-2.4 3.3 3.2M6 6.2h.1",
  play: "M5 3.5v9l7-4.5z",
  rollout: "M2 12c4 0 4-8 12-8M10.5 1.8 14 4l-2.6 3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth={name === "more" ? 2 : 1.4}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
