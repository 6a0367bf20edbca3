import { picture } from "./pictures.mjs";
import { dashboard, drift, experimentMetrics, log, verdict } from "./series.mjs";
import * as world from "./world.mjs";

const { deployments, predicted, classified, reviews, settings, versions, experiments } = world;
const find = (id) => deployments.find((one) => one.id === id);
const listOf = (d) =>
  find(d)?.type === "CLASSIFICATION" ? classified : find(d) === deployments[2] ? [] : predicted;
const page = (items) => ({ items, next_cursor: null });
const streams = new Set();
let eventId = 0;

function emit(type, deployment, subject = deployment) {
  eventId += 1;
  const data = JSON.stringify({
    type: `sightloop.${type}.v1`,
    deployment,
    subject,
    time: new Date().toISOString(),
  });
  for (const stream of streams) stream.write(`id: ${eventId}\nevent: ${type}\ndata: ${data}\n\n`);
}
setInterval(() => emit("series.advanced", deployments[0].id), 1000).unref();
setInterval(() => {
  for (const stream of streams) stream.write(": here\n\n");
}, 15_000).unref();

const lacking = (answer) =>
  answer({ type: "/problems/not-found", title: "Not found", status: 404 }, 404);
const D = "/v1/deployments/([^/]+)";
const re = (text) => new RegExp(`^${text}$`);

function filtered(d, query) {
  const labels = find(d)?.champion.labels ?? [];
  const items = listOf(d).filter((one) => {
    if (query.get("status") && one.status !== query.get("status")) return false;
    const label = query.get("label");
    if (label && !one.champion.shapes.classes.includes(labels.indexOf(label))) return false;
    if (Number(query.get("outlier_min") ?? 0) > (one.outlier ?? 0)) return false;
    if (Number(query.get("boxes_min") ?? 0) > one.boxes) return false;
    if (query.get("from") && one.time < query.get("from")) return false;
    if (query.get("to") && one.time >= query.get("to")) return false;
    return true;
  });
  const key =
    { name: (one) => one.filename, outlier: (one) => one.outlier }[query.get("sort")] ??
    ((one) => one.time);
  items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  if ((query.get("order") ?? "desc") === "desc") items.reverse();
  const at = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  const next = at + limit < items.length ? String(at + limit) : null;
  return { items: items.slice(at, at + limit), next_cursor: next };
}

const detail = (one) => ({
  ...one,
  review: reviews.get(one.id) ?? null,
  revisions: reviews.has(one.id) ? [reviews.get(one.id)] : [],
  metadata: { line: "dock 3", exposure_ms: 12 },
  submission: {
    state: one.status === "SUBMITTED" ? "settled" : "none",
    dataset_version: null,
    asset: null,
    refused: null,
  },
});

export const routes = [
  [
    "POST",
    re("/gateway/v1/session"),
    ({ body, answer, problem }) =>
      String(body.token).length < 8
        ? problem(401, "bad-token", "This token is not known.")
        : answer(world.me, 200, {
            "Set-Cookie": "sightloop_session=ok; HttpOnly; SameSite=Strict; Path=/",
          }),
  ],
  [
    "DELETE",
    re("/gateway/v1/session"),
    ({ response }) =>
      response.writeHead(204, { "Set-Cookie": "sightloop_session=; Max-Age=0; Path=/" }).end(),
  ],
  ["GET", re("/gateway/v1/me"), ({ answer }) => answer(world.me)],
  [
    "GET",
    re("/gateway/v1/events"),
    ({ request, response }) => {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write(": welcome\n\n");
      streams.add(response);
      request.on("close", () => streams.delete(response));
    },
  ],
  ["GET", re("/deployer/v1/deployments"), ({ answer }) => answer(page(deployments))],
  [
    "GET",
    re(`/deployer${D}`),
    ({ params, answer }) => (find(params[0]) ? answer(find(params[0])) : lacking(answer)),
  ],
  [
    "PATCH",
    re(`/deployer${D}`),
    ({ params, body, answer }) => answer(Object.assign(find(params[0]), body)),
  ],
  [
    "GET",
    re(`/deployer${D}/verdict`),
    ({ params, answer, problem }) =>
      find(params[0]).shadow
        ? answer(verdict(find(params[0])))
        : problem(404, "no-shadow", "No shadow is deployed."),
  ],
  [
    "GET",
    re(`/deployer${D}/rollouts`),
    ({ params, answer }) =>
      answer(page(find(params[0]) === deployments[0] ? world.rollouts : world.rollouts.slice(-1))),
  ],
  ["GET", re(`/deployer${D}/delivery`), ({ params, answer }) => answer(find(params[0]).delivery)],
  [
    "PUT",
    re(`/deployer${D}/delivery`),
    ({ params, body, answer, problem }) => {
      const d = find(params[0]);
      if (JSON.stringify(body.verdict) !== JSON.stringify(d.delivery.verdict))
        return problem(
          409,
          "verdict-policy-locked",
          "The policy was fixed at the first look; a new candidate starts with a new one.",
        );
      Object.assign(d.delivery, body);
      answer(d.delivery);
    },
  ],
  [
    "PUT",
    re(`/deployer${D}/shadow`),
    ({ params, body, answer }) => {
      const v = versions.find((one) => one.id === body.model_version);
      find(params[0]).shadow = {
        version: v.id,
        model: v.model,
        name: v.name,
        number: v.number,
        labels: v.labels,
      };
      answer(find(params[0]));
    },
  ],
  [
    "DELETE",
    re(`/deployer${D}/shadow`),
    ({ params, answer }) => {
      find(params[0]).shadow = null;
      answer(find(params[0]));
    },
  ],
  [
    "POST",
    re(`/deployer${D}/promote`),
    ({ params, answer }) => {
      const d = find(params[0]);
      d.champion = d.shadow;
      d.shadow = null;
      emit("deployment.changed", d.id);
      answer(d);
    },
  ],
  [
    "POST",
    re(`/deployer${D}/rollback`),
    ({ problem }) => problem(409, "no-former-champion", "There is no champion before this one."),
  ],
  ["GET", re("/deployer/v1/models"), ({ answer }) => answer(page(world.models))],
  [
    "GET",
    re("/deployer/v1/models/([^/]+)/versions"),
    ({ params, answer }) =>
      answer(page(versions.filter((one) => one.model === params[0]).reverse())),
  ],
  [
    "GET",
    re("/deployer/v1/versions/([^/]+)"),
    ({ params, answer }) => answer(versions.find((one) => one.id === params[0])),
  ],
  [
    "GET",
    re("/metrics/v1/summaries"),
    ({ query, answer }) =>
      answer({
        items: query.getAll("deployment").map((id, k) => ({
          deployment: id,
          predictions: [12431, 5120, 0][k] ?? 0,
          last_24h: Array.from({ length: 24 }, (_, i) =>
            k === 2 ? 0 : Math.round(300 + 250 * Math.sin(i / 3 + k)),
          ),
          latency_p95: [0.214, 0.012, null][k] ?? null,
          last_prediction: k === 2 ? null : new Date(Date.now() - 4000 * (k + 1)).toISOString(),
        })),
      }),
  ],
  [
    "GET",
    re(`/metrics${D}/dashboard`),
    ({ params, query, answer }) => {
      const d = find(params[0]);
      const board = dashboard(d, Date.parse(query.get("from")), Date.parse(query.get("to")));
      answer(d === deployments[2] ? { ...board, predictions: 0 } : board);
    },
  ],
  [
    "GET",
    re(`/metrics${D}/drift`),
    ({ query, answer }) => answer(drift(query.get("feature") ?? "")),
  ],
  [
    "GET",
    re(`/metrics${D}/training-data`),
    ({ params, answer }) =>
      answer(
        settings.reference[params[0]] ?? {
          state: "none",
          dataset_version: null,
          done: 0,
          total: null,
          images: null,
          error: null,
          job: null,
        },
      ),
  ],
  [
    "PUT",
    re(`/metrics${D}/training-data`),
    ({ params, body, answer }) => {
      settings.reference[params[0]] = {
        state: "computing",
        dataset_version: body.dataset_version,
        done: 74,
        total: 180,
        images: null,
        error: null,
        job: "j",
      };
      answer({ job: "j" }, 202);
    },
  ],
  [
    "DELETE",
    re(`/metrics${D}/training-data`),
    ({ params, response }) => {
      delete settings.reference[params[0]];
      response.writeHead(204).end();
    },
  ],
  [
    "GET",
    re(`/ingest${D}/ledger`),
    ({ params, answer }) =>
      answer(
        find(params[0]) === deployments[1]
          ? {
              received: 5150,
              stored: 5120,
              duplicate: 4,
              rejected: 21,
              dead_lettered: 0,
              in_flight: 3,
              balanced: false,
              rejected_by_reason: { "box outside the image": 12, "unknown class": 9 },
            }
          : {
              received: 12502,
              stored: 12431,
              duplicate: 41,
              rejected: 27,
              dead_lettered: 0,
              in_flight: 3,
              balanced: true,
              rejected_by_reason: { "truncated picture": 20, "wrong format": 7 },
            },
      ),
  ],
  [
    "GET",
    re("/ingest/v1/data/([^/]+)/picture"),
    ({ params, response }) => {
      const at = predicted.findIndex((one) => one.data === params[0]);
      if (at < 0) return response.writeHead(404).end();
      const { type, body } = picture(world.all[at]);
      response
        .writeHead(200, { "Content-Type": type, "Cache-Control": "max-age=31536000, immutable" })
        .end(body);
    },
  ],
  [
    "GET",
    re(`/review${D}/counts`),
    ({ params, answer }) => {
      const of = (status) => listOf(params[0]).filter((one) => one.status === status).length;
      answer({
        TO_REVIEW: of("TO_REVIEW"),
        REVIEWED: of("REVIEWED"),
        SUBMITTED: of("SUBMITTED"),
        without_picture: of(null),
      });
    },
  ],
  [
    "GET",
    re(`/review${D}/predictions`),
    ({ params, query, answer }) => answer(filtered(params[0], query)),
  ],
  [
    "GET",
    re(`/review${D}/queue`),
    ({ params, answer }) =>
      answer(
        page(
          listOf(params[0])
            .filter((one) => one.status === "TO_REVIEW")
            .slice(0, 60)
            .map((one, i) => ({
              ...one,
              draw: "d-1",
              pi: 1,
              start: i % 2 && one.shadow ? "COIN_SHADOW" : "COIN_CHAMPION",
            })),
        ),
      ),
  ],
  [
    "GET",
    re(`/review${D}/predictions/([^/]+)`),
    ({ params, answer }) => {
      const one = listOf(params[0]).find((item) => item.id === params[1]);
      return one ? answer(detail(one)) : lacking(answer);
    },
  ],
  [
    "PUT",
    re(`/review${D}/predictions/([^/]+)/review`),
    ({ request, params, body, answer, problem }) => {
      const one = listOf(params[0]).find((item) => item.id === params[1]);
      const match = Number(String(request.headers["if-match"]).replaceAll('"', ""));
      if (process.env.MOCK_CONFLICT && match === 0 && !reviews.has(one.id)) {
        reviews.set(one.id, {
          shapes: {
            labels: ["RBC", "WBC"],
            boxes: [
              [40, 60, 120, 110],
              [300, 200, 160, 150],
            ],
          },
          revision: 1,
          reviewer: "jonas",
          time: new Date().toISOString(),
          start: "COIN_CHAMPION",
          draw: null,
          pi: null,
        });
        one.revision = 1;
      }
      if (match !== one.revision)
        return problem(409, "review-conflict", "Somebody saved meanwhile.", {
          current: reviews.get(one.id),
        });
      one.revision += 1;
      one.status = one.status === "SUBMITTED" ? "SUBMITTED" : "REVIEWED";
      const review = {
        ...body,
        revision: one.revision,
        reviewer: "mira",
        time: new Date().toISOString(),
        pi: null,
      };
      reviews.set(one.id, review);
      answer(review, 200, { ETag: `"${one.revision}"` });
    },
  ],
  [
    "POST",
    re(`/review${D}/predictions/([^/]+)/skip`),
    ({ response }) => response.writeHead(204).end(),
  ],
  [
    "POST",
    re(`/review${D}/submissions`),
    ({ params, body, answer }) => {
      const chosen = listOf(params[0]).filter((one) =>
        body.all_reviewed ? one.status === "REVIEWED" : body.predictions.includes(one.id),
      );
      for (const one of chosen) one.status = "SUBMITTED";
      answer({ submitted: chosen.length, refused: [] });
    },
  ],
  [
    "GET",
    re("/feedback/v1/versions"),
    ({ query, answer }) =>
      answer(
        page(
          world.datasetVersions.filter(
            (one) => !query.get("type") || one.type === query.get("type"),
          ),
        ),
      ),
  ],
  ["GET", re(`/feedback${D}/feedback-loop`), ({ answer }) => answer(settings.loop)],
  [
    "PUT",
    re(`/feedback${D}/feedback-loop`),
    ({ body, answer, problem }) => {
      if (body.dataset_versions.includes(world.datasetVersions[2].id))
        return problem(
          422,
          "labels-do-not-agree",
          "cells-legacy 2024 lacks a label of the model.",
          { errors: [{ where: "cells-legacy 2024", what: "has no label “Platelets”" }] },
        );
      answer(Object.assign(settings.loop, body));
    },
  ],
  ["GET", re(`/feedback${D}/training`), ({ answer }) => answer(settings.training)],
  [
    "PUT",
    re(`/feedback${D}/training`),
    ({ body, answer }) => answer(Object.assign(settings.training, body)),
  ],
  [
    "POST",
    re(`/feedback${D}/training/run`),
    ({ answer }) => answer({ experiment: experiments[0].id }, 202),
  ],
  ["GET", re("/trainer/v1/projects"), ({ answer }) => answer(page(world.projects))],
  [
    "GET",
    re("/trainer/v1/experiments"),
    ({ query, answer }) =>
      answer(
        page(
          experiments.filter(
            (one) => !query.get("deployment") || one.deployment === query.get("deployment"),
          ),
        ),
      ),
  ],
  [
    "GET",
    re("/trainer/v1/experiments/([^/]+)"),
    ({ params, answer }) => {
      const one = experiments.find((item) => item.id === params[0]);
      return one ? answer(one) : lacking(answer);
    },
  ],
  [
    "GET",
    re("/trainer/v1/experiments/([^/]+)/log"),
    ({ params, query, answer }) =>
      answer(
        log(
          experiments.find((one) => one.id === params[0]),
          Number(query.get("after") ?? 0),
        ),
      ),
  ],
  [
    "GET",
    re("/trainer/v1/experiments/([^/]+)/metrics"),
    ({ answer }) => answer(experimentMetrics()),
  ],
  [
    "POST",
    re("/trainer/v1/experiments/([^/]+)/cancel"),
    ({ params, answer }) => {
      experiments.find((one) => one.id === params[0]).status = "CANCELLED";
      answer({}, 202);
    },
  ],
];
