/** What the alert pages ask and are answered. */
import { queryOptions } from "@tanstack/react-query";
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import type { Page } from "@/api/types";

type Schemas = components["schemas"];
export type Rule = Schemas["RuleDto"];
export type RuleBody = Required<Schemas["RuleBody"]>;
export type Rehearsal = Schemas["RehearsalDto"];
export type Alert = Schemas["AlertDto"];
export type AlertMetric = Schemas["AlertMetricDto"];
export type Receiver = Schemas["ReceiverDto"];
export type MadeReceiver = Schemas["MadeReceiver"];
export type Delivery = Schemas["ToldDto"];
export type Kind = Receiver["kind"];

export const rules = (d: string) =>
  queryOptions({
    queryKey: ["alert-rules", d],
    queryFn: ({ signal }) =>
      get<{ items: Rule[] }>("metrics", `/deployments/${d}/alert-rules`, undefined, signal),
    // A value moves with each check, of which nothing is told.
    refetchInterval: 30_000,
  });

export const alertMetrics = (d: string) =>
  queryOptions({
    queryKey: ["alert-metrics", d],
    queryFn: ({ signal }) =>
      get<{ items: AlertMetric[] }>(
        "metrics",
        `/deployments/${d}/alert-metrics`,
        undefined,
        signal,
      ),
    staleTime: 60_000,
  });

export const alerts = (d: string) =>
  queryOptions({
    queryKey: ["alerts", d],
    queryFn: ({ signal }) =>
      get<Page<Alert>>("metrics", "/alerts", { deployment: d, limit: 20 }, signal),
  });

/** What fires now. */
export const firing = (d: string) =>
  queryOptions({
    queryKey: ["alerts", d, "firing"],
    queryFn: ({ signal }) =>
      get<Page<Alert>>("metrics", "/alerts", { deployment: d, firing: true, limit: 50 }, signal),
  });

/** What fires now, of all deployments: the newest. */
export const firingAnywhere = queryOptions({
  queryKey: ["alerts", "all", "firing"],
  queryFn: ({ signal }) =>
    get<Page<Alert>>("metrics", "/alerts", { firing: true, limit: 200 }, signal),
});

/** What a deployment's rules have fired, the newest two hundred: charts shade when. */
export const fired = (d: string) =>
  queryOptions({
    queryKey: ["alerts", d, "fired"],
    queryFn: ({ signal }) =>
      get<Page<Alert>>("metrics", "/alerts", { deployment: d, limit: 200 }, signal),
  });

export const receivers = queryOptions({
  queryKey: ["receivers"],
  queryFn: ({ signal }) => get<Page<Receiver>>("gateway", "/receivers", { limit: 200 }, signal),
});

/** What is told to a receiver, asked for again while something waits. */
export const deliveries = (receiver: string) =>
  queryOptions({
    queryKey: ["deliveries", receiver],
    queryFn: ({ signal }) =>
      get<Page<Delivery>>("gateway", `/receivers/${receiver}/deliveries`, { limit: 50 }, signal),
    refetchInterval: ({ state }) =>
      state.data?.items.some((one) => one.state === "PENDING") ? 2_000 : 15_000,
  });
