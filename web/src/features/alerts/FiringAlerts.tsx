import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useOrg } from "@/app/params";
import { Notice } from "@/components/states";
import { Time } from "@/components/Time";
import { firing } from "@/features/alerts/api";
import { useLiveQueries } from "@/lib/live/hooks";

/** What fires now, each in a line; nothing where nothing does. */
export function FiringAlerts({ d }: { d: string }) {
  const org = useOrg();
  const query = useQuery(firing(d));
  useLiveQueries(["alert"], [["alerts", d]], { deployment: d });
  return (query.data?.items ?? []).map((one) => (
    <Notice
      key={one.id}
      tone={one.severity === "INFO" ? undefined : one.severity === "WARNING" ? "warn" : "danger"}
      action={
        <Link to="/o/$org/deployments/$d/settings/$stage" params={{ org, d, stage: "alerts" }}>
          Rules
        </Link>
      }
    >
      <strong>{one.name}</strong> {one.text} · <Time at={one.fired_time} relative />
    </Notice>
  ));
}
