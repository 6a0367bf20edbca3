import { Problem, problemFrom, unreachable } from "@/api/problem";

export type Service =
  | "gateway"
  | "ingest"
  | "metrics"
  | "review"
  | "feedback"
  | "trainer"
  | "deployer"
  | "serving";

export type Query = Record<
  string,
  string | number | boolean | readonly string[] | null | undefined
>;

interface Options {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export function url(service: Service, path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) for (const one of value) params.append(key, one);
    else params.append(key, String(value));
  }
  const tail = params.toString();
  return `/api/${service}/v1${path}${tail ? `?${tail}` : ""}`;
}

export function pictureUrl(data: string, size?: number): string {
  return url("ingest", `/data/${data}/picture`, { size });
}

/** Answers the parsed body, or null for one without content. Throws `Problem` and nothing else. */
async function request<T>(
  method: string,
  service: Service,
  path: string,
  options: Options = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (method !== "GET") headers["X-Sightloop"] = "1";
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url(service, path, options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw unreachable(cause);
  }
  if (response.status === 204) return null as T;
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (response.ok) {
      throw new Problem(502, "Not understood", "The answer is no JSON.", "", null, [], {}, null);
    }
  }
  if (!response.ok) throw problemFrom(response.status, body, response.headers.get("Retry-After"));
  return body as T;
}

export const get = <T>(service: Service, path: string, query?: Query, signal?: AbortSignal) =>
  request<T>("GET", service, path, { query, signal });
export const post = <T>(service: Service, path: string, body: unknown = {}) =>
  request<T>("POST", service, path, { body });
export const put = <T>(
  service: Service,
  path: string,
  body: unknown,
  headers?: Record<string, string>,
) => request<T>("PUT", service, path, { body, headers });
export const patch = <T>(
  service: Service,
  path: string,
  body: unknown,
  headers?: Record<string, string>,
) => request<T>("PATCH", service, path, { body, headers });
export const remove = <T>(service: Service, path: string) => request<T>("DELETE", service, path);
