import type { ECharts } from "echarts/core";
import type { EChartsOption } from "echarts/types/dist/shared";
import { type ReactNode, useId, useRef, useState } from "react";
import { Menu } from "@/components/controls";
import { EChart } from "@/components/EChart";
import { Icon } from "@/components/Icon";
import { Scroll } from "@/components/Scroll";
import { toast } from "@/components/toasts";
import { csv, download } from "@/lib/download";
import { token } from "@/lib/palette";
import { stillOf } from "@/lib/still";

export interface ChartTable {
  head: string[];
  rows: (string | number | null)[][];
}

interface PanelProps {
  title: string;
  subtitle?: string;
  /** What a screen reader hears instead of the picture: "p95 0.21 s, 2 gaps". */
  summary?: string;
  table?: () => ChartTable;
  tools?: ReactNode;
  wide?: boolean;
  note?: ReactNode;
  children?: ReactNode;
  /** Of a chart that has drawn itself: its picture, sharper than its pixels on the screen. */
  drawn?: () => string | undefined;
}

export function Panel(props: PanelProps) {
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  const section = useRef<HTMLElement>(null);
  const { table, drawn } = props;
  const savePicture = async () => {
    try {
      const picture = await stillOf(section.current!, drawn && (() => drawn()));
      download(`${props.title}.png`, picture, "image/png");
    } catch {
      toast("This browser makes no picture of it", { tone: "danger" });
    }
  };
  return (
    <section
      className={props.wide ? "panel wide" : "panel"}
      ref={section}
      aria-labelledby={id}
      data-panel
    >
      <header>
        <h3 id={id}>{props.title}</h3>
        {props.subtitle && (
          <span className="muted small truncate" title={props.subtitle}>
            {props.subtitle}
          </span>
        )}
        <span className="grow" />
        {props.tools}
        {table && (
          <Menu label={`${props.title}: more`} icon="more" end quiet>
            {(close) => (
              <>
                <button
                  type="button"
                  className="item"
                  onClick={() => {
                    setAsTable(!asTable);
                    close();
                  }}
                >
                  <Icon name="table" />
                  {asTable ? "Show as chart" : "Show as table"}
                </button>
                <button
                  type="button"
                  className="item"
                  onClick={() => {
                    const { head, rows } = table();
                    download(`${props.title}.csv`, csv([head, ...rows]), "text/csv");
                    close();
                  }}
                >
                  <Icon name="copy" /> Save as CSV
                </button>
                <button
                  type="button"
                  className="item"
                  onClick={() => {
                    close();
                    void savePicture();
                  }}
                >
                  <Icon name="image" /> Save as PNG
                </button>
              </>
            )}
          </Menu>
        )}
      </header>
      {props.summary && <p className="hidden-visually">{props.summary}</p>}
      <div className="plot">
        {asTable && table ? <DataTable table={table()} /> : props.children}
      </div>
      {props.note}
    </section>
  );
}

interface ChartProps extends Omit<PanelProps, "children" | "drawn"> {
  option: EChartsOption;
  height?: number;
  time?: boolean;
  onZoom?: (from: number, to: number) => void;
  onPick?: (x: number, y: number) => void;
  overlay?: ReactNode;
}

export function ChartPanel({
  option,
  height = 200,
  time,
  onZoom,
  onPick,
  overlay,
  ...panel
}: ChartProps) {
  const chart = useRef<ECharts | null>(null);
  return (
    <Panel
      {...panel}
      drawn={() =>
        chart.current?.getDataURL({
          type: "png",
          pixelRatio: 2,
          backgroundColor: token("surface"),
        })
      }
    >
      <EChart
        option={option}
        label={`${panel.title}. ${panel.summary ?? ""}`}
        height={height}
        time={time}
        onZoom={onZoom}
        onPick={onPick}
        ready={(made) => {
          chart.current = made;
        }}
      />
      {overlay}
    </Panel>
  );
}

export function DataTable({ table }: { table: ChartTable }) {
  return (
    <Scroll label="Values" className="chart-table">
      <table className="table">
        <thead>
          <tr>
            {table.head.map((name, i) => (
              <th key={name} className={i > 0 ? "num" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr key={String(row[0])}>
              {row.map((cell, i) => (
                <td key={table.head[i]} className={i > 0 ? "num" : undefined}>
                  {cell ?? "–"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
