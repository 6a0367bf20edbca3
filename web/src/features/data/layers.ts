/** What may be drawn over an image: answers of models, its review, annotations in datasets. */
import type { AssetShapes, AssetUse, PredictedDetail } from "@/api/types";
import type { Layer } from "@/components/Picture";
import { type Drawn, fromModel, fromReview } from "@/lib/shapes";

export interface Choice {
  value: string;
  label: string;
  layer: Layer;
  /** Label names in the order of their indices. */
  labels: readonly string[];
  said: readonly string[];
}

function choice(
  value: string,
  label: string,
  shapes: readonly Drawn[],
  labels: readonly string[],
  said: readonly string[],
  dashed = false,
): Choice {
  return { value, label, layer: { shapes, dashed }, labels, said };
}

export function annotationLayer(shapes: AssetShapes, labels: readonly string[]): Layer {
  return { shapes: fromReview(shapes, labels) };
}

export function choicesOf(
  predicted: PredictedDetail | undefined,
  modelLabels: readonly string[],
  threshold: number,
  uses: readonly AssetUse[],
): Choice[] {
  const found: Choice[] = [];
  const named = (classes: readonly number[]) => classes.map((one) => modelLabels[one] ?? `#${one}`);
  for (const [role, answer] of [
    ["champion", predicted?.champion],
    ["shadow", predicted?.shadow],
  ] as const) {
    if (!answer) continue;
    const drawn = fromModel(answer.shapes).filter((one) => (one.score ?? 1) >= threshold);
    const kept = answer.shapes.classes.filter(
      (_, i) => (answer.shapes.scores[i] ?? 1) >= threshold,
    );
    const label = role === "champion" ? "Champion" : "Shadow";
    found.push(choice(role, label, drawn, modelLabels, named(kept), role === "shadow"));
  }
  if (predicted?.review) {
    const { shapes } = predicted.review;
    const drawn = fromReview(shapes, modelLabels);
    found.push(choice("review", "Review", drawn, modelLabels, shapes.labels));
  }
  for (const use of uses) {
    if (!use.annotation) continue;
    const name = `${use.dataset_name} ${use.version_name}`;
    const { shapes } = annotationLayer(use.annotation, use.version_labels);
    found.push(choice(use.id, name, shapes, use.version_labels, use.annotation.labels));
  }
  return found;
}

/** "bus, car ×3": what a layer shows, by label. */
export function summary(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const one of labels) counts.set(one, (counts.get(one) ?? 0) + 1);
  if (counts.size === 0) return "nothing there";
  return [...counts].map(([label, n]) => (n > 1 ? `${label} ×${n}` : label)).join(", ");
}
