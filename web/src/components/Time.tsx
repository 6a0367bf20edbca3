import { ago, dateTime, MISSING } from "@/lib/format";
import { useNow } from "@/lib/now";
import { usePreferences } from "@/lib/preferences";

/** An instant in the chosen zone, UTC on hover. */
export function Time({
  at,
  relative = false,
}: {
  at: string | null | undefined;
  relative?: boolean;
}) {
  const { zone } = usePreferences();
  const now = useNow();
  if (!at) return <span className="muted">{MISSING}</span>;
  return (
    <time dateTime={at} title={`${dateTime(at, "UTC", true)} UTC`}>
      {relative ? ago(at, now) : dateTime(at, zone)}
    </time>
  );
}
