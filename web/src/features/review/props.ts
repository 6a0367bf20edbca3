import type { Deployment, Predicted, PredictedDetail, Queued } from "@/api/types";

export interface ReviewProps {
  detail: PredictedDetail;
  deployed: Deployment;
  user: string;
  queued: Predicted | Queued | undefined;
  place: { at: number; of: number; fromQueue: boolean };
  strip: readonly (Predicted | Queued)[];
  /** On to the next that waits. */
  onNext: () => void;
  /** To the neighbour in the list, reviewed or not. */
  onStep: (by: number) => void;
  onOpen: (asset: string) => void;
}
