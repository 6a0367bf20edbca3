import { useEffect, useState } from "react";
import { bound, bounding } from "@/lib/query";

/** At least and at most of a number: each a condition of the query. */
export function BoundFacet(props: {
  name: string;
  field: string;
  step: number;
  query: string;
  onQuery: (query: string) => void;
}) {
  return (
    <section aria-label={props.name}>
      <h3>{props.name}</h3>
      <div className="facet-bounds">
        <Bound {...props} operator=">=" sign="≥" />
        <Bound {...props} operator="<=" sign="≤" />
      </div>
    </section>
  );
}

function Bound(props: {
  name: string;
  field: string;
  step: number;
  operator: string;
  sign: string;
  query: string;
  onQuery: (query: string) => void;
}) {
  const { query, field, operator } = props;
  const said = bound(query, field, operator);
  const [typed, setTyped] = useState(said?.toString() ?? "");
  useEffect(() => setTyped(said?.toString() ?? ""), [said]);
  const number = Number(typed.trim().replace(",", "."));
  const bad = typed.trim() !== "" && !Number.isFinite(number);
  const tell = () => {
    const value = typed.trim() === "" ? null : number;
    if (!bad && value !== said) props.onQuery(bounding(query, field, operator, value));
  };
  return (
    <label>
      <span aria-hidden="true">{props.sign}</span>
      <input
        className="input"
        inputMode="decimal"
        aria-label={`${props.name} ${operator === ">=" ? "at least" : "at most"}`}
        aria-invalid={bad}
        value={typed}
        placeholder="any"
        onChange={(event) => setTyped(event.target.value)}
        onBlur={tell}
        onKeyDown={(event) => {
          const by = { ArrowUp: props.step, ArrowDown: -props.step }[event.key];
          if (event.key === "Enter") tell();
          else if (by !== undefined && !bad) {
            event.preventDefault();
            setTyped(String(Number((number + by).toFixed(2))));
          }
        }}
      />
    </label>
  );
}
