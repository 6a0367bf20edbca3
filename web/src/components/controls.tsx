import {
  type ButtonHTMLAttributes,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { Icon, type IconName } from "@/components/Icon";
import { useRefusal } from "@/lib/rights";

type Tone = "primary" | "danger" | "quiet";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone;
  icon?: IconName;
  keys?: string;
  "data-focus"?: string;
}

export function Button({ tone, icon, keys, children, className, ...rest }: ButtonProps) {
  const bare = children === undefined;
  return (
    <button
      type="button"
      className={["button", tone, bare && "icon", className].filter(Boolean).join(" ")}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}

/** A button that names the missing role instead of vanishing. Stays focusable so that the reason can be read. */
export function RightButton({ scope, title, ...rest }: ButtonProps & { scope: string }) {
  const refusal = useRefusal(scope);
  if (refusal === null) return <Button title={title} {...rest} />;
  return (
    <Button {...rest} title={refusal} aria-disabled="true" onClick={undefined} type="button" />
  );
}

export function Switch(props: {
  label: string;
  checked: boolean;
  disabled?: boolean;
  title?: string;
  onChange: (checked: boolean) => void;
}) {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={props.checked}
      aria-label={props.label}
      title={props.title ?? props.label}
      disabled={props.disabled}
      onClick={() => props.onChange(!props.checked)}
    />
  );
}

export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: IconName; disabled?: boolean }[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset className="segments" aria-label={props.label}>
      {props.options.map((option) => (
        <Button
          key={option.value}
          icon={option.icon}
          disabled={option.disabled}
          aria-pressed={option.value === props.value}
          onClick={() => props.onChange(option.value)}
        >
          {option.label}
        </Button>
      ))}
    </fieldset>
  );
}

export function Field(props: {
  label: string;
  hint?: ReactNode;
  children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {props.label}
      </label>
      {props.children(id)}
      {props.hint && <span className="hint">{props.hint}</span>}
    </div>
  );
}

export function Select<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  disabled?: boolean;
  id?: string;
}) {
  return (
    <select
      className="input"
      id={props.id}
      aria-label={props.id ? undefined : props.label}
      value={props.value}
      disabled={props.disabled}
      onChange={(event) => props.onChange(event.target.value as T)}
    >
      {props.options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** A button with a popover that closes on Escape, on a click outside and when the focus leaves. */
export function Menu(props: {
  label: string;
  button?: ReactNode;
  icon?: IconName;
  end?: boolean;
  quiet?: boolean;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("focusin", outside);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the button and the items inside
    <div
      className="menu"
      ref={root}
      onKeyDown={(event) => {
        if (event.key === "Escape" && open) {
          event.stopPropagation();
          close();
        }
        if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
          event.preventDefault();
          step(root.current, event.key === "ArrowDown" ? 1 : -1);
        }
      }}
    >
      <Button
        tone={props.quiet ? "quiet" : undefined}
        icon={props.icon}
        aria-label={props.button ? undefined : props.label}
        title={props.label}
        aria-expanded={open}
        aria-haspopup="true"
        onClick={() => setOpen(!open)}
      >
        {props.button}
      </Button>
      {open && <div className={props.end ? "popover end" : "popover"}>{props.children(close)}</div>}
    </div>
  );
}

function step(root: HTMLElement | null, by: number) {
  const items = [...(root?.querySelectorAll<HTMLElement>(".popover .item") ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + by + items.length) % items.length]?.focus();
}

export function Progress({
  done,
  total,
  label,
}: {
  done: number;
  total: number | null;
  label: string;
}) {
  const share = total ? Math.min(1, done / total) : 0;
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total ?? undefined}
      aria-valuenow={done}
    >
      <span style={{ width: `${share * 100}%` }} />
    </div>
  );
}
