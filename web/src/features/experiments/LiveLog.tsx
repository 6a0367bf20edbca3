import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { get } from "@/api/client";
import type { Experiment, ExperimentLog, LogLine } from "@/api/types";
import { Button } from "@/components/controls";
import { Failure } from "@/components/states";
import { isOver } from "@/features/experiments/status";
import { clock, count } from "@/lib/format";
import { useLive } from "@/lib/live/hooks";
import { usePreferences } from "@/lib/preferences";

const LINE = 18;
const NEAR = 24;

interface Log {
  lines: LogLine[];
  end: boolean;
  error: unknown;
  retry: () => void;
}

/** Reads on from the last line, at an event or every two seconds while the run lasts. */
function useLog(experiment: Experiment): Log {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [end, setEnd] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const next = useRef(0);
  const busy = useRef(false);
  const { id } = experiment;
  const read = useCallback(async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      let more = true;
      while (more) {
        const after = next.current;
        const log = await get<ExperimentLog>("trainer", `/experiments/${id}/log`, { after });
        next.current = log.next;
        if (log.lines.length > 0) setLines((old) => [...old, ...log.lines]);
        setEnd(log.end);
        more = log.lines.length > 0 && log.next > after && !log.end;
      }
      setError(null);
    } catch (problem) {
      setError(problem);
    } finally {
      busy.current = false;
    }
  }, [id]);
  useEffect(() => {
    void read();
  }, [read]);
  useLive(["experiment"], () => void read(), { enabled: !end });
  const over = isOver(experiment.status);
  useEffect(() => {
    if (end) return;
    const timer = setInterval(() => void read(), over ? 10_000 : 2000);
    return () => clearInterval(timer);
  }, [end, over, read]);
  return { lines, end, error, retry: () => void read() };
}

/** Follows only while it stands at the bottom; else says how many lines are new. */
export function LiveLog({ experiment }: { experiment: Experiment }) {
  const { zone } = usePreferences();
  const log = useLog(experiment);
  const [query, setQuery] = useState("");
  const [follows, setFollows] = useState(true);
  const [seen, setSeen] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    return wanted ? log.lines.filter((one) => one.text.toLowerCase().includes(wanted)) : log.lines;
  }, [log.lines, query]);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  const total = shown.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: when lines arrive, if it follows
  useLayoutEffect(() => {
    if (!follows) return;
    const element = scroller.current!;
    element.scrollTop = element.scrollHeight;
    setSeen(log.lines.length);
  }, [total, follows]);
  const fresh = log.lines.length - seen;
  return (
    <>
      <header>
        <h2>Log</h2>
        <span className="muted small">
          {count(log.lines.length)} lines{log.end ? ", end" : ""}
        </span>
        <span className="grow" />
        <input
          className="input"
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </header>
      {log.error !== null && log.lines.length === 0 && (
        <Failure error={log.error} retry={log.retry} />
      )}
      <div
        ref={scroller}
        className="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys
        tabIndex={0}
        role="log"
        aria-label="Lines of the log"
        aria-live="off"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          setFollows(scrollHeight - scrollTop - clientHeight < NEAR);
        }}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((row) => {
            const line = shown[row.index]!;
            return (
              <div
                key={line.n}
                className="log-line"
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <span className="n">{line.n}</span>
                <time dateTime={line.t}>{clock(line.t, zone)}</time>
                <span>{line.text}</span>
              </div>
            );
          })}
        </div>
        {log.lines.length === 0 && log.error === null && (
          <p className="muted none">
            {log.end ? "Nothing was logged." : "Waiting for the first line…"}
          </p>
        )}
      </div>
      {!follows && (
        <Button className="follow" tone="primary" onClick={() => setFollows(true)}>
          {fresh > 0 ? `${count(fresh)} new` : "To the end"} ↓
        </Button>
      )}
    </>
  );
}
