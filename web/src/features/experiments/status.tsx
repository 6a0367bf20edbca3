import type { ExperimentStatus } from "@/api/types";

const TONES: Record<ExperimentStatus, string> = {
  PENDING: "",
  RUNNING: "accent",
  SUCCESS: "ok",
  FAILED: "danger",
  CANCELED: "warn",
};

const NAMES: Record<ExperimentStatus, string> = {
  PENDING: "pending",
  RUNNING: "running",
  SUCCESS: "succeeded",
  FAILED: "failed",
  CANCELED: "cancelled",
};

export function isOver(status: ExperimentStatus): boolean {
  return status === "SUCCESS" || status === "FAILED" || status === "CANCELED";
}

export function StatusBadge({ status }: { status: ExperimentStatus }) {
  return <span className={`badge ${TONES[status]}`}>{NAMES[status]}</span>;
}
