import { useId, useState } from "react";
import { count } from "@/lib/format";
import { adding, has, quoted, without } from "@/lib/query";

const TOP = 20;
const SEARCHED = 8;

/** Values that a prediction has, or has not: each may be asked for or kept out. */
export function HasFacet(props: {
  name: string;
  field: string;
  values: readonly string[];
  query: string;
  countOf: (value: string) => string | undefined;
  onQuery: (query: string) => void;
  /** A value that is not listed may be asked for by typing it. */
  typed?: boolean;
  hint?: string;
}) {
  const { name, field, values, query, onQuery } = props;
  const id = useId();
  const [search, setSearch] = useState("");
  const like = search.trim().toLowerCase();
  const shown = values.filter((one) => one.toLowerCase().includes(like)).slice(0, TOP);
  const conditionOf = (value: string, sign: "=" | "!=") => `${field} ${sign} ${quoted(value)}`;
  const choose = (value: string, sign: "=" | "!=") => {
    const both = [conditionOf(value, "="), conditionOf(value, "!=")];
    const was = has(query, conditionOf(value, sign));
    const rest = without(query, (one) => both.includes(one));
    onQuery(was ? rest : adding(rest, conditionOf(value, sign)));
  };
  if (values.length === 0 && !props.typed) return null;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{name}</h3>
      {(props.typed || values.length > SEARCHED) && (
        <input
          className="input"
          aria-label={`${name}: search`}
          placeholder={props.typed ? "name, Enter" : "search"}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          onKeyDown={(event) => {
            const value = shown.length === 1 ? shown[0] : search.trim();
            if (event.key !== "Enter" || !value || (!props.typed && shown.length !== 1)) return;
            choose(value, "=");
            setSearch("");
          }}
        />
      )}
      <ul>
        {shown.map((value) => (
          <li key={value} className="facet-has">
            <button
              type="button"
              className="name truncate"
              aria-label={`has ${value}`}
              title={`${name}: has ${value}`}
              aria-pressed={has(query, conditionOf(value, "="))}
              onClick={() => choose(value, "=")}
            >
              {value}
            </button>
            <span className="muted num small">{props.countOf(value)}</span>
            <button
              type="button"
              className="not"
              aria-label={`has not ${value}`}
              title={`${name}: has not ${value}`}
              aria-pressed={has(query, conditionOf(value, "!="))}
              onClick={() => choose(value, "!=")}
            >
              not
            </button>
          </li>
        ))}
      </ul>
      {values.length > TOP && like === "" && (
        <p className="muted small">{count(values.length - TOP)} more by searching</p>
      )}
      {props.hint && <p className="muted small">{props.hint}</p>}
    </section>
  );
}
