import type { EChartsOption } from "echarts/types/dist/shared";
import { useMemo } from "react";
import type { ExperimentMetrics } from "@/api/types";
import { ChartPanel } from "@/components/ChartPanel";
import { Empty } from "@/components/states";
import { decimal } from "@/lib/format";
import { token } from "@/lib/palette";
import { useTheme } from "@/lib/preferences";
import { axisText, tooltipStyle } from "@/lib/timechart";

type One = ExperimentMetrics["series"][string];

export function MetricCharts({ series }: { series: ExperimentMetrics["series"] }) {
  const names = Object.keys(series);
  if (names.length === 0) return <Empty compact title="No metric yet" icon="clock" />;
  return names.map((name) => <MetricChart key={name} name={name} one={series[name]!} />);
}

function MetricChart({ name, one }: { name: string; one: One }) {
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const option = useMemo(() => lineOption(name, one), [name, one, theme]);
  const last = one.values.at(-1);
  return (
    <ChartPanel
      title={name}
      subtitle={`${decimal(last, 3)} at step ${one.steps.at(-1) ?? 0}`}
      summary={`${one.values.length} values, last ${decimal(last, 3)}.`}
      height={140}
      option={option}
      table={() => ({
        head: ["Step", name],
        rows: one.steps.map((step, i) => [step, one.values[i] ?? null]),
      })}
    />
  );
}

function lineOption(name: string, one: One): EChartsOption {
  return {
    animation: false,
    grid: { left: 52, right: 16, top: 8, bottom: 24 },
    xAxis: {
      type: "value",
      min: "dataMin",
      max: "dataMax",
      axisLine: { lineStyle: { color: token("border") } },
      axisLabel: axisText(),
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      scale: true,
      splitNumber: 3,
      axisLabel: { ...axisText(), formatter: (value: number) => decimal(value) },
      splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
    },
    tooltip: {
      ...tooltipStyle(),
      trigger: "axis",
      valueFormatter: (value) => decimal(Number(value), 4),
    },
    series: [
      {
        type: "line",
        name,
        data: one.steps.map((step, i) => [step, one.values[i] ?? null]),
        symbol: one.values.length === 1 ? "circle" : "none",
        smooth: false,
        lineStyle: { width: 1.5, color: token("champion") },
        itemStyle: { color: token("champion") },
      },
    ],
  };
}
