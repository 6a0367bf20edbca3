/** A refusal as RFC 9457 gives it; `status` 0 means that no answer came at all. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly type: string,
    readonly trace: string | null,
    readonly errors: { where: string; what: string }[],
    readonly body: Record<string, unknown>,
    readonly retryAfter: number | null,
  ) {
    super(detail || title);
  }

  /** `prediction-unknown` of `/problems/prediction-unknown`. */
  get kind(): string {
    return this.type.split("/").pop() ?? "";
  }
}

const TITLES: Record<number, string> = {
  0: "The server did not answer",
  401: "Signed out",
  403: "Not allowed",
  404: "Not found",
  409: "Changed meanwhile",
  413: "Too large",
  422: "Not accepted",
  429: "Too many requests",
  503: "Busy",
};

export function unreachable(cause: unknown): Problem {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Problem(0, TITLES[0]!, detail, "/problems/unreachable", null, [], {}, null);
}

export function problemFrom(
  status: number,
  body: unknown,
  retryAfter: string | null = null,
): Problem {
  const given = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (key: string): string | null =>
    typeof given[key] === "string" ? (given[key] as string) : null;
  const errors = Array.isArray(given.errors)
    ? (given.errors as { where: string; what: string }[])
    : [];
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new Problem(
    status,
    text("title") ?? TITLES[status] ?? `Error ${status}`,
    text("detail") ?? "",
    text("type") ?? "about:blank",
    text("trace"),
    errors,
    given,
    Number.isFinite(seconds) ? seconds : null,
  );
}

export function isProblem(error: unknown, status?: number): error is Problem {
  return error instanceof Problem && (status === undefined || error.status === status);
}
