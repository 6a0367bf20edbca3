/** Parameters of an address: each has a schema; a bad one is dropped with a notice, the others stay. */
import * as v from "valibot";
import { isRange } from "@/lib/range";

export const text = v.pipe(v.union([v.string(), v.number()]), v.transform(String), v.minLength(1));
export const oneOf = <const T extends readonly string[]>(options: T) => v.picklist(options);
export const number = (low: number, high: number) =>
  v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.minLength(1), v.transform(Number))]),
    v.number(),
    v.minValue(low),
    v.maxValue(high),
  );
export const instant = v.pipe(
  v.string(),
  v.check((value) => !Number.isNaN(Date.parse(value)), "no instant"),
);
export const range = v.pipe(
  v.string(),
  v.check((value) => isRange(value), "no duration"),
);

// biome-ignore lint/suspicious/noExplicitAny: what a schema takes in does not matter here
type Entries = Record<string, v.BaseSchema<any, any, any>>;
type Output<T extends Entries> = { [K in keyof T]?: v.InferOutput<T[K]> };

const listeners = new Set<(name: string, value: string) => void>();

export function onDroppedParameter(listener: (name: string, value: string) => void) {
  listeners.add(listener);
}

export function parameters<T extends Entries>(entries: T) {
  return (given: Record<string, unknown>): Output<T> => {
    const out: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(entries)) {
      const value = given[name];
      if (value === undefined) continue;
      const result = v.safeParse(schema, value);
      if (result.success) out[name] = result.output;
      else {
        out[name] = undefined;
        for (const listener of listeners) listener(name, String(value));
      }
    }
    return out as Output<T>;
  };
}

/** "?a=1&b=x": plain strings both ways, so that an address can be typed by hand. */
export function parseSearch(search: string): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const out = params.toString();
  return out ? `?${out}` : "";
}
