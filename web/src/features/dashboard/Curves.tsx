import { useMemo, useState } from "react";
import { ChartPanel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import type { Judged } from "@/features/dashboard/Scores";
import { count, decimal } from "@/lib/format";
import { labelToken, token } from "@/lib/palette";
import { useTheme } from "@/lib/preferences";
import { type Curve, unitCurves } from "@/lib/valuechart";

/** Score against the share that is right: on the diagonal a score means what it says. */
export function Calibration({ models }: { models: readonly Judged[] }) {
  const theme = useTheme();
  const made = useMemo(
    () =>
      models.map((one) => {
        const { counts, scores, right } = one.report.calibration;
        const most = Math.max(1, ...counts);
        const bins = counts.flatMap((n, i) => {
          const [score, share] = [scores[i], right[i]];
          if (!n || score == null || share == null) return [];
          return [{ n, score, share }];
        });
        return { ...one, bins, sizes: bins.map((bin) => 4 + 10 * Math.sqrt(bin.n / most)) };
      }),
    [models],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const option = useMemo(
    () =>
      unitCurves(
        made.map(
          (one): Curve => ({
            name: one.name,
            colour: token(one.name),
            dashed: one.name === "shadow",
            points: one.bins.map((bin) => [bin.score, bin.share]),
            sizes: one.sizes,
            says: (i) => {
              const bin = one.bins[i]!;
              return `${one.name}: score ${decimal(bin.score)}, right ${decimal(bin.share)}, n = ${count(bin.n)}`;
            },
          }),
        ),
        { x: "mean score", y: "share that is right", diagonal: true },
      ),
    [made, theme],
  );
  const errors = made.map((one) => {
    const { error, by_chance } = one.report.calibration;
    return `${one.name} ${decimal(error)}, by chance alone ${decimal(by_chance)}`;
  });
  return (
    <ChartPanel
      title="Calibration"
      subtitle="ten bins of score, on reviewed images"
      summary={`Calibration error: ${errors.join("; ")}.`}
      option={option}
      height={220}
      table={() => ({
        head: ["Mean score", "Share right", "n", "Model"],
        rows: made.flatMap((one) =>
          one.bins.map((bin) => [decimal(bin.score, 3), decimal(bin.share, 3), bin.n, one.name]),
        ),
      })}
      note={<p className="note small muted">Expected error (D-ECE): {errors.join(" · ")}</p>}
    />
  );
}

/** Precision at each recall, at IoU 0.5: the mean over labels, or each label of the first model. */
export function PrecisionRecall({ models }: { models: readonly Judged[] }) {
  const theme = useTheme();
  const [by, setBy] = useState<"mean" | "label">("mean");
  const known = models.filter((one) => one.report.precision_recall !== null);
  const [first] = known;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const curves = useMemo((): Curve[] => {
    if (by === "label" && first) {
      const { recall, labels } = first.report.precision_recall!;
      return labels.map((one, i) => ({
        name: one.label,
        colour: token(labelToken(i)),
        points: recall.map((at, k) => [at, one.precision[k] ?? 0]),
      }));
    }
    return known.flatMap((one) => {
      const { recall, mean } = one.report.precision_recall!;
      if (mean === null) return [];
      const points = recall.map((at, k): [number, number] => [at, mean[k] ?? 0]);
      return [{ name: one.name, colour: token(one.name), dashed: one.name === "shadow", points }];
    });
  }, [models, by, theme]);
  const option = useMemo(() => unitCurves(curves, { x: "recall", y: "precision" }), [curves]);
  if (curves.length === 0) return null;
  return (
    <ChartPanel
      title="Precision and recall"
      subtitle={by === "mean" ? "IoU 0.5, mean over labels" : `IoU 0.5, ${first!.name} by label`}
      summary={known
        .map((one) => `${one.name} AP at IoU 0.5 ${decimal(apHalf(one), 3)}`)
        .join(", ")}
      option={option}
      height={220}
      tools={
        <Segments
          label="Curves of"
          value={by}
          options={[
            { value: "mean", label: "Mean" },
            { value: "label", label: "Labels" },
          ]}
          onChange={setBy}
        />
      }
      table={() => ({
        head: ["Recall", ...curves.map((one) => one.name)],
        rows: curves[0]!.points.map(([at], k) => [
          decimal(at),
          ...curves.map((one) => decimal(one.points[k]?.[1], 3)),
        ]),
      })}
      note={
        <div className="legend" aria-hidden="true">
          {curves.slice(0, 12).map((one) => (
            <span key={one.name} className="key">
              <span className="swatch" style={{ color: one.colour }} />
              {one.name}
            </span>
          ))}
        </div>
      }
    />
  );
}

function apHalf(one: Judged): number | null {
  const said = one.report.on_reviewed;
  return "ap_50" in said ? said.ap_50 : null;
}
