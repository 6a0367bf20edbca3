/** Reads of the Datalake and of datasets. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, type Service, url } from "@/api/client";
import type { Asked } from "@/api/queries";
import type * as api from "@/api/types";

export const DATALAKE: Asked = { service: "ingest", path: "/data" };

export const assetsOf = (version: string): Asked => ({
  service: "feedback",
  path: `/versions/${version}/assets`,
});

export const assetPicture = (asset: string, size?: number): string =>
  url("feedback", `/assets/${asset}/picture`, { size });

/** The rows that a query finds in a list, page by page. A list never moves under the hand. */
export const rowsOf = <T>(of: Asked, q: string) =>
  infiniteQueryOptions({
    queryKey: ["rows", of.service, of.path, q],
    queryFn: ({ pageParam, signal }) =>
      get<api.Page<T>>(
        of.service,
        of.path,
        { q, limit: 200, cursor: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const countOf = (of: Asked, q: string) =>
  queryOptions({
    queryKey: ["count-of", of.service, of.path, q],
    queryFn: ({ signal }) => get<{ count: number }>(of.service, `${of.path}/count`, { q }, signal),
  });

export const image = (id: string) =>
  queryOptions({
    queryKey: ["image", id],
    queryFn: ({ signal }) => get<api.DataDetail>("ingest", `/data/${id}`, undefined, signal),
  });

export const dataNames = queryOptions({
  queryKey: ["data-names"],
  queryFn: ({ signal }) => get<api.DataNames>("ingest", "/data/names", undefined, signal),
});

/** What images are in datasets: by their own ids, or by the bytes of their pictures. */
export const uses = (of: { data?: readonly string[]; sha256?: readonly string[] }) =>
  queryOptions({
    queryKey: ["uses", of],
    queryFn: ({ signal }) => get<{ items: api.AssetUse[] }>("feedback", "/assets", of, signal),
  });

export const datasets = queryOptions({
  queryKey: ["datasets"],
  queryFn: ({ signal }) =>
    get<api.Page<api.Dataset>>("feedback", "/datasets", { limit: 200 }, signal),
});

export const datasetVersion = (v: string) =>
  queryOptions({
    queryKey: ["dataset-version", v],
    queryFn: ({ signal }) =>
      get<api.DatasetVersion>("feedback", `/versions/${v}`, undefined, signal),
  });

export const provenance = (v: string) =>
  queryOptions({
    queryKey: ["provenance", v],
    queryFn: ({ signal }) =>
      get<api.Provenance>("feedback", `/versions/${v}/provenance`, undefined, signal),
  });

export const asset = (id: string) =>
  queryOptions({
    queryKey: ["asset", id],
    queryFn: ({ signal }) => get<api.Asset>("feedback", `/assets/${id}`, undefined, signal),
  });

export const difference = (v: string, base: string) =>
  queryOptions({
    queryKey: ["difference", v, base],
    queryFn: ({ signal }) =>
      get<api.Difference>("feedback", `/versions/${v}/difference`, { base }, signal),
  });

export const changedImages = (v: string, base: string, kind: api.ChangeKind) =>
  infiniteQueryOptions({
    queryKey: ["changed-images", v, base, kind],
    queryFn: ({ pageParam, signal }) =>
      get<api.Page<api.Changed>>(
        "feedback",
        `/versions/${v}/difference/images`,
        { base, kind, limit: 200, cursor: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

const ENDED = ["SUCCEEDED", "FAILED", "CANCELLED"];
export const hasEnded = (job: { state: string }) => ENDED.includes(job.state);

export const places = queryOptions({
  queryKey: ["places"],
  queryFn: ({ signal }) =>
    get<{ items: api.Place[] }>("ingest", "/registrations/places", undefined, signal),
});

/** The last registrations, asked for each second while one of them runs. */
export const registrations = queryOptions({
  queryKey: ["registrations"],
  queryFn: ({ signal }) =>
    get<api.Page<api.Registration>>("ingest", "/registrations", { limit: 20 }, signal),
  refetchInterval: ({ state }) => (state.data?.items.every(hasEnded) === false ? 1000 : false),
});

export const registrationErrors = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["registration-errors", id],
    queryFn: ({ pageParam, signal }) =>
      get<api.Page<api.RegistrationError>>(
        "ingest",
        `/registrations/${id}/errors`,
        { cursor: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

/** A job of a service, asked for each second until it has ended. */
export const jobOf = (service: Service, id: string) =>
  queryOptions({
    queryKey: ["job", service, id],
    queryFn: ({ signal }) => get<api.Job>(service, `/jobs/${id}`, undefined, signal),
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : 1000),
  });
