import type { ReactNode } from "react";

export type CardState =
  | { kind: "off" }
  | { kind: "on" }
  | { kind: "setting-up"; percent: number | null }
  | { kind: "failed" };

const TONES = { off: "", on: "ok", "setting-up": "accent", failed: "danger" } as const;

/** One stage of the pipeline: its state, what it does, its form, its last action. */
export function Card(props: {
  title: string;
  state?: CardState;
  about: ReactNode;
  toggle?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}) {
  const { state } = props;
  return (
    <section className="card" aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {state && (
          <span className={`badge ${TONES[state.kind]}`} role="status">
            {state.kind === "setting-up"
              ? `setting up${state.percent === null ? "" : ` ${state.percent} %`}`
              : state.kind}
          </span>
        )}
        <span className="grow" />
        {props.toggle}
      </header>
      <div className="body stack">
        <p className="muted about">{props.about}</p>
        {props.children}
      </div>
      {props.footer && <footer>{props.footer}</footer>}
    </section>
  );
}
