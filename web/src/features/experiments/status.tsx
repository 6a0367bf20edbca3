import type { JobState } from "@/api/types";

const TONES: Record<JobState, string> = {
  QUEUED: "",
  RUNNING: "accent",
  SUCCEEDED: "ok",
  FAILED: "danger",
  CANCELLED: "warn",
};

export function isOver(status: JobState): boolean {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}

export function StatusBadge({ status }: { status: JobState }) {
  return <span className={`badge ${TONES[status] ?? ""}`}>{status.toLowerCase()}</span>;
}
