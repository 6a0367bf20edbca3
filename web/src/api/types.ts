/**
 * What the HTTP interface answers: names for the generated schemas, and what a schema says too loosely.
 * Times are ISO 8601 UTC, lengths pixels, durations seconds.
 */
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
/** A schema with some fields said more exactly than its document does. */
type With<T, Fields> = Omit<T, keyof Fields> & Fields;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type TaskType = Schemas["TaskType"];
export type Role = Schemas["Role"];
export type Scope = Schemas["Scope"];
export type Me = Schemas["Me"];
export type Box = [x: number, y: number, w: number, h: number];
export type Point = [x: number, y: number];

export type JobState = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
export type Job = With<Schemas["JobDto"], { state: JobState }>;

export type VersionRef = Schemas["RoleDto"];
export type DeliveryPolicy = Schemas["Delivery"];
export type VerdictPolicy = With<Schemas["VerdictPolicy"], { block: string | null }>;
export type Delivery = With<Schemas["DeliveryDto"], { verdict: VerdictPolicy }>;
export type Deployment = With<Schemas["DeploymentDto"], { delivery: Delivery }>;
export type Rollout = Schemas["RolloutDto"];
export type Look = Schemas["LookDto"];
export type Verdict = Schemas["VerdictDto"];

export type Series = (number | null)[];
export type Summary = Schemas["SummaryDto"];
export type Bands = Schemas["BandsDto"];
export type Histogram = Schemas["HistogramDto"];
export type Quality = Schemas["DetectionQualityDto"];
export type LabelQuality = Schemas["LabelQualityDto"];
export type ClassificationQuality = Schemas["ClassificationQualityDto"];
export type QualityReport = Schemas["QualityReportDto"];
export type Report = Schemas["ReportDto"];
export type Estimate = Schemas["EstimateDto"];
export type Confusion = Schemas["ConfusionDto"];
export type Harm = Schemas["HarmDto"];
export type LabelFree = Schemas["LabelFreeDto"];
export type LabelFreeNumber = Schemas["LabelFreeNumberDto"];
export type Reference = With<
  Schemas["ReferenceDto"],
  { state: "none" | "computing" | "ready" | "failed" }
>;
export type DriftFeature = Schemas["FeatureDto"];
export type DriftCurves = Schemas["DriftCurvesDto"];
export type Dashboard = With<Schemas["DashboardDto"], { reference: Reference }>;
export type Ledger = Schemas["LedgerDto"];
export type NamedLedger = Schemas["NamedLedger"];
export type Rejections = Schemas["Rejections"];
export type Consumer = Schemas["ConsumerDto"];
export type ConsumerMember = Schemas["MemberDto"];
export type DeadLetter = Schemas["DeadLetterDto"];
export type DeadLetterDetail = Schemas["DeadLetterDetail"];

export type ModelShapes = Schemas["services__review__dto__ShapesDto"];
export type ReviewShapes = Schemas["ReviewShapesDto"];
export type Start = Schemas["Start"];
export type ReviewStatus = "TO_REVIEW" | "REVIEWED" | "SUBMITTED";
export type ModelAnswer = Schemas["AnswerDto"];
export type Predicted = Schemas["PredictedDto"];
export type Queued = Schemas["QueuedDto"];
export type Review = Schemas["ReviewDto"];
export type PredictedDetail = Schemas["DetailDto"];
export type Facets = Schemas["FacetsDto"];
export type Counts = Schemas["CountsDto"];
export type Completion = Schemas["CompletionDto"];
export type Submitted = Schemas["SubmittedDto"];

export type DatasetVersion = Schemas["services__feedback__dto__datasets__VersionDto"];
export type FeedbackLoop = Schemas["LoopDto"];
export type TrainingDataset = Schemas["TrainingSetDto"];
export type TrainingSettings = With<Schemas["TrainingBody"], { project: string | null }>;
export type Training = With<Schemas["TrainingDto"], { project: string | null }>;

export type Project = Schemas["ProjectDto"];
export type ExperimentStatus = Schemas["ExperimentStatus"];
export type Experiment = Schemas["ExperimentDto"];
export type LogLine = Schemas["LineDto"];
export type ExperimentLog = Schemas["LogDto"];
export type ExperimentMetrics = Schemas["MetricsDto"];
export type Logged = Schemas["LoggedDto"];

export type Model = Schemas["ModelDto"];
export type ModelVersion = Schemas["services__deployer__dto__VersionDto"];

export type Data = Schemas["DataDto"];
export type DataDetail = Schemas["DataDetail"];
export type Uploaded = Schemas["UploadedDto"];
export type DataNames = Schemas["NamesDto"];
export type Place = Schemas["PlaceDto"];
export type Registration = Schemas["RegistrationDto"];
export type RegistrationError = Schemas["RegistrationError"];
export type Tagged = Schemas["TaggedDto"];
export type Dataset = Schemas["DatasetDto"];
export type Asset = Schemas["AssetDto"];
export type AssetShapes = NonNullable<Asset["annotation"]>;
export type AssetUse = Schemas["UseDto"];
export type Provenance = Schemas["ProvenanceDto"];
export type Difference = Schemas["DifferenceDto"];
export type Changed = Schemas["ChangedDto"];
export type ChangeKind = Schemas["ChangeKind"];
export type CopyAccepted = Schemas["CopyAccepted"];
