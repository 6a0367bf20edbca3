import { useEffect, useRef } from "react";
import { setSignedOut } from "@/app/session";
import { Button } from "@/components/controls";
import { clock } from "@/lib/format";
import { useLiveState } from "@/lib/live/hooks";
import { retryLive } from "@/lib/live/live";
import { useNow } from "@/lib/now";
import { usePreferences } from "@/lib/preferences";

/** "live", or since when not, when the next try is and from when the values on screen are. */
export function LiveStatus() {
  const state = useLiveState();
  const now = useNow(state.kind === "lost" ? 1000 : 10_000);
  const { zone } = usePreferences();
  const asOf = useRef(now);
  if (state.kind === "live") asOf.current = now;
  useEffect(() => {
    if (state.kind === "signed-out") setSignedOut(true);
  }, [state]);
  if (state.kind === "live") return <span className="live-dot">live</span>;
  if (state.kind === "connecting") return <span className="live-dot off">connecting</span>;
  if (state.kind === "signed-out") return <span className="live-dot off">signed out</span>;
  const lost = Math.max(0, Math.round((now - state.since) / 1000));
  const next = Math.max(0, Math.ceil((state.next - now) / 1000));
  return (
    <span className="row" role="status" aria-label="Live updates">
      <span className="live-dot off">
        Live updates lost {lost} s ago, next try in {next} s
        <span className="as-of"> · values as of {clock(asOf.current, zone)}</span>
      </span>
      <Button onClick={retryLive}>Retry</Button>
    </span>
  );
}
