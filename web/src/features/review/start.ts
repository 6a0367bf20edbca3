/** What the reviewer sees first: stored with the review, for only blank and coin starts count for the verdict. */
import type { PredictedDetail, Start } from "@/api/types";
import { type Shape, shapesFrom } from "@/features/review/document";
import { isQueued } from "@/features/review/neighbours";
import type { ReviewProps } from "@/features/review/props";
import { fromModel, fromReview } from "@/lib/shapes";

export type Choice = "coin" | "blank" | "champion" | "shadow";

/** The coin of a drawn image was thrown by the server; a picked image begins at the champion. */
export function startOf(choice: Choice | undefined, queued: ReviewProps["queued"]): Start {
  if (choice === "blank") return "BLANK";
  if (choice === "champion") return "CHAMPION";
  if (choice === "shadow") return "SHADOW";
  return isQueued(queued) ? queued.start : "CHAMPION";
}

export function isCoin(start: Start): boolean {
  return start === "COIN_CHAMPION" || start === "COIN_SHADOW";
}

export function countsForVerdict(start: Start, queued: ReviewProps["queued"]): boolean {
  return isQueued(queued) && (isCoin(start) || start === "BLANK");
}

export function shapesAtStart(
  detail: PredictedDetail,
  start: Start,
  labels: readonly string[],
): Shape[] {
  if (detail.review) return shapesFrom(fromReview(detail.review.shapes, labels), false);
  if (start === "BLANK") return [];
  const answer = start === "SHADOW" || start === "COIN_SHADOW" ? detail.shadow : detail.champion;
  return shapesFrom(fromModel((answer ?? detail.champion).shapes), true);
}
