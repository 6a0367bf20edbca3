import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "@/components/controls";

/** A modal `<dialog>`: the browser keeps the focus inside and gives it back. */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
  closable?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const closable = props.closable ?? true;
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser takes the first control, which is the close button; a dialog may name a better one.
      dialog.querySelector<HTMLElement>("[data-focus]")?.focus();
    }
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className={props.wide ? "wide" : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (closable) props.onClose();
      }}
    >
      <header>
        <h2 id={id} className="grow">
          {props.title}
        </h2>
        {closable && (
          <Button tone="quiet" icon="cross" aria-label="Close" onClick={props.onClose} />
        )}
      </header>
      <div className="body">{props.children}</div>
      {props.actions && <div className="actions">{props.actions}</div>}
    </dialog>
  );
}
