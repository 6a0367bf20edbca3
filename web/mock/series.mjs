/** The dashboard, drift curves, verdict, log and metrics of the mock, as functions of time. */
import { random } from "./random.mjs";
import { classified, deployments, labels, predicted, settings, versions } from "./world.mjs";

const quality = (lift) => ({
  ap_50_95: 0.472 + lift,
  ap_50: 0.771 + lift,
  ap_75: 0.503 + lift,
  ap_small: 0.291 + lift,
  ap_medium: 0.468 + lift,
  ap_large: 0.611 + lift,
  ar_50_95: 0.561 + lift,
  ar_50: 0.842 + lift,
  ar_75: 0.598 + lift,
  ar_small: 0.372 + lift,
  ar_medium: 0.551 + lift,
  ar_large: null,
  precision: 0.861 + lift,
  recall: 0.812 + lift,
  f1: 0.836 + lift,
  images: 338,
});

export function dashboard(d, from, to) {
  const span = (to - from) / 1000;
  const bucket = [10, 60, 300, 900, 3600, 21600, 86400].find((b) => span / b <= 120) ?? 86400;
  const start = Math.floor(from / 1000 / bucket) * bucket;
  const t = [];
  for (let at = start; at < to / 1000; at += bucket) t.push(at);
  const r = random(Math.floor(start / bucket) % 1000);
  const day = (at) => 0.6 + 0.4 * Math.sin(((at % 86400) / 86400) * 2 * Math.PI - 1.6);
  const outage = (i) => i > t.length * 0.42 && i < t.length * 0.47;
  const drifted = (i) => i > t.length * 0.64;
  const volume = t.map((at, i) =>
    outage(i) ? 0 : Math.round((bucket / 7) * day(at) * (0.85 + r.next() * 0.3)),
  );
  const make = (base, spread) =>
    t.map((_, i) => (outage(i) ? null : base + r.next() * spread + (drifted(i) ? spread : 0)));
  const p50 = make(0.15, 0.02);
  const predictions = volume.reduce((a, b) => a + b, 0);
  const points =
    predictions <= 2000
      ? predicted
          .filter((one) => Date.parse(one.time) >= from && Date.parse(one.time) <= to)
          .map((one) => ({
            prediction: one.id,
            t: Date.parse(one.time) / 1000,
            latency: one.champion.latency,
            outlier: one.outlier,
            boxes: one.boxes,
          }))
      : null;
  const boxes = [9.4, 0.9, 1.3].map((mean) =>
    volume.map((n, i) => Math.round(n * mean * (drifted(i) ? 0.8 : 1))),
  );
  const heat = (cx, cy, s) =>
    Array.from({ length: 1024 }, (_, k) => {
      const x = (k % 32) / 32 - cx;
      const y = Math.floor(k / 32) / 32 - cy;
      return 0.05 + Math.exp(-(x * x + y * y) / s) + r.next() * 0.06;
    });
  const histogram = (edges, f) => ({
    edges,
    counts: edges.slice(1).map((_, i) => Math.round(predictions * f(i / (edges.length - 1)))),
  });
  const linear = (low, high, n) =>
    Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n);
  const reference = settings.reference[d.id] ?? {
    state: "none",
    dataset_version: null,
    done: 0,
    total: null,
    images: null,
    error: null,
    job: null,
  };
  const ready = reference.state === "ready";
  const classification = d.type === "CLASSIFICATION";
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    bucket_seconds: bucket,
    t,
    predictions,
    receive_lag_p95: 0.34,
    volume,
    latency: {
      champion: {
        p50,
        p95: p50.map((v) => (v === null ? null : v + 0.05)),
        p99: p50.map((v) => (v === null ? null : v + 0.11 + r.next() * 0.05)),
      },
      shadow: d.shadow
        ? {
            p50: p50.map((v) => (v === null ? null : v - 0.03)),
            p95: p50.map((v) => (v === null ? null : v + 0.005)),
            p99: p50.map((v) => (v === null ? null : v + 0.02)),
          }
        : null,
      unit: "s",
    },
    labels: classification
      ? {
          names: d.champion.labels,
          boxes: [],
          images: d.champion.labels.map(() =>
            volume.map((n) => Math.round((n / 10) * (0.8 + r.next() * 0.4))),
          ),
        }
      : { names: labels, boxes, images: boxes },
    box_count: histogram(linear(0, 24, 24), (x) => 0.12 * Math.exp(-((x - 0.45) ** 2) / 0.03)),
    scores: histogram(linear(0, 1, 25), (x) => 0.02 + 0.9 * Math.exp(-((x - 0.86) ** 2) / 0.02)),
    box_area: histogram(
      linear(0, 40000, 24),
      (x) => 0.3 * Math.exp(-((x - 0.25) ** 2) / 0.02) + 0.02,
    ),
    heat_map: {
      size: 32,
      labels: classification
        ? []
        : labels.map((label, i) => ({
            label,
            grid: heat(0.3 + i * 0.2, 0.6 - i * 0.15, 0.06 - i * 0.015),
          })),
    },
    points,
    outlier: ready
      ? { p50: make(0.5, 0.1), p95: make(0.84, 0.05), share_alarm: make(0.01, 0.04), alarm: 0.99 }
      : null,
    drift: ready
      ? {
          t,
          d: t.map((_, i) => (outage(i) ? null : (drifted(i) ? 0.36 : 0.12) + r.next() * 0.05)),
          threshold: 0.24,
          alarm: true,
          features: [
            ["outlier score", 0.41],
            ["brightness", 0.37],
            ["sharpness", 0.28],
            ["embedding 3", 0.22],
            ["box count", 0.18],
            ["embedding 1", 0.15],
            ["score", 0.14],
            ["box area", 0.08],
            ["contrast", 0.07],
          ].map(([name, value]) => ({
            name,
            d: value,
            threshold: 0.2,
            p: value > 0.2 ? 1e-5 : 0.2,
            rejected: value > 0.2,
          })),
          window: 500,
        }
      : null,
    global_distribution: {
      names: d.champion.labels,
      training: ready ? [0.86, 0.073, 0.067] : null,
      production: classification ? d.champion.labels.map(() => 0.1) : [0.81, 0.078, 0.112],
    },
    last: (classification ? classified : predicted)
      .slice(0, 5)
      .map((one) => ({ prediction: one.id, data: one.data, t: Date.parse(one.time) / 1000 })),
    quality: {
      kind: "on reviewed images",
      reviewed: d === deployments[2] ? 0 : 338,
      champion:
        d === deployments[2] ? null : classification ? confusion(d.champion.labels) : quality(0),
      shadow: d.shadow ? quality(0.061) : null,
    },
    reference,
  };
}

function confusion(names) {
  const r = random(5);
  const counts = names.map((_, i) =>
    names.map((_, j) =>
      i === j ? 28 + Math.round(r.next() * 8) : r.next() < 0.18 ? Math.ceil(r.next() * 4) : 0,
    ),
  );
  return {
    accuracy: 0.951,
    confusion: { labels: names, counts },
    macro_f1: 0.948,
    weighted_f1: 0.951,
    images: 338,
    per_label: names.map((label) => ({
      label,
      precision: 0.9 + r.next() * 0.1,
      recall: 0.9 + r.next() * 0.1,
      f1: 0.9 + r.next() * 0.08,
      support: 28 + Math.round(r.next() * 10),
    })),
  };
}

export function drift(feature) {
  const r = random(feature.length * 31);
  const sample = (mean, sd, n) =>
    Array.from({ length: n }, () => mean + r.normal() * sd).sort((a, b) => a - b);
  const live = sample(0.62, 0.18, 120);
  const reference = sample(0.48, 0.14, 160);
  const f = (xs) => xs.map((_, i) => (i + 1) / xs.length);
  return {
    feature,
    live: { x: live, f: f(live) },
    reference: { x: reference, f: f(reference) },
    d: 0.37,
    threshold: 0.2,
  };
}

export function verdict(d) {
  const r = random(3);
  const looks = [];
  let s = 0;
  let n = 0;
  for (let k = 0; k < 60; k += 1) {
    for (let i = 0; i < 5; i += 1) s += 0.082 + r.normal() * 0.3;
    n += 5;
    const mean = s / n;
    const half = 1.25 / Math.sqrt(n) + 0.9 / n;
    const e = Math.exp(Math.max(-2.4, (mean * mean * n) / 0.42 - 1.8));
    looks.push({
      n,
      time: new Date(Date.now() - (60 - k) * 1_500_000).toISOString(),
      mean,
      low: Math.max(-1, mean - half),
      high: Math.min(1, mean + half),
      e_better: e,
      e_worse: Math.max(0.04, Math.exp(-k * 0.05)),
      e_not_worse: e * 1.9,
    });
  }
  const last = looks.at(-1);
  return {
    candidate: versions[7].id,
    champion: versions[6].id,
    since: new Date(Date.now() - 26 * 3_600_000).toISOString(),
    sentence: `After ${last.n} reviews v8 is better by ${last.mean.toFixed(2)} [${last.low.toFixed(2)}, ${last.high.toFixed(2)}], α 0.05.`,
    reviews: last.n,
    mean_difference: last.mean,
    low: last.low,
    high: last.high,
    e_better: last.e_better,
    e_worse: last.e_worse,
    e_not_worse: last.e_not_worse,
    alpha: 0.05,
    delta: 0.02,
    minimum: 20,
    maximum: 2000,
    reached: last.e_better > 20 ? "BETTER" : null,
    recent: { low: -0.01, high: 0.12, mean: 0.055, reviews: 142 },
    looks,
    waiting: { unanswered: 3, skipped: 2 },
    warnings: [
      "Neighbouring reviews are correlated (0.23): promotion waits. Name a block field to count bursts as one.",
    ],
    deployment: d.id,
  };
}

export function log(experiment, after) {
  const total = experiment.status === "RUNNING" ? 340 + Math.floor((Date.now() / 400) % 4000) : 420;
  const lines = [];
  for (let n = after; n < Math.min(total, after + 500); n += 1) {
    const epoch = Math.floor(n / 40) + 1;
    lines.push({
      n: n + 1,
      t: new Date(Date.parse(experiment.created) + n * 900).toISOString(),
      text:
        n === 0
          ? "Preparing 250 images of cells v2-production"
          : n % 40 === 0
            ? `Epoch ${epoch} done: map_50 ${(0.5 + epoch * 0.03).toFixed(3)}`
            : `epoch ${epoch} step ${n % 40}/40 loss ${(1.2 * Math.exp(-n / 160) + 0.25).toFixed(4)} ${(0.21 + (n % 7) * 0.004).toFixed(3)} s`,
    });
  }
  return {
    lines,
    next: after + lines.length,
    end: experiment.status !== "RUNNING" && after + lines.length >= total,
  };
}

export function experimentMetrics() {
  const r = random(11);
  const steps = Array.from({ length: 60 }, (_, i) => i * 5);
  return {
    series: {
      loss: { steps, values: steps.map((s) => 1.2 * Math.exp(-s / 90) + 0.26 + r.next() * 0.03) },
      map_50: {
        steps: steps.filter((_, i) => i % 8 === 0),
        values: steps
          .filter((_, i) => i % 8 === 0)
          .map((s) => 0.8 * (1 - Math.exp(-s / 80)) + r.next() * 0.02),
      },
      learning_rate: { steps, values: steps.map((s) => 0.003 * Math.cos((s / 300) * 1.4)) },
    },
  };
}
