import type { ReactNode } from "react";
import { isProblem, Problem } from "@/api/problem";
import { Button } from "@/components/controls";
import { Icon, type IconName } from "@/components/Icon";
import { leastRole } from "@/lib/rights";

/** No data: says why and offers the next step. */
export function Empty(props: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  icon?: IconName;
  compact?: boolean;
}) {
  return (
    <div className={props.compact ? "state compact" : "state"}>
      {props.icon && (
        <span className="glyph">
          <Icon name={props.icon} size={24} />
        </span>
      )}
      <h3>{props.title}</h3>
      {props.children && <div>{props.children}</div>}
      {props.action}
    </div>
  );
}

/** What went wrong, its trace and a way on; a refusal says who grants the right. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  if (isProblem(error, 403)) return <Forbidden problem={error} />;
  const problem = error instanceof Problem ? error : null;
  const said = problem?.detail ?? (error instanceof Error ? error.message : String(error));
  // What was asked is not understood: the detail says it, the name of the status does not.
  const refused = problem?.status === 422 && said !== "";
  const title = refused ? said : (problem?.title ?? "Something broke in this page");
  const detail = refused ? "" : said;
  return (
    <div className="state error" role="alert">
      <span className="glyph">
        <Icon name="error" size={24} />
      </span>
      <h3>{title}</h3>
      {detail && <p>{detail}</p>}
      {problem && problem.errors.length > 0 && <Errors problem={problem} />}
      {problem?.trace && (
        <p className="small">
          Trace <code>{problem.trace}</code>
        </p>
      )}
      {retry && <Button onClick={retry}>Retry</Button>}
    </div>
  );
}

export function Forbidden({ problem }: { problem: Problem }) {
  const scope = typeof problem.body.scope === "string" ? problem.body.scope : null;
  return (
    <div className="state" role="alert">
      <span className="glyph">
        <Icon name="lock" size={24} />
      </span>
      <h3>Your role does not open this page</h3>
      <p>{problem.detail || "A right is missing."}</p>
      {scope === "operate" ? (
        <p>Who runs the platform grants it (scope operate): no role of an organization has it.</p>
      ) : (
        <p>
          An administrator of the organization grants it
          {scope ? ` (role ${leastRole(scope)}, ${scope})` : ""}.
        </p>
      )}
    </div>
  );
}

export function Errors({ problem }: { problem: Problem }) {
  return (
    <ul>
      {problem.errors.map((one) => (
        <li key={`${one.where} ${one.what}`}>
          <code>{one.where}</code> {one.what}
        </li>
      ))}
    </ul>
  );
}

export function Notice(props: {
  tone?: "warn" | "danger" | "ok";
  children: ReactNode;
  action?: ReactNode;
}) {
  const icon: IconName = props.tone === "ok" ? "check" : props.tone ? "warn" : "info";
  return (
    <div
      className={["notice", props.tone].filter(Boolean).join(" ")}
      role={props.tone === "danger" ? "alert" : "status"}
    >
      <Icon name={icon} />
      <div className="grow">{props.children}</div>
      {props.action}
    </div>
  );
}

/** The refusal of a form, beside its buttons. */
export function FormProblem({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = error instanceof Problem ? error : null;
  return (
    <Notice tone="danger">
      <strong>{problem?.title ?? "Not saved"}</strong>{" "}
      {problem?.detail ?? (error instanceof Error ? error.message : String(error))}
      {problem && problem.errors.length > 0 && <Errors problem={problem} />}
    </Notice>
  );
}

export function Skeleton({ height, width }: { height: number; width?: number | string }) {
  return <div className="skeleton" style={{ height, width: width ?? "100%" }} aria-hidden="true" />;
}

export function Loading({ rows = 6, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div className="stack" aria-busy="true" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without content
        <Skeleton key={i} height={24} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}

interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Skeleton, failure or content of one query. Old data stays while new loads or fails. */
export function Loaded<T>(props: {
  query: QueryLike<T>;
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  const { data, error, refetch } = props.query;
  if (data !== undefined) return <>{props.children(data)}</>;
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  return <Loading rows={props.rows} />;
}
