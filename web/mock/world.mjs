/** The objects that the mock answers with: two deployments in mid-life and an empty one. */
import { scenes } from "./pictures.mjs";
import { random } from "./random.mjs";

const r = random(7);
const now = Date.now();
const iso = (ms) => new Date(ms).toISOString();
const hour = 3_600_000;

export const labels = ["RBC", "WBC", "Platelets"];
const digits = Array.from({ length: 10 }, (_, i) => String(i));

export const me = {
  organization: { id: r.uuid(), name: "default" },
  name: "mira",
  role: "admin",
  scopes: [
    "predictions:read",
    "predictions:write",
    "predictions:delete",
    "reviews:write",
    "reviews:submit",
    "data:read",
    "data:write",
    "datasets:read",
    "datasets:write",
    "experiments:read",
    "experiments:write",
    "models:read",
    "models:write",
    "deployments:read",
    "deployments:write",
    "rollouts:write",
    "users:read",
    "users:write",
    "tokens:read",
    "tokens:write",
  ],
  expires: iso(now + 24 * hour),
};

export const models = [
  { id: r.uuid(), name: "cell-detector", type: "OBJECT_DETECTION", versions: 8 },
  { id: r.uuid(), name: "digits", type: "CLASSIFICATION", versions: 2 },
];

const version = (model, number, names, experiment = null) => ({
  id: r.uuid(),
  model: model.id,
  name: `${model.name}-${number}`,
  number,
  type: model.type,
  framework: "ONNX",
  labels: names,
  files: [{ name: "model-latest", size: 3_482_112, sha256: "9f31c2".padEnd(64, "a0") }],
  parameters: { epochs: 12 + number, learning_rate: 0.003, image_size: 320 },
  trained_on: [],
  experiment,
  created: iso(now - (10 - number) * 26 * hour),
});

export const versions = [
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => version(models[0], n, labels)),
  ...[1, 2].map((n) => version(models[1], n, digits)),
];

export const datasetVersions = [
  ["cells", "v1", labels, 180, { RBC: 2410, WBC: 204, Platelets: 190 }],
  ["cells", "v2-production", labels, 250, { RBC: 3102, WBC: 260, Platelets: 301 }],
  ["cells-legacy", "2024", ["RBC", "WBC"], 96, { RBC: 900, WBC: 104 }],
].map(([name, v, names, assets, objects]) => ({
  id: r.uuid(),
  dataset: r.uuid(),
  dataset_name: name,
  version: v,
  type: "OBJECT_DETECTION",
  labels: names,
  assets,
  annotated: assets,
  objects_per_label: objects,
  digest: "b41f".padEnd(64, "3"),
  manifest: null,
  state: "SETTLED",
  created: iso(now - 200 * hour),
}));

const ref = (v) => ({
  version: v.id,
  model: v.model,
  name: v.name,
  number: v.number,
  labels: v.labels,
});
const verdictPolicy = {
  alpha: 0.05,
  delta: 0.02,
  minimum: 20,
  maximum: 2000,
  uniform: 0.5,
  block: null,
};
const deployment = (name, type, champion, shadow, policy) => ({
  id: r.uuid(),
  name,
  type,
  state: "ACTIVE",
  threshold: 0.4,
  sample_rate: 1,
  retention_days: 90,
  champion: ref(champion),
  shadow: shadow ? ref(shadow) : null,
  delivery: {
    active: policy !== null,
    policy: policy ?? "DEPLOY_SHADOW",
    verdict: { ...verdictPolicy },
  },
  revision: 4,
  created: iso(now - 240 * hour),
});

export const deployments = [
  deployment("dock-microscope", "OBJECT_DETECTION", versions[6], versions[7], "AUTO_PROMOTE"),
  deployment("mail-digits", "CLASSIFICATION", versions[9], null, null),
  deployment("night-shift", "OBJECT_DETECTION", versions[5], null, null),
];

export const projects = [{ id: r.uuid(), name: "cells" }];

export const experiments = [
  ["dock-microscope-20261121T143012Z", "RUNNING", "250 of 250 submitted since 3 Nov", 7, 12],
  ["dock-microscope-20261118T091200Z", "SUCCEEDED", "250 of 250 submitted since 28 Oct", 12, 12],
  ["by-hand-larger-input", "FAILED", null, 3, 20],
  ["by-hand-baseline", "CANCELLED", null, 5, 20],
].map(([name, status, why, done, total], i) => ({
  id: r.uuid(),
  project: projects[0].id,
  name,
  status,
  deployment: why ? deployments[0].id : null,
  why,
  base_version: versions[6].id,
  target_model: models[0].id,
  parameters: { epochs: total, learning_rate: 0.003, image_size: 320, batch: 8 },
  done,
  total,
  attempt: 1,
  created: iso(now - (i * 70 + 0.2) * hour),
  started: iso(now - (i * 70 + 0.18) * hour),
  finished: status === "RUNNING" ? null : iso(now - (i * 70 - 0.2) * hour),
  error:
    status === "FAILED"
      ? "The loss became infinite at step 412; try a smaller learning_rate."
      : null,
  metrics: status === "SUCCEEDED" ? { map_50: 0.812, map_50_95: 0.533, loss: 0.281 } : {},
  artifacts:
    status === "SUCCEEDED"
      ? [
          { name: "model-latest", size: 3_482_112 },
          { name: "report.json", size: 5120 },
        ]
      : [],
}));

const shapesOf = (scene, skill, seed) => {
  const q = random(seed);
  const out = { classes: [], scores: [], boxes: [] };
  scene.boxes.forEach((box, i) => {
    if (q.next() > skill) return;
    const jitter = (1 - skill) * 40;
    const [x, y, w, h] = box.map((n) => n + q.normal() * jitter * 0.2);
    out.boxes.push([
      Math.max(0, x),
      Math.max(0, y),
      Math.min(w, scene.width - x),
      Math.min(h, scene.height - y),
    ]);
    out.classes.push(scene.classes[i]);
    out.scores.push(Math.min(0.99, Math.max(0.12, skill + q.normal() * 0.16)));
  });
  return out;
};

export const all = scenes(420);
export const predicted = all.map((scene, i) => {
  const t = now - i * 190_000;
  const q = random(i + 50);
  const drifted = i < 140;
  const statuses =
    i < 40 ? "TO_REVIEW" : i % 3 === 0 ? "TO_REVIEW" : i % 3 === 1 ? "REVIEWED" : "SUBMITTED";
  const champion = shapesOf(scene, drifted ? 0.72 : 0.88, i + 1);
  const hasPicture = i % 29 !== 17;
  return {
    id: q.uuid(),
    data: q.uuid(),
    filename: scene.filename,
    width: scene.width,
    height: scene.height,
    time: iso(t),
    status: hasPicture ? statuses : null,
    outlier: Math.min(0.999, Math.max(0, (drifted ? 0.7 : 0.45) + q.normal() * 0.25)),
    boxes: champion.boxes.length,
    has_picture: hasPicture,
    champion: { version: versions[6].id, shapes: champion, latency: 0.18 + q.next() * 0.06 },
    shadow: { version: versions[7].id, shapes: shapesOf(scene, 0.9, i + 9000), latency: 0.16 },
    revision: statuses === "TO_REVIEW" ? 0 : 1,
    source: "serving",
    tags: i % 5 === 0 ? ["night"] : [],
    flags: [],
  };
});
export const classified = predicted.slice(0, 160).map((one, i) => {
  const q = random(i + 7000);
  return {
    ...one,
    id: q.uuid(),
    status: i % 2 ? "REVIEWED" : "TO_REVIEW",
    champion: {
      version: versions[9].id,
      shapes: { classes: [i % 10], scores: [0.5 + q.next() / 2] },
      latency: 0.01,
    },
    shadow: null,
    boxes: 0,
  };
});

export const reviews = new Map();
predicted.forEach((one, i) => {
  if (one.revision === 0) return;
  const scene = all[i];
  reviews.set(one.id, {
    shapes: { labels: scene.classes.map((k) => labels[k]), boxes: scene.boxes },
    revision: 1,
    reviewer: "mira",
    time: iso(now - i * 180_000),
    start: "COIN_CHAMPION",
    draw: null,
    pi: 1,
  });
});

export const settings = {
  reference: {
    [deployments[0].id]: {
      state: "ready",
      dataset_version: datasetVersions[0].id,
      done: 180,
      total: 180,
      images: 180,
      error: null,
      job: null,
    },
  },
  loop: { active: true, dataset_versions: [datasetVersions[1].id], automatic: false },
  training: {
    active: true,
    project: projects[0].id,
    datasets: [
      { alias: "train", dataset_version: datasetVersions[1].id, replay: false },
      { alias: "first", dataset_version: datasetVersions[0].id, replay: true },
    ],
    threshold: 250,
    parameters: { epochs: 12, learning_rate: 0.003 },
    cool_down: 3600,
    submitted: 87,
    crossings: 2,
    last: {
      experiment: experiments[0].id,
      why: "250 of 250 submitted since 3 Nov",
      time: experiments[0].created,
    },
  },
};

export const rollouts = [
  [
    "DEPLOY_SHADOW",
    versions[7],
    null,
    `experiment ${experiments[1].name} succeeded`,
    "continuous deployment",
    26,
  ],
  [
    "PROMOTE",
    versions[6],
    versions[5],
    "verdict BETTER after 214 reviews, e = 23.1",
    "AUTO_PROMOTE",
    90,
  ],
  ["DEPLOY_SHADOW", versions[6], null, "experiment succeeded", "continuous deployment", 130],
  ["CREATE", versions[5], null, null, "mira", 240],
].map(([action, v, previous, reason, actor, ago]) => ({
  id: r.uuid(),
  action,
  version: v.id,
  previous: previous?.id ?? null,
  reason,
  actor,
  time: iso(now - ago * hour),
}));
