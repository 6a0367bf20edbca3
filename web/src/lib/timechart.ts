/** Options of a chart over time. Gaps break the line, a lone value is a dot, counts start at zero. */
import type { EChartsOption, SeriesOption } from "echarts/types/dist/shared";
import type { Series } from "@/api/types";
import { decimal, type Zone, zoneName } from "@/lib/format";
import { token } from "@/lib/palette";

export interface TimeSeries {
  name: string;
  values: Series;
  colour: string;
  dashed?: boolean;
  faint?: boolean;
  /** Fills the space between this series and the one of that name. */
  over?: string;
}

export interface TimeChart {
  t: number[];
  bucketSeconds: number;
  series: TimeSeries[];
  points?: { name: string; colour: string; data: [number, number][] }[];
  kind: "line" | "bar";
  zone: Zone;
  format: (value: number | null) => string;
  line?: { value: number; name: string };
  log?: boolean;
  max?: number;
  /** The axis follows the values instead of starting at zero: for a quantity without a natural one. */
  floating?: boolean;
  span: [from: number, to: number];
  shades?: readonly Shade[];
}

/** While an alert was firing. Milliseconds. */
export interface Shade {
  name: string;
  from: number;
  to: number;
  tone: "danger" | "warn" | "accent";
}

/** True where a value has no neighbour: drawn as a dot, since no line passes through it. */
export function isLone(values: Series, i: number): boolean {
  const missing = (at: number) => values[at] === null || values[at] === undefined;
  return !missing(i) && missing(i - 1) && missing(i + 1);
}

export function gaps(values: Series): number {
  let n = 0;
  let inside = false;
  let seen = false;
  for (const value of values) {
    if (value === null) inside = seen;
    else {
      if (inside) n += 1;
      inside = false;
      seen = true;
    }
  }
  return n;
}

export function bucketName(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function axisText() {
  return { color: token("text-2"), fontSize: 11, fontFamily: "inherit" };
}

export function tooltipStyle() {
  return {
    backgroundColor: token("surface"),
    borderColor: token("border"),
    textStyle: { color: token("text"), fontSize: 12, fontFamily: "inherit" },
    confine: true,
    transitionDuration: 0,
  };
}

export function timeOption(chart: TimeChart): EChartsOption {
  const at = chart.t.map((t) => t * 1000);
  const middle = (i: number) => at[i]! + chart.bucketSeconds * 500;
  return {
    animation: false,
    useUTC: chart.zone === "UTC",
    grid: { left: 52, right: 48, top: 12, bottom: 24 },
    xAxis: {
      type: "time",
      min: chart.span[0],
      max: chart.span[1],
      name: zoneName(chart.zone, new Date(chart.span[1])),
      nameLocation: "end",
      nameGap: 6,
      nameTextStyle: { ...axisText(), align: "left", verticalAlign: "top", padding: [7, 0, 0, 0] },
      axisLine: { lineStyle: { color: token("border") } },
      axisTick: { show: false },
      axisLabel: { ...axisText(), hideOverlap: true },
      splitLine: { show: false },
    },
    yAxis: {
      type: chart.log ? "log" : "value",
      min: chart.log || chart.floating ? undefined : 0,
      scale: chart.floating,
      max: chart.max,
      splitNumber: 3,
      minInterval: chart.kind === "bar" ? 1 : undefined,
      // The unit interval in quarters: ECharts would put 0.9 beside 1.
      interval: chart.max === 1 ? 0.25 : undefined,
      axisLabel: { ...axisText(), formatter: (value: number) => chart.format(value) },
      splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
    },
    tooltip: {
      ...tooltipStyle(),
      trigger: chart.points ? "item" : "axis",
      axisPointer: { type: "line", lineStyle: { color: token("control"), type: "solid" } },
      order: "valueDesc",
      valueFormatter: (value) =>
        chart.format(typeof value === "number" ? value : Number((value as number[])?.[1])),
    },
    series: [
      ...chart.series.flatMap((one) => drawn(chart, one, middle)),
      ...(chart.points ?? []).map(
        (one): SeriesOption => ({
          type: "scatter",
          name: one.name,
          data: one.data,
          symbolSize: 4,
          itemStyle: { color: one.colour, opacity: 0.6 },
        }),
      ),
      ...(chart.line ? [marked(chart.line)] : []),
      ...(chart.shades?.length ? [shaded(chart.shades, chart.span)] : []),
    ],
  };
}

function drawn(chart: TimeChart, one: TimeSeries, middle: (i: number) => number): SeriesOption[] {
  const data = one.values.map((value, i) => [middle(i), value]);
  if (chart.kind === "bar") {
    return [
      {
        type: "bar",
        name: one.name,
        stack: "all",
        data,
        barCategoryGap: "12%",
        itemStyle: { color: one.colour },
        large: false,
      },
    ];
  }
  const line: SeriesOption = {
    type: "line",
    name: one.name,
    data,
    connectNulls: false,
    smooth: false,
    showSymbol: true,
    symbol: "circle",
    symbolSize: (_value: unknown, params: { dataIndex: number }) =>
      isLone(one.values, params.dataIndex) ? 5 : 0,
    lineStyle: {
      width: one.faint ? 1 : 1.5,
      type: one.dashed ? [5, 4] : "solid",
      opacity: one.faint ? 0.55 : 1,
    },
    itemStyle: { color: one.colour },
  };
  const low = chart.series.find((other) => other.name === one.over);
  if (!low) return [line];
  const fill = (values: Series, area: boolean): SeriesOption => ({
    type: "line",
    data: values.map((value, i) => [middle(i), value]),
    stack: `band ${one.name}`,
    silent: true,
    symbol: "none",
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
    areaStyle: area ? { color: one.colour, opacity: 0.13 } : undefined,
  });
  const height = one.values.map((value, i) => {
    const base = low.values[i];
    return value === null || base === null || base === undefined ? null : value - base;
  });
  // A stack on a logarithmic axis would add what is drawn, not what is meant.
  return chart.log ? [line] : [fill(low.values, false), fill(height, true), line];
}

function marked(line: { value: number; name: string }): SeriesOption {
  return {
    type: "line",
    data: [],
    markLine: {
      silent: true,
      symbol: "none",
      data: [{ yAxis: line.value }],
      label: {
        formatter: `${line.name} ${decimal(line.value)}`,
        position: "insideEndTop",
        color: token("danger"),
        fontSize: 11,
      },
      lineStyle: { color: token("danger"), type: [4, 3], width: 1 },
    },
  };
}

/** At least a hair wide: what fired for a minute of a year is seen, too. */
function shaded(shades: readonly Shade[], [start, end]: [number, number]): SeriesOption {
  const least = (end - start) / 300;
  return {
    type: "line",
    data: [],
    markArea: {
      silent: true,
      data: shades.map((one) => [
        {
          xAxis: Math.max(start, one.from),
          itemStyle: { color: token(one.tone), opacity: 0.12 },
        },
        { xAxis: Math.min(end, Math.max(one.to, one.from + least)) },
      ]),
    },
  };
}
