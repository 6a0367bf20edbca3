import { useState } from "react";
import type { Dashboard } from "@/api/types";
import { Segments } from "@/components/controls";
import { Bins } from "@/features/dashboard/Bins";
import { count } from "@/lib/format";

const KINDS = ["width", "height", "area", "ratio"] as const;
type Kind = (typeof KINDS)[number];
const UNITS: Record<Kind, string> = {
  width: "pixels",
  height: "pixels",
  area: "square pixels",
  ratio: "width / height, images",
};

/** How large the pictures are. */
export function ImageSize({ data }: { data: Dashboard }) {
  const [kind, setKind] = useState<Kind>("width");
  const { ratio } = data.image_size;
  const named = { edges: ratio.names.map((_, i) => i), counts: ratio.counts };
  return (
    <Bins
      key={kind}
      title="Image size"
      unit={UNITS[kind]}
      only="images"
      champion={kind === "ratio" ? named : data.image_size[kind]}
      whole={kind === "ratio"}
      format={(edge) => (kind === "ratio" ? (ratio.names[edge] ?? "") : count(edge))}
      tools={
        <Segments
          label="Size as"
          value={kind}
          options={KINDS.map((one) => ({ value: one, label: one }))}
          onChange={setKind}
        />
      }
    />
  );
}
