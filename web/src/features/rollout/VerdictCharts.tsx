import type { EChartsOption, SeriesOption } from "echarts/types/dist/shared";
import { useMemo } from "react";
import type { Verdict } from "@/api/types";
import { ChartPanel } from "@/components/ChartPanel";
import { Scroll } from "@/components/Scroll";
import { Time } from "@/components/Time";
import { count, decimal, signed } from "@/lib/format";
import { token } from "@/lib/palette";
import { useTheme } from "@/lib/preferences";
import { axisText, tooltipStyle } from "@/lib/timechart";

export function VerdictCharts({ proof }: { proof: Verdict }) {
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours change with the theme
  const [band, evidence] = useMemo(
    () => [bandOption(proof), evidenceOption(proof)],
    [proof, theme],
  );
  const line = 1 / proof.alpha;
  return (
    <div className="verdict-charts">
      <ChartPanel
        title="Mean difference"
        subtitle={`with its ${(100 * (1 - proof.alpha)).toFixed(0)} % confidence sequence, by review`}
        summary={`${signed(proof.mean_difference, 3)} after ${proof.reviews} reviews, band from ${signed(proof.low, 3)} to ${signed(proof.high, 3)}.`}
        height={240}
        option={band}
        table={() => ({
          head: ["Reviews", "Mean", "Low", "High"],
          rows: proof.looks.map((one) => [
            one.n,
            signed(one.mean, 3),
            signed(one.low, 3),
            signed(one.high, 3),
          ]),
        })}
      />
      <ChartPanel
        title="Evidence"
        subtitle={`e-values, logarithmic; proof at 1/α = ${decimal(line, 0)}`}
        summary={`better ${decimal(proof.e_better, 1)}, worse ${decimal(proof.e_worse, 1)}, not worse ${decimal(proof.e_not_worse, 1)}.`}
        height={240}
        option={evidence}
        table={() => ({
          head: ["Reviews", "Better", "Worse", "Not worse"],
          rows: proof.looks.map((one) => [
            one.n,
            decimal(one.e_better),
            decimal(one.e_worse),
            decimal(one.e_not_worse),
          ]),
        })}
      />
    </div>
  );
}

function base(proof: Verdict): EChartsOption {
  return {
    animation: false,
    grid: { left: 56, right: 84, top: 12, bottom: 40 },
    xAxis: {
      type: "value",
      min: 0,
      max: Math.max(1, proof.looks.at(-1)?.n ?? 1),
      name: "reviews",
      nameLocation: "middle",
      nameGap: 24,
      nameTextStyle: axisText(),
      axisLine: { onZero: false, lineStyle: { color: token("border") } },
      axisLabel: axisText(),
      splitLine: { show: false },
    },
    tooltip: { ...tooltipStyle(), trigger: "axis" },
  };
}

function line(
  name: string,
  colour: string,
  data: [number, number][],
  dashed = false,
): SeriesOption {
  return {
    type: "line",
    name,
    data,
    symbol: data.length === 1 ? "circle" : "none",
    smooth: false,
    lineStyle: { width: 1.5, color: colour, type: dashed ? [5, 4] : "solid" },
    itemStyle: { color: colour },
    endLabel: { show: true, formatter: name, color: colour, fontSize: 11, distance: 6 },
    labelLayout: { moveOverlap: "shiftY" },
  };
}

function rule(
  value: number,
  name: string,
  colour: string,
  dash: [number, number] | "solid",
  position: "insideStartTop" | "insideStartBottom" | "insideEndTop" = "insideEndTop",
) {
  return {
    yAxis: value,
    lineStyle: { color: colour, type: dash, width: 1 },
    label: {
      formatter: name,
      position,
      color: colour,
      fontSize: 11,
    },
  };
}

/** Half the height of the band chart: the first tenth of the looks, wide as the sky, may run out of it. */
export function reachOf(looks: Verdict["looks"], delta: number): number {
  const settled = looks.slice(Math.floor(looks.length / 10));
  const widest = Math.max(2 * delta, ...settled.map((one) => Math.max(-one.low, one.high)));
  return Math.min(1, Math.ceil(widest * 11) / 10);
}

function bandOption(proof: Verdict): EChartsOption {
  const { looks, delta } = proof;
  const reach = reachOf(looks, delta);
  const shadow = token("shadow");
  const filler = (data: [number, number][], filled: boolean): SeriesOption => ({
    type: "line",
    data,
    stack: "band",
    stackStrategy: "all",
    silent: true,
    symbol: "none",
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
    areaStyle: filled ? { color: shadow, opacity: 0.16, origin: "start" } : undefined,
  });
  return {
    ...base(proof),
    yAxis: {
      type: "value",
      min: -reach,
      max: reach,
      splitNumber: 4,
      axisLabel: { ...axisText(), formatter: (value: number) => signed(value) },
      splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
    },
    series: [
      filler(
        looks.map((one) => [one.n, one.low]),
        false,
      ),
      filler(
        looks.map((one) => [one.n, one.high - one.low]),
        true,
      ),
      {
        ...line(
          "mean",
          shadow,
          looks.map((one) => [one.n, one.mean]),
        ),
        markLine: {
          silent: true,
          symbol: "none",
          data: [
            rule(0, "equal", token("text-2"), "solid", "insideStartTop"),
            rule(-delta, `−δ ${delta}`, token("danger"), [4, 3], "insideStartBottom"),
          ],
        },
      } as SeriesOption,
    ],
  };
}

function evidenceOption(proof: Verdict): EChartsOption {
  const { looks, alpha } = proof;
  const least = 1e-3;
  const data = (key: "e_better" | "e_worse" | "e_not_worse"): [number, number][] =>
    looks.map((one) => [one.n, Math.max(least, one[key])]);
  return {
    ...base(proof),
    yAxis: {
      type: "log",
      axisLabel: { ...axisText(), formatter: (value: number) => String(value) },
      splitLine: { lineStyle: { color: token("border"), opacity: 0.7 } },
      max: (extent: { max: number }) =>
        10 ** Math.ceil(Math.log10(Math.max(extent.max, 2 / alpha))),
    },
    tooltip: {
      ...tooltipStyle(),
      trigger: "axis",
      valueFormatter: (value) => decimal(Number(value)),
    },
    series: [
      {
        ...line("better", token("ok"), data("e_better")),
        markLine: {
          silent: true,
          symbol: "none",
          data: [rule(1 / alpha, `1/α ${decimal(1 / alpha, 0)}`, token("danger"), [4, 3])],
        },
      } as SeriesOption,
      line("not worse", token("accent"), data("e_not_worse"), true),
      line("worse", token("shadow"), data("e_worse")),
    ],
  };
}

const MOST = 50;

export function LooksTable({ proof }: { proof: Verdict }) {
  const looks = [...proof.looks].reverse();
  return (
    <section className="card looks" aria-label="Looks">
      <header>
        <h2>Looks</h2>
        <span className="muted small">
          {count(looks.length)}, each logged{looks.length > MOST ? `; the last ${MOST}` : ""}
        </span>
      </header>
      <Scroll label="Looks">
        <table className="table">
          <thead>
            <tr>
              <th className="num">Reviews</th>
              <th>Time</th>
              <th className="num">Mean</th>
              <th className="num">Band</th>
              <th className="num">e better</th>
              <th className="num">e worse</th>
              <th className="num">e not worse</th>
            </tr>
          </thead>
          <tbody>
            {looks.slice(0, MOST).map((one) => (
              <tr key={`${one.n} ${one.time}`}>
                <td className="num">{count(one.n)}</td>
                <td>
                  <Time at={one.time} relative />
                </td>
                <td className="num">{signed(one.mean, 3)}</td>
                <td className="num">
                  [{signed(one.low, 3)}, {signed(one.high, 3)}]
                </td>
                <td className={one.e_better >= 1 / proof.alpha ? "num reached" : "num"}>
                  {decimal(one.e_better)}
                </td>
                <td className={one.e_worse >= 1 / proof.alpha ? "num reached" : "num"}>
                  {decimal(one.e_worse)}
                </td>
                <td className={one.e_not_worse >= 1 / proof.alpha ? "num reached" : "num"}>
                  {decimal(one.e_not_worse)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
