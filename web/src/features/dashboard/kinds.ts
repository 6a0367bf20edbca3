import type { ClassificationQuality, Quality } from "@/api/types";

export function isClassification(
  quality: Quality | ClassificationQuality,
): quality is ClassificationQuality {
  return "accuracy" in quality;
}
