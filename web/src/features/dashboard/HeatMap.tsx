import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { Dashboard } from "@/api/types";
import { Panel } from "@/components/ChartPanel";
import { Segments } from "@/components/controls";
import { Empty } from "@/components/states";
import { decimal } from "@/lib/format";
import { cividis } from "@/lib/palette";

const FROM = "/inside/o/$org/deployments/$d/dashboard";

/** Where shapes of a label lie on the unit image: a 32×32 grid in Cividis. */
export function HeatMap({ data, label }: { data: Dashboard; label: string | undefined }) {
  const { size, labels } = data.heat_map;
  const [at, setAt] = useState<number | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const search = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/o/$org/deployments/$d/dashboard" });
  const shown = labels.find((one) => one.label === label) ?? labels[0];
  const grid = shown?.grid;
  const top = Math.max(...(grid ?? []), 1e-9);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !grid) return;
    const image = context.createImageData(size, size);
    grid.forEach((value, i) => {
      const [r, g, b] = cividis(value / top);
      image.data.set([r, g, b, 255], i * 4);
    });
    context.putImageData(image, 0, 0);
  }, [grid, size, top]);
  const choose = (name: string) =>
    void navigate({ search: { ...search, label: name }, replace: true });
  const peak = grid ? grid.indexOf(top) : -1;
  return (
    <Panel
      title="Heat map"
      subtitle="where shapes lie in the image"
      summary={
        shown
          ? `${shown.label}: densest in column ${(peak % size) + 1}, row ${Math.floor(peak / size) + 1} of ${size}.`
          : ""
      }
      table={() => ({
        head: ["Row", ...Array.from({ length: size }, (_, i) => String(i + 1))],
        rows: Array.from({ length: size }, (_, y) => [
          y + 1,
          ...(grid ?? []).slice(y * size, (y + 1) * size).map((one) => decimal(one)),
        ]),
      })}
    >
      {!shown ? (
        <Empty compact title="No shape in this range" />
      ) : (
        <div className="heat">
          <div className="row wrap">
            {labels.length <= 4 ? (
              <Segments
                label="Label of the heat map"
                value={shown.label}
                options={labels.map((one) => ({ value: one.label, label: one.label }))}
                onChange={choose}
              />
            ) : (
              <select
                className="input"
                aria-label="Label of the heat map"
                value={shown.label}
                onChange={(event) => choose(event.target.value)}
              >
                {labels.map((one) => (
                  <option key={one.label}>{one.label}</option>
                ))}
              </select>
            )}
            <span className="muted small" aria-hidden="true">
              {at === null
                ? `at most ${decimal(top, 1)} shapes over a cell`
                : `${decimal(grid?.[at], 1)} shapes over this cell`}
            </span>
          </div>
          <canvas
            ref={canvas}
            width={size}
            height={size}
            role="img"
            aria-label={`Heat map of ${shown.label}`}
            onPointerMove={(event) => {
              const { offsetX, offsetY, currentTarget } = event.nativeEvent as PointerEvent & {
                currentTarget: HTMLCanvasElement;
              };
              const box = (currentTarget ?? canvas.current)!.getBoundingClientRect();
              const x = Math.min(size - 1, Math.floor((offsetX / box.width) * size));
              const y = Math.min(size - 1, Math.floor((offsetY / box.height) * size));
              setAt(y * size + x);
            }}
            onPointerLeave={() => setAt(null)}
          />
        </div>
      )}
    </Panel>
  );
}
