/** Options of charts whose x is a value, not a time: histograms, curves. */
import type { EChartsOption, SeriesOption } from "echarts/types/dist/shared";
import type { Histogram } from "@/api/types";
import { token } from "@/lib/palette";
import { axisText, tooltipStyle } from "@/lib/timechart";

function unitSquare(x: string, y: string): EChartsOption {
  const line = { lineStyle: { color: token("border") } };
  const axis = (name: string, gap: number) => ({
    type: "value" as const,
    name,
    nameLocation: "middle" as const,
    nameGap: gap,
    nameTextStyle: axisText(),
    min: 0,
    max: 1,
    interval: 0.25,
    axisTick: { show: false },
    axisLine: line,
    axisLabel: { ...axisText(), hideOverlap: true },
    splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
  });
  return {
    animation: false,
    grid: { left: 56, right: 16, top: 12, bottom: 42 },
    xAxis: axis(x, 26),
    yAxis: axis(y, 40),
    tooltip: { ...tooltipStyle(), trigger: "item" },
  };
}

export interface Curve {
  name: string;
  colour: string;
  points: [x: number, y: number][];
  dashed?: boolean;
  faint?: boolean;
  /** Diameters of the points; without them only the line is drawn. */
  sizes?: number[];
  /** What a point says; its place without. */
  says?: (index: number) => string;
}

/** Curves over the unit square, with the diagonal where it is what would be right. */
export function unitCurves(
  curves: readonly Curve[],
  axes: { x: string; y: string; diagonal?: boolean },
): EChartsOption {
  const diagonal: SeriesOption = {
    type: "line",
    data: [
      [0, 0],
      [1, 1],
    ],
    silent: true,
    symbol: "none",
    lineStyle: { color: token("reference"), type: [4, 4], width: 1 },
  };
  return {
    ...unitSquare(axes.x, axes.y),
    series: [
      ...(axes.diagonal ? [diagonal] : []),
      ...curves.map(
        (one): SeriesOption => ({
          type: "line",
          name: one.name,
          data: one.points,
          showSymbol: one.sizes !== undefined,
          symbol: "circle",
          symbolSize: (_: unknown, at: { dataIndex: number }) => one.sizes?.[at.dataIndex] ?? 0,
          lineStyle: {
            color: one.colour,
            width: one.faint ? 1 : 1.5,
            opacity: one.faint ? 0.5 : 1,
            type: one.dashed ? [5, 4] : "solid",
          },
          itemStyle: { color: one.colour },
          tooltip: one.says
            ? { formatter: (at) => one.says!((at as { dataIndex: number }).dataIndex) }
            : undefined,
        }),
      ),
    ],
  };
}

const FEW = 4;

/** Counts in bins that need not be equally wide: each bin has the same width on the axis. */
export function histogramOption(
  bins: readonly { name: string; colour: string; counts: readonly number[] }[],
  labels: readonly string[],
): EChartsOption {
  return {
    animation: false,
    grid: { left: 48, right: 16, top: 12, bottom: 24 },
    xAxis: {
      type: "category",
      data: [...labels],
      axisTick: { show: false },
      axisLine: { lineStyle: { color: token("border") } },
      // Of many bins the tooltip has the whole; a few have room for it.
      axisLabel: {
        ...axisText(),
        hideOverlap: true,
        formatter: (name: string) => (labels.length > FEW ? name.split(" – ")[0]! : name),
      },
    },
    yAxis: {
      type: "value",
      min: 0,
      minInterval: 1,
      splitNumber: 3,
      axisLabel: axisText(),
      splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
    },
    tooltip: { ...tooltipStyle(), trigger: "axis", axisPointer: { type: "shadow" } },
    series: bins.map((one) => ({
      type: "bar",
      name: one.name,
      data: [...one.counts],
      barMaxWidth: 160,
      barCategoryGap: "12%",
      barGap: "0%",
      itemStyle: { color: one.colour, opacity: 0.85 },
    })),
  };
}

/** Two histograms over the union of their bins, which are told apart by their lower ends. */
export function aligned(
  a: Histogram,
  b: Histogram | null,
): { edges: [low: number, high: number][]; a: number[]; b: number[] | null } {
  const bins = new Map<string, { low: number; high: number; a: number; b: number }>();
  const read = (histogram: Histogram, which: "a" | "b") => {
    histogram.counts.forEach((n, i) => {
      const low = histogram.edges[i]!;
      const high = histogram.edges[i + 1] ?? low;
      const key = low.toPrecision(6);
      const bin = bins.get(key) ?? { low, high, a: 0, b: 0 };
      bin[which] += n;
      bins.set(key, bin);
    });
  };
  read(a, "a");
  if (b) read(b, "b");
  const all = [...bins.values()].sort((x, y) => x.low - y.low);
  const filled = all.map((one) => one.a + one.b > 0);
  const [first, last] = [filled.indexOf(true), filled.lastIndexOf(true)];
  const kept = first < 0 ? [] : all.slice(first, last + 1);
  return {
    edges: kept.map((one) => [one.low, one.high]),
    a: kept.map((one) => one.a),
    b: b && kept.map((one) => one.b),
  };
}
