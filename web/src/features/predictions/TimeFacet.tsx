import { dateTime, type Zone, zoneName } from "@/lib/format";
import { usePreferences } from "@/lib/preferences";
import { conditions, fieldOf, quoted, replacing } from "@/lib/query";

const ASKED = /^time\s*(>=|<)\s*"([^"]+)"$/;

/** The instants between which a query asks, where it does so as this interface writes it. */
function asked(query: string): { from: string | null; to: string | null; other: boolean } {
  const found = { from: null as string | null, to: null as string | null, other: false };
  for (const one of conditions(query) ?? []) {
    if (fieldOf(one) !== "time") continue;
    const [, sign, at] = ASKED.exec(one) ?? [];
    const instant = at === undefined ? Number.NaN : Date.parse(at);
    if (Number.isNaN(instant)) found.other = true;
    else if (sign === ">=") found.from = new Date(instant).toISOString();
    else found.to = new Date(instant).toISOString();
  }
  return found;
}

/** What an input of local time shows of an instant, in the chosen zone. */
function typed(at: string | null, zone: Zone): string {
  if (at === null) return "";
  if (zone === "UTC") return at.slice(0, 19);
  const shifted = Date.parse(at) - new Date(at).getTimezoneOffset() * 60_000;
  return new Date(shifted).toISOString().slice(0, 19);
}

export function TimeFacet(props: { query: string; onQuery: (query: string) => void }) {
  const { zone } = usePreferences();
  const { from, to, other } = asked(props.query);
  const say = (start: string | null, end: string | null) => {
    const said = (at: string) => quoted(at.replace(/\.\d+Z$/, "Z"));
    props.onQuery(
      replacing(props.query, "time", [
        ...(start ? [`time >= ${said(start)}`] : []),
        ...(end ? [`time < ${said(end)}`] : []),
      ]),
    );
  };
  const read = (value: string) => {
    const at = Date.parse(zone === "UTC" ? `${value}Z` : value);
    return Number.isNaN(at) ? null : new Date(at).toISOString();
  };
  return (
    <section aria-label="Time">
      <h3>Time ({zoneName(zone)})</h3>
      <label className="facet-time">
        <span>from</span>
        <input
          className="input"
          type="datetime-local"
          step={1}
          value={typed(from, zone)}
          title={from ? `${dateTime(from, "UTC", true)} UTC` : undefined}
          onChange={(event) => say(read(event.target.value), to)}
        />
      </label>
      <label className="facet-time">
        <span>to</span>
        <input
          className="input"
          type="datetime-local"
          step={1}
          value={typed(to, zone)}
          title={to ? `${dateTime(to, "UTC", true)} UTC` : undefined}
          onChange={(event) => say(from, read(event.target.value))}
        />
      </label>
      {other && <p className="muted small">The query asks for other times as well.</p>}
    </section>
  );
}
