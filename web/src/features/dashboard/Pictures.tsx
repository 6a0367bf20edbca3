import type { Dashboard } from "@/api/types";
import { TimePanel, type Zoom } from "@/features/dashboard/TimePanel";
import { decimal } from "@/lib/format";

/** What the pictures are like, whatever is in them: light and focus. */
export function Pictures({ data, onZoom }: { data: Dashboard; onZoom: Zoom }) {
  const { tone } = data;
  if (!tone) return null;
  return (
    <>
      <TimePanel
        data={data}
        title="Brightness and contrast"
        metrics={["tone.brightness", "tone.contrast"]}
        unit="0–1, mean of a bucket"
        max={1}
        format={(value) => decimal(value)}
        series={(colour) => [
          { name: "brightness", values: tone.brightness, colour: colour("accent") },
          { name: "contrast", values: tone.contrast, colour: colour("reference") },
        ]}
        onZoom={onZoom}
      />
      <TimePanel
        data={data}
        title="Sharpness"
        metrics={["tone.sharpness"]}
        floating
        unit="log variance of the Laplacian, mean of a bucket"
        format={(value) => decimal(value)}
        series={(colour) => [
          { name: "sharpness", values: tone.sharpness, colour: colour("accent") },
        ]}
        onZoom={onZoom}
      />
    </>
  );
}
