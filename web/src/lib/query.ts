/**
 * The query language (docs/query.md) as far as the browser writes it: conditions joined by `and`.
 * What a query means is the server's to say; here is only where one condition ends and the next begins.
 */

const TOKEN = /"(?:[^"\\]|\\.)*"?|[()]|[^\s()"]+/g;

/** The conditions of a query, or null where an `or` stands outside parentheses: it has no list. */
export function conditions(query: string): string[] | null {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const match of query.matchAll(TOKEN)) {
    const [token] = match;
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    else if (depth === 0 && token.toLowerCase() === "or") return null;
    else if (depth === 0 && token.toLowerCase() === "and") {
      parts.push(query.slice(start, match.index).trim());
      start = match.index + token.length;
    }
  }
  parts.push(query.slice(start).trim());
  return parts.filter((part) => part !== "");
}

/** The field that a condition speaks of; null for a group in parentheses. */
export function fieldOf(condition: string): string | null {
  return /^[A-Za-z_][\w.]*/.exec(condition)?.[0] ?? null;
}

const same = (a: string, b: string) => a.replace(/\s+/g, " ") === b.replace(/\s+/g, " ");

export function has(query: string, condition: string): boolean {
  return conditions(query)?.some((one) => same(one, condition)) ?? false;
}

/** The query with this condition as well; alternatives are put in parentheses first. */
export function adding(query: string, ...wanted: readonly string[]): string {
  const known = conditions(query) ?? [`(${query.trim()})`];
  const fresh = wanted.filter((one) => !known.some((other) => same(one, other)));
  return [...known, ...fresh].join(" and ");
}

/** The query without the conditions that `drop` picks; one with alternatives outside stays whole. */
export function without(query: string, drop: (condition: string) => boolean): string {
  const known = conditions(query);
  return known === null ? query : known.filter((one) => !drop(one)).join(" and ");
}

export function toggling(query: string, condition: string): string {
  return has(query, condition)
    ? without(query, (one) => same(one, condition))
    : adding(query, condition);
}

/** The query in which `wanted` are the only conditions on the field outside parentheses. */
export function replacing(query: string, field: string, wanted: readonly string[]): string {
  return adding(
    without(query, (one) => fieldOf(one) === field),
    ...wanted,
  );
}

/** The values that a query asks of a field with `=` or `in`; none where it asks otherwise. */
export function chosen(query: string, field: string): string[] {
  const one = conditions(query)?.find((said) => fieldOf(said) === field);
  if (!one || !/^[\w.]+\s*(=|in\b)/.test(one)) return [];
  return [...one.matchAll(/"(?:[^"\\]|\\.)*"/g)].flatMap(([text]) => {
    try {
      return [JSON.parse(text) as string];
    } catch {
      return [];
    }
  });
}

/** The query that asks a field for one of these values, or for nothing. */
export function choosing(query: string, field: string, values: readonly string[]): string {
  const list = values.map(quoted);
  const said = list.length === 1 ? `${field} = ${list[0]}` : `${field} in (${list.join(", ")})`;
  return replacing(query, field, list.length === 0 ? [] : [said]);
}

/** The query with this bound in place of the one of the same field and operator; null: without. */
export function bounding(
  query: string,
  field: string,
  operator: string,
  value: number | null,
): string {
  const is = (one: string) => one.startsWith(`${field} ${operator} `);
  const rest = without(query, is);
  return value === null ? rest : adding(rest, `${field} ${operator} ${value}`);
}

/** The number in `field operator number`, where it stands outside parentheses. */
export function bound(query: string, field: string, operator: string): number | null {
  for (const one of conditions(query) ?? []) {
    const [name, sign, value] = one.split(/\s+/);
    if (name === field && sign === operator && value && !Number.isNaN(Number(value))) {
      return Number(value);
    }
  }
  return null;
}

/** A string as the language writes it: with the escapes of JSON. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Times are as wide as they are said, in whole seconds: a span is widened to the next ones. */
export function within(from: number, to: number): string[] {
  const said = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
  const start = said(Math.floor(from / 1000) * 1000);
  const end = said(Math.ceil(to / 1000) * 1000);
  return [`time >= ${quoted(start)}`, `time < ${quoted(end)}`];
}

/** Where the column (in characters, as the server counts them) is in a string of UTF-16 units. */
export function unitsAt(text: string, column: number): number {
  return [...text].slice(0, column).join("").length;
}

/** The column of a place in UTF-16 units. */
export function columnAt(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

export interface Fault {
  /** In UTF-16 units. */
  start: number;
  end: number;
  what: string;
  nearest: string[];
}

/** What a refusal (422) says of this query; null when it says nothing of it. */
export function faultOf(
  query: string,
  problem: { body: Record<string, unknown>; errors: { what: string }[]; message: string },
): Fault | null {
  const said = problem.body.query as
    | { column: number; length: number; nearest: string[] }
    | undefined;
  if (typeof said?.column !== "number") return null;
  return {
    start: unitsAt(query, said.column),
    end: unitsAt(query, said.column + said.length),
    // What was meant is offered beside the sentence.
    what: (problem.errors[0]?.what ?? problem.message).replace(/; did you mean .*\?$/, ""),
    nearest: said.nearest ?? [],
  };
}

/** Nothing is wrong with it yet: it only goes on. */
export function isUnfinished(fault: Fault, query: string): boolean {
  return fault.start >= query.trimEnd().length;
}

/** The query with a completion in its place, and where the caret then stands (UTF-16 units). */
export function completed(
  query: string,
  given: { text: string; column: number; length: number; role: string },
): { query: string; caret: number } {
  const start = unitsAt(query, given.column);
  const end = unitsAt(query, given.column + given.length);
  const rest = query.slice(end);
  const gap = given.text === "(" || /^[\s,)]/.test(rest) ? "" : " ";
  const before = `${query.slice(0, start)}${given.text}${gap}`;
  const caret = before.length + (gap === "" && rest.startsWith(" ") ? 1 : 0);
  return { query: before + rest, caret };
}
