import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import type { Fault } from "@/lib/query";

/**
 * What is typed, once more behind the field: it gives the field its height, carries the line under
 * what is wrong, and knows where on the screen a column is. `children` hang below column `at`.
 */
export function QueryText(props: {
  text: string;
  fault: Fault | null;
  at: number;
  children: ReactNode;
}) {
  const { text, fault, at } = props;
  const anchor = useRef<HTMLSpanElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured where the text puts it
  useLayoutEffect(() => {
    const span = anchor.current;
    if (!span) return;
    const room = span.parentElement!.clientWidth - 260;
    setPlace({
      left: Math.max(0, Math.min(span.offsetLeft, room)),
      top: span.offsetTop + span.offsetHeight,
    });
  }, [text, at]);
  const cuts = [0, at, fault?.start ?? 0, fault?.end ?? 0, text.length];
  const inside = [...new Set(cuts.filter((one) => one >= 0 && one <= text.length))];
  inside.sort((a, b) => a - b);
  return (
    <>
      <div className="query-mirror" aria-hidden="true">
        {inside.map((start, i) => {
          const end = inside[i + 1] ?? start;
          const wrong = fault !== null && start >= fault.start && end <= fault.end && end > start;
          return (
            <span
              key={start}
              ref={start === at ? anchor : undefined}
              className={wrong ? "wrong" : undefined}
            >
              {text.slice(start, end)}
            </span>
          );
        })}
        {"\u200b"}
      </div>
      <div className="query-hangs" style={place}>
        {props.children}
      </div>
    </>
  );
}
