import type { ReactNode } from "react";

/** What may be wider than the page scrolls in itself, by keyboard too. */
export function Scroll(props: { label: string; className?: string; children: ReactNode }) {
  return (
    <section
      className={`table-scroll ${props.className ?? ""}`}
      aria-label={props.label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll what has the focus
      tabIndex={0}
    >
      {props.children}
    </section>
  );
}
