import type { ECharts } from "echarts/core";
import type { EChartsOption } from "echarts/types/dist/shared";
import { useEffect, useRef, useState } from "react";
import { onCrosshair, showCrosshair } from "@/components/crosshair";
import { Skeleton } from "@/components/states";

export interface ChartHandle {
  chart: ECharts;
}

interface Props {
  option: EChartsOption;
  label: string;
  height: number;
  /** For charts over time: a drag answers the two instants, a click the one. Milliseconds. */
  onZoom?: (from: number, to: number) => void;
  onPick?: (x: number, y: number) => void;
  time?: boolean;
  ready?: (chart: ECharts | null) => void;
}

/** Drawn when first seen, redrawn only while seen; drags that leave the plot still count. */
export function EChart(props: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const line = useRef<HTMLDivElement>(null);
  const band = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const visible = useVisible(holder);
  const [loaded, setLoaded] = useState(false);
  const { option } = props;

  useEffect(() => {
    if (!visible || chart.current) return;
    let gone = false;
    void import("@/lib/echarts").then(({ init }) => {
      if (gone || !surface.current) return;
      chart.current = init(surface.current);
      latest.current.ready?.(chart.current);
      setLoaded(true);
    });
    return () => {
      gone = true;
    };
  }, [visible]);

  useEffect(() => {
    if (!visible || !loaded) return;
    // One chart a task: a dashboard of twelve must not hold the main thread at once.
    const task = setTimeout(() => chart.current?.setOption(option, { notMerge: true }));
    return () => clearTimeout(task);
  }, [option, visible, loaded]);

  useEffect(() => {
    const element = surface.current;
    if (!loaded || !element) return;
    const observer = new ResizeObserver(() => chart.current?.resize());
    observer.observe(element);
    return () => observer.disconnect();
  }, [loaded]);

  useEffect(
    () => () => {
      latest.current.ready?.(null);
      chart.current?.dispose();
      chart.current = null;
    },
    [],
  );

  useEffect(() => {
    if (!loaded || !chart.current) return;
    return follow(chart.current, latest, line.current!, band.current!);
  }, [loaded]);

  return (
    <div className="echart" ref={holder} style={{ height: props.height }}>
      {!loaded && <Skeleton height={props.height} />}
      <div ref={surface} className="surface" role="img" aria-label={props.label} />
      <div ref={line} className="crosshair" hidden />
      <div ref={band} className="zoom-band" hidden />
    </div>
  );
}

function useVisible(element: React.RefObject<HTMLElement | null>): boolean {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver(
      (entries) => setVisible(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: "120px" },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return visible;
}

function follow(
  chart: ECharts,
  props: React.RefObject<Props>,
  line: HTMLDivElement,
  band: HTMLDivElement,
): () => void {
  const self = Symbol("chart");
  const zr = chart.getZr();
  let from: number | null = null;
  const inside = (x: number, y: number) => chart.containPixel("grid", [x, y]);
  const at = (x: number, y: number) => chart.convertFromPixel("grid", [x, y]) as number[];
  const move = (event: { offsetX: number; offsetY: number }) => {
    const { offsetX: x, offsetY: y } = event;
    if (from !== null && props.current.onZoom) {
      band.hidden = Math.abs(x - from) < 4;
      band.style.left = `${Math.min(x, from)}px`;
      band.style.width = `${Math.abs(x - from)}px`;
    }
    if (props.current.time) showCrosshair(inside(x, y) ? (at(x, y)[0] ?? null) : null, self);
  };
  const down = (event: { offsetX: number; offsetY: number }) => {
    from = inside(event.offsetX, event.offsetY) ? event.offsetX : null;
  };
  const up = (event: { offsetX: number; offsetY: number }) => {
    const { offsetX: x, offsetY: y } = event;
    band.hidden = true;
    if (from === null) return;
    const start = from;
    from = null;
    const { onZoom, onPick } = props.current;
    if (Math.abs(x - start) >= 4) {
      if (!onZoom) return;
      const [a, b] = [at(Math.min(start, x), y)[0]!, at(Math.max(start, x), y)[0]!];
      if (b > a) onZoom(a, b);
    } else {
      const [px, py] = at(x, y);
      onPick?.(px!, py!);
    }
  };
  const out = () => showCrosshair(null, self);
  zr.on("mousemove", move);
  zr.on("mousedown", down);
  zr.on("mouseup", up);
  zr.on("globalout", out);
  const off = onCrosshair((t, source) => {
    if (!props.current.time) return;
    const x = t === null || source === self ? null : chart.convertToPixel({ xAxisIndex: 0 }, t);
    line.hidden = typeof x !== "number" || !inside(x, chart.getHeight() / 2);
    if (typeof x === "number") line.style.transform = `translateX(${x}px)`;
  });
  return () => {
    off();
    zr.off("mousemove", move);
    zr.off("mousedown", down);
    zr.off("mouseup", up);
    zr.off("globalout", out);
  };
}
