/** What the HTTP interface answers (docs/http.md). Times are ISO 8601 UTC, lengths pixels, durations seconds. */

export type TaskType = "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION";
export type Role = "viewer" | "reviewer" | "engineer" | "admin";
export type Box = [x: number, y: number, w: number, h: number];
export type Point = [x: number, y: number];
export type JobState = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Me {
  organization: { id: string; name: string };
  name: string;
  role: Role;
  scopes: string[];
  expires: string | null;
}

export interface Job {
  id: string;
  kind: string;
  subject: string;
  state: JobState;
  done: number;
  total: number | null;
  message: string | null;
  error: string | null;
  created: string;
  finished: string | null;
}

export interface VersionRef {
  version: string;
  model: string;
  name: string;
  number: number;
  labels: string[];
}

export type DeliveryPolicy = "DEPLOY_SHADOW" | "DEPLOY_CHAMPION" | "DEPLOY_MANUAL" | "AUTO_PROMOTE";

export interface VerdictPolicy {
  alpha: number;
  delta: number;
  minimum: number;
  maximum: number;
  uniform: number;
  block: string | null;
}

export interface Delivery {
  active: boolean;
  policy: DeliveryPolicy;
  verdict: VerdictPolicy;
}

export interface Deployment {
  id: string;
  name: string;
  type: TaskType;
  state: string;
  threshold: number;
  sample_rate: number;
  retention_days: number | null;
  champion: VersionRef;
  shadow: VersionRef | null;
  delivery: Delivery;
  revision: number;
  created: string;
}

export interface Summary {
  deployment: string;
  predictions: number;
  last_24h: number[];
  latency_p95: number | null;
  last_prediction: string | null;
}

export type Series = (number | null)[];

export interface Bands {
  p50: Series;
  p95: Series;
  p99: Series;
}

export interface Histogram {
  edges: number[];
  counts: number[];
}

export interface Quality {
  ap_50_95: number | null;
  ap_50: number | null;
  ap_75: number | null;
  ap_small: number | null;
  ap_medium: number | null;
  ap_large: number | null;
  ar_50_95: number | null;
  ar_50: number | null;
  ar_75: number | null;
  ar_small: number | null;
  ar_medium: number | null;
  ar_large: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  images: number;
}

export interface LabelQuality {
  label: string;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  support: number;
}

export interface ClassificationQuality {
  accuracy: number | null;
  confusion: { labels: string[]; counts: number[][] };
  per_label: LabelQuality[];
  macro_f1: number | null;
  weighted_f1: number | null;
  images: number;
}

export interface Reference {
  state: "none" | "computing" | "ready" | "failed";
  dataset_version: string | null;
  done: number;
  total: number | null;
  images: number | null;
  error: string | null;
  job: string | null;
}

export interface DriftFeature {
  name: string;
  d: number;
  threshold: number;
  p: number;
  rejected: boolean;
}

export interface Dashboard {
  from: string;
  to: string;
  bucket_seconds: number;
  t: number[];
  predictions: number;
  receive_lag_p95: number | null;
  volume: number[];
  latency: { champion: Bands; shadow: Bands | null; unit: "s" };
  labels: { names: string[]; boxes: number[][]; images: number[][] };
  box_count: Histogram;
  scores: Histogram;
  box_area: Histogram;
  heat_map: { size: number; labels: { label: string; grid: number[] }[] };
  points:
    | { prediction: string; t: number; latency: number; outlier: number | null; boxes: number }[]
    | null;
  outlier: { p50: Series; p95: Series; share_alarm: Series; alarm: number } | null;
  drift: {
    t: number[];
    d: Series;
    threshold: number | null;
    alarm: boolean;
    features: DriftFeature[];
    window: number;
  } | null;
  global_distribution: { names: string[]; training: number[] | null; production: number[] };
  last: { prediction: string; data: string; t: number }[];
  quality: {
    kind: string;
    reviewed: number;
    champion: Quality | ClassificationQuality | null;
    shadow: Quality | ClassificationQuality | null;
  };
  reference: Reference;
}

export interface DriftCurves {
  feature: string;
  live: { x: number[]; f: number[] };
  reference: { x: number[]; f: number[] };
  d: number;
  threshold: number;
}

export interface Ledger {
  received: number;
  stored: number;
  duplicate: number;
  rejected: number;
  dead_lettered: number;
  in_flight: number;
  balanced: boolean;
  rejected_by_reason: Record<string, number>;
}

export interface ModelShapes {
  classes: number[];
  scores: number[];
  boxes?: Box[] | null;
  polygons?: Point[][] | null;
}

export interface ReviewShapes {
  labels: string[];
  boxes?: Box[] | null;
  polygons?: Point[][] | null;
}

export type Start = "BLANK" | "CHAMPION" | "SHADOW" | "COIN_CHAMPION" | "COIN_SHADOW";
export type ReviewStatus = "TO_REVIEW" | "REVIEWED" | "SUBMITTED";

export interface ModelAnswer {
  version: string;
  shapes: ModelShapes;
  latency: number | null;
}

export interface Predicted {
  id: string;
  data: string;
  filename: string;
  width: number;
  height: number;
  time: string;
  status: ReviewStatus | null;
  outlier: number | null;
  boxes: number;
  has_picture: boolean;
  champion: ModelAnswer;
  shadow: ModelAnswer | null;
  revision: number;
  source: string;
  tags: string[];
  flags: string[];
}

export interface Queued extends Predicted {
  draw: string;
  pi: number;
  start: "COIN_CHAMPION" | "COIN_SHADOW";
}

export interface Review {
  shapes: ReviewShapes;
  revision: number;
  reviewer: string | null;
  time: string;
  start: Start;
  draw: string | null;
  pi: number | null;
}

export interface PredictedDetail extends Predicted {
  review: Review | null;
  revisions: Review[];
  metadata: Record<string, unknown>;
  submission: {
    state: "none" | "pending" | "settled" | "refused";
    dataset_version: string | null;
    asset: string | null;
    refused: string | null;
  };
}

export interface Counts {
  TO_REVIEW: number;
  REVIEWED: number;
  SUBMITTED: number;
  without_picture: number;
}

export interface DatasetVersion {
  id: string;
  dataset: string;
  dataset_name: string;
  version: string;
  type: TaskType;
  labels: string[];
  assets: number;
  annotated: number;
  objects_per_label: Record<string, number>;
  digest: string | null;
  state: string;
  created: string;
}

export interface FeedbackLoop {
  active: boolean;
  dataset_versions: string[];
  automatic: boolean;
}

export interface TrainingDataset {
  alias: string;
  dataset_version: string;
  replay: boolean;
}

export interface TrainingSettings {
  active: boolean;
  project: string | null;
  datasets: TrainingDataset[];
  threshold: number;
  parameters: Record<string, unknown>;
  cool_down: number;
}

export interface Training extends TrainingSettings {
  submitted: number;
  crossings: number;
  last: { experiment: string; why: string; time: string } | null;
}

export interface Project {
  id: string;
  name: string;
}

export interface Experiment {
  id: string;
  project: string;
  name: string;
  status: JobState;
  deployment: string | null;
  why: string | null;
  base_version: string | null;
  target_model: string | null;
  parameters: Record<string, unknown>;
  done: number;
  total: number | null;
  attempt: number;
  created: string;
  started: string | null;
  finished: string | null;
  error: string | null;
  metrics: Record<string, number>;
  artifacts: { name: string; size?: number }[];
}

export interface LogLine {
  n: number;
  t: string;
  text: string;
}

export interface ExperimentLog {
  lines: LogLine[];
  next: number;
  end: boolean;
}

export interface ExperimentMetrics {
  series: Record<string, { steps: number[]; values: number[] }>;
}

export interface Model {
  id: string;
  name: string;
  type: TaskType;
  versions: number;
}

export interface ModelVersion {
  id: string;
  model: string;
  name: string;
  number: number;
  type: TaskType;
  framework: string;
  labels: string[];
  files: { name: string; size?: number; sha256?: string }[];
  parameters: Record<string, unknown>;
  trained_on: { alias: string; dataset_version: string }[];
  experiment: string | null;
  created: string;
}

export interface Rollout {
  id: string;
  action: string;
  version: string;
  previous: string | null;
  reason: string | null;
  actor: string | null;
  time: string;
}

export interface Look {
  n: number;
  time: string;
  mean: number;
  low: number;
  high: number;
  e_better: number;
  e_worse: number;
  e_not_worse: number;
}

export interface Verdict {
  candidate: string;
  champion: string;
  since: string;
  sentence: string;
  reviews: number;
  mean_difference: number | null;
  low: number | null;
  high: number | null;
  e_better: number | null;
  e_worse: number | null;
  e_not_worse: number | null;
  alpha: number;
  delta: number;
  minimum: number;
  maximum: number;
  reached: "BETTER" | "WORSE" | "NOT_WORSE" | null;
  recent: { low: number; high: number; mean: number; reviews: number } | null;
  looks: Look[];
  waiting: { unanswered: number; skipped: number };
  warnings: string[];
}
