/** Every read of the interface as query options: one place that says which key belongs to which route. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, type Service } from "@/api/client";
import type * as api from "@/api/types";
import { type Span, spanOf, type TimeRange } from "@/lib/range";

export const me = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => get<api.Me>("gateway", "/me", undefined, signal),
  staleTime: 60_000,
});

export const deployments = queryOptions({
  queryKey: ["deployments"],
  queryFn: ({ signal }) =>
    get<api.Page<api.Deployment>>("deployer", "/deployments", { limit: 200 }, signal),
});

export const deployment = (d: string) =>
  queryOptions({
    queryKey: ["deployment", d],
    queryFn: ({ signal }) =>
      get<api.Deployment>("deployer", `/deployments/${d}`, undefined, signal),
  });

export const summaries = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ["summaries", ...ids],
    queryFn: ({ signal }) =>
      get<{ items: api.Summary[] }>("metrics", "/summaries", { deployment: ids }, signal),
    enabled: ids.length > 0,
  });

export const dashboard = (d: string, range: TimeRange, created: string) =>
  queryOptions({
    queryKey: ["dashboard", d, range],
    queryFn: ({ signal }) => {
      const span: Span = spanOf(range, new Date(), created);
      return get<api.Dashboard>("metrics", `/deployments/${d}/dashboard`, { ...span }, signal);
    },
    placeholderData: (old) => old,
  });

export const drift = (d: string, feature: string) =>
  queryOptions({
    queryKey: ["drift", d, feature],
    queryFn: ({ signal }) =>
      get<api.DriftCurves>("metrics", `/deployments/${d}/drift`, { feature }, signal),
    enabled: feature !== "",
  });

/** All that reviews say of a model in a span; the former answer stays while the span moves on. */
export const quality = (d: string, model: "champion" | "shadow", span: Span) =>
  queryOptions({
    queryKey: ["quality", d, model, span.from, span.to],
    queryFn: ({ signal }) =>
      get<api.QualityReport>("metrics", `/deployments/${d}/quality`, { ...span, model }, signal),
    placeholderData: (old, query) => (query?.queryKey[1] === d ? old : undefined),
  });

export const harm = (d: string) =>
  queryOptions({
    queryKey: ["harm", d],
    queryFn: ({ signal }) => get<api.Harm>("metrics", `/deployments/${d}/harm`, undefined, signal),
  });

/** What the numbers of a span will be before it is reviewed; by whole minutes, for it is no small work. */
export const labelFree = (d: string, model: "champion" | "shadow", span: Span) => {
  const [from, to] = [minute(span.from, Math.floor), minute(span.to, Math.ceil)];
  return queryOptions({
    queryKey: ["label-free", d, model, from, to],
    queryFn: ({ signal }) => {
      const asked = { from, to, model };
      return get<api.LabelFree>("metrics", `/deployments/${d}/label-free`, asked, signal);
    },
    placeholderData: (old, query) => (query?.queryKey[1] === d ? old : undefined),
  });
};

const minute = (at: string, round: (n: number) => number) =>
  new Date(round(Date.parse(at) / 60_000) * 60_000).toISOString();

export const reference = (d: string) =>
  queryOptions({
    queryKey: ["reference", d],
    queryFn: ({ signal }) =>
      get<api.Reference>("metrics", `/deployments/${d}/training-data`, undefined, signal),
  });

export const counts = (d: string) =>
  queryOptions({
    queryKey: ["counts", d],
    queryFn: ({ signal }) =>
      get<api.Counts>("review", `/deployments/${d}/counts`, undefined, signal),
  });

export interface ListFilter {
  q?: string;
  sort?: string;
  order?: string;
}

export const predictionPage = (
  d: string,
  filter: ListFilter & { limit?: number; cursor?: string; from?: string },
  signal?: AbortSignal,
) => get<api.Page<api.Predicted>>("review", `/deployments/${d}/predictions`, { ...filter }, signal);

export const predictions = (d: string, filter: ListFilter) =>
  infiniteQueryOptions({
    queryKey: ["predictions", d, filter],
    queryFn: ({ pageParam, signal }) =>
      predictionPage(d, { ...filter, limit: 200, cursor: pageParam ?? undefined }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    // A list never moves under the hand: arrivals are offered by a pill.
    staleTime: Number.POSITIVE_INFINITY,
  });

export const matching = (d: string, q: string) =>
  queryOptions({
    queryKey: ["matching", d, q],
    queryFn: ({ signal }) =>
      get<{ count: number }>("review", `/deployments/${d}/predictions/count`, { q }, signal),
  });

/** How many of what a query finds have each value. */
export const facets = (d: string, q: string) =>
  queryOptions({
    queryKey: ["facets", d, q],
    queryFn: ({ signal }) =>
      get<api.Facets>("review", `/deployments/${d}/predictions/facets`, { q }, signal),
    staleTime: 30_000,
  });

/** A list that takes a query: `…/completions` and `…/count` stand below its path. */
export interface Asked {
  service: Service;
  path: string;
}

/** What may stand at a column of a query. */
export const completionsAt = ({ service, path }: Asked, q: string, at: number) =>
  queryOptions({
    queryKey: ["completions", service, path, q, at],
    queryFn: ({ signal }) =>
      get<{ items: api.Completion[] }>(service, `${path}/completions`, { q, at }, signal),
    staleTime: 60_000,
  });

export const prediction = (d: string, id: string) =>
  queryOptions({
    queryKey: ["prediction", d, id],
    queryFn: ({ signal }) =>
      get<api.PredictedDetail>("review", `/deployments/${d}/predictions/${id}`, undefined, signal),
  });

export const queue = (d: string) =>
  queryOptions({
    queryKey: ["queue", d],
    queryFn: ({ signal }) =>
      get<api.Page<api.Queued>>("review", `/deployments/${d}/queue`, { limit: 200 }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const ledger = (d: string) =>
  queryOptions({
    queryKey: ["ledger", d],
    queryFn: ({ signal }) =>
      get<api.Ledger>("ingest", `/deployments/${d}/ledger`, undefined, signal),
  });

export const ledgers = queryOptions({
  queryKey: ["ledger", "all"],
  queryFn: ({ signal }) =>
    get<api.Page<api.NamedLedger>>("ingest", "/ledgers", { limit: 200 }, signal),
});

export const rejections = (hours: number) =>
  queryOptions({
    queryKey: ["ledger", "rejections", hours],
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - hours * 3_600_000).toISOString();
      return get<api.Rejections>("ingest", "/rejections", { since }, signal);
    },
    placeholderData: (old) => old,
  });

/** How every consumer is: nothing announces it, so it is asked for again and again. */
export const consumers = queryOptions({
  queryKey: ["consumers"],
  queryFn: ({ signal }) =>
    get<{ items: api.Consumer[] }>("gateway", "/consumers", undefined, signal),
  refetchInterval: 3_000,
});

export interface LetterFilter {
  consumer?: string;
  topic?: string;
  reason?: string;
  organization?: string;
  replayed?: boolean;
}

export const deadLetters = (filter: LetterFilter) =>
  infiniteQueryOptions({
    queryKey: ["dead-letters", filter],
    queryFn: ({ pageParam, signal }) =>
      get<api.Page<api.DeadLetter>>(
        "gateway",
        "/dead-letters",
        { ...filter, limit: 50, cursor: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

export const deadLetter = (id: string) =>
  queryOptions({
    queryKey: ["dead-letter", id],
    queryFn: ({ signal }) =>
      get<api.DeadLetterDetail>("gateway", `/dead-letters/${id}`, undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const datasetVersions = (type?: api.TaskType) =>
  queryOptions({
    queryKey: ["dataset-versions", type ?? "all"],
    queryFn: ({ signal }) =>
      get<api.Page<api.DatasetVersion>>("feedback", "/versions", { type, limit: 200 }, signal),
  });

export const feedbackLoop = (d: string) =>
  queryOptions({
    queryKey: ["feedback-loop", d],
    queryFn: ({ signal }) =>
      get<api.FeedbackLoop>("feedback", `/deployments/${d}/feedback-loop`, undefined, signal),
  });

export const training = (d: string) =>
  queryOptions({
    queryKey: ["training", d],
    queryFn: ({ signal }) =>
      get<api.Training>("feedback", `/deployments/${d}/training`, undefined, signal),
  });

export const projects = queryOptions({
  queryKey: ["projects"],
  queryFn: ({ signal }) =>
    get<api.Page<api.Project>>("trainer", "/projects", { limit: 200 }, signal),
});

export const experiments = (filter: { project?: string; deployment?: string }) =>
  queryOptions({
    queryKey: ["experiments", filter],
    queryFn: ({ signal }) =>
      get<api.Page<api.Experiment>>("trainer", "/experiments", { ...filter, limit: 200 }, signal),
  });

export const experiment = (e: string) =>
  queryOptions({
    queryKey: ["experiment", e],
    queryFn: ({ signal }) => get<api.Experiment>("trainer", `/experiments/${e}`, undefined, signal),
  });

export const experimentMetrics = (e: string) =>
  queryOptions({
    queryKey: ["experiment-metrics", e],
    queryFn: ({ signal }) =>
      get<api.ExperimentMetrics>("trainer", `/experiments/${e}/metrics`, undefined, signal),
  });

export const experimentLogs = (e: string) =>
  queryOptions({
    queryKey: ["experiment-logs", e],
    queryFn: ({ signal }) =>
      get<{ items: api.Logged[] }>("trainer", `/experiments/${e}/logs`, undefined, signal),
  });

export const models = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => get<api.Page<api.Model>>("deployer", "/models", { limit: 200 }, signal),
});

export const modelVersions = (m: string) =>
  queryOptions({
    queryKey: ["model-versions", m],
    queryFn: ({ signal }) =>
      get<api.Page<api.ModelVersion>>("deployer", `/models/${m}/versions`, { limit: 200 }, signal),
  });

export const modelVersion = (v: string) =>
  queryOptions({
    queryKey: ["model-version", v],
    queryFn: ({ signal }) => get<api.ModelVersion>("deployer", `/versions/${v}`, undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Of the shadow, or of a version that was one. */
export const verdict = (d: string, of?: string) =>
  queryOptions({
    queryKey: ["verdict", d, of ?? "shadow"],
    queryFn: ({ signal }) =>
      get<api.Verdict>("deployer", `/deployments/${d}/verdict`, { of }, signal),
  });

export const rollouts = (d: string) =>
  queryOptions({
    queryKey: ["rollouts", d],
    queryFn: ({ signal }) =>
      get<api.Page<api.Rollout>>("deployer", `/deployments/${d}/rollouts`, { limit: 100 }, signal),
  });
