import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { type Asked, completionsAt } from "@/api/queries";
import { Button } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { Completions } from "@/features/predictions/Completions";
import { QueryText } from "@/features/predictions/QueryText";
import { useKeys } from "@/lib/keys";
import { columnAt, completed, type Fault, isUnfinished, unitsAt } from "@/lib/query";

const LONGEST = 4000;
const TYPING = 300;

/**
 * The query is the only filter. It shows where it is wrong and what was meant; typing is told with
 * `final` false, Enter and what is chosen with true.
 */
export function QueryBar(props: {
  /** The list that is asked; its route knows the completions. */
  of: Asked;
  placeholder: string;
  query: string;
  fault: Fault | null;
  onQuery: (query: string, final: boolean) => void;
}) {
  const { query, fault, onQuery } = props;
  const id = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(query);
  const [caret, setCaret] = useState(query.length);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const told = useRef(query);

  // The address changed by other means than by typing here: a facet, Back, a link.
  useEffect(() => {
    if (query === told.current) return;
    told.current = query;
    clearTimeout(timer.current);
    setText(query);
    setCaret(query.length);
  }, [query]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useKeys({ "/": () => input.current?.focus() });

  const column = columnAt(text, caret);
  const found = useQuery({
    ...completionsAt(props.of, text, column),
    enabled: open && text.length <= LONGEST,
    placeholderData: (old) => old,
  });
  const offers = (open && found.data?.items) || [];
  const shown = offers.length > 0;
  const blank = text.length - text.trimStart().length;
  const known =
    fault && query === text.trim()
      ? { ...fault, start: fault.start + blank, end: fault.end + blank }
      : null;
  const wrong = known !== null && !isUnfinished(known, text);

  const tell = (next: string, final: boolean) => {
    clearTimeout(timer.current);
    told.current = next.trim();
    onQuery(next.trim(), final);
  };
  const write = (next: string, place: number) => {
    setText(next);
    setCaret(place);
    setAt(-1);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => tell(next, false), TYPING);
  };
  const accept = (index: number) => {
    const offer = offers[index];
    if (!offer || found.isPlaceholderData) return;
    const next = completed(text, offer);
    write(next.query, next.caret);
    requestAnimationFrame(() => input.current?.setSelectionRange(next.caret, next.caret));
  };
  const commit = (next: string) => {
    setOpen(false);
    setAt(-1);
    setText(next);
    tell(next, true);
  };
  const mend = (nearest: string) => {
    if (!known) return;
    commit(text.slice(0, known.start) + nearest + text.slice(known.end));
    input.current?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && (open || step === 1)) {
      event.preventDefault();
      if (!open) setOpen(true);
      else setAt((at + step + offers.length + (at < 0 && step < 0 ? 1 : 0)) % (offers.length || 1));
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      setOpen(true);
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
      setAt(-1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown && at >= 0) accept(at);
      else commit(text);
    }
  };
  const options = `${id}-options`;
  return (
    <search className="query-bar">
      <div className={wrong ? "query-field wrong" : "query-field"}>
        <Icon name="search" />
        <div className="query-text">
          <QueryText
            text={text}
            fault={wrong ? known : null}
            at={shown ? unitsAt(text, offers[0]!.column) : -1}
          >
            {shown && (
              <Completions
                id={options}
                offers={offers}
                chosen={at}
                onChoose={(index) => {
                  accept(index);
                  input.current?.focus();
                }}
              />
            )}
          </QueryText>
          <textarea
            ref={input}
            rows={1}
            role="combobox"
            aria-label="Query"
            aria-expanded={shown}
            aria-controls={shown ? options : undefined}
            aria-activedescendant={shown && at >= 0 ? `${options}-${at}` : undefined}
            aria-autocomplete="list"
            aria-invalid={wrong}
            aria-describedby={`${id}-fault`}
            placeholder={props.placeholder}
            spellCheck={false}
            autoCapitalize="off"
            maxLength={LONGEST}
            value={text}
            onChange={(event) => {
              setOpen(true);
              write(event.target.value.replace(/\n/g, " "), event.target.selectionStart);
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
            onClick={() => setOpen(true)}
            onBlur={() => setOpen(false)}
            onKeyDown={keys}
          />
        </div>
        {text !== "" && (
          <Button
            tone="quiet"
            icon="cross"
            aria-label="Clear the query"
            onClick={() => commit("")}
          />
        )}
      </div>
      <p
        id={`${id}-fault`}
        className={wrong ? "query-fault small wrong" : "query-fault small muted"}
        role="status"
        aria-label="Query"
      >
        {known && (
          <>
            <Icon name={wrong ? "warn" : "info"} size={12} /> {known.what}
            {known.nearest.length > 0 && ". Did you mean "}
            {known.nearest.map((one) => (
              <button key={one} type="button" className="mend" onClick={() => mend(one)}>
                {one}
              </button>
            ))}
            {known.nearest.length > 0 && "?"}
          </>
        )}
      </p>
    </search>
  );
}
