import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { dashboard, deployment, ledger, modelVersion, summaries } from "@/api/queries";
import type { Dashboard, Deployment, VersionRef } from "@/api/types";
import { useDeploymentId, useOrg } from "@/app/params";
import { announce } from "@/components/Announcer";
import { Button } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { Empty, Failure, Loading, Notice } from "@/components/states";
import { FiringAlerts } from "@/features/alerts/FiringAlerts";
import { InputGroup } from "@/features/dashboard/InputGroup";
import { OutputGroup } from "@/features/dashboard/OutputGroup";
import { AgreementGroup, QualityGroup } from "@/features/dashboard/QualityGroup";
import { RangeBar, useRange } from "@/features/dashboard/RangeBar";
import { ServiceGroup } from "@/features/dashboard/ServiceGroup";
import { StageBadges } from "@/features/deployments/StageBadges";
import { clock, count, seconds } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import { usePreferences } from "@/lib/preferences";
import "@/styles/charts.css";
import "@/features/dashboard/dashboard.css";

const FAMILIES = ["series", "prediction", "reference", "alert", "deployment"];

export default function DashboardPage() {
  const d = useDeploymentId();
  const { data: deployed } = useQuery(deployment(d));
  const { range, zoom } = useRange();
  const live = "range" in range || Date.parse(range.to) > Date.now();
  const query = useQuery({
    ...dashboard(d, range, deployed?.created ?? ""),
    enabled: deployed !== undefined,
    placeholderData: keepPreviousData,
  });
  useLiveQueries(
    FAMILIES,
    [
      ["dashboard", d],
      ["ledger", d],
      ["drift", d],
      ["harm", d],
    ],
    {
      deployment: d,
      enabled: live,
    },
  );
  const data = query.data;
  const { zone } = usePreferences();
  useEffect(() => {
    if (data) announce(`${count(data.predictions)} predictions in range`);
  }, [data]);
  return (
    <div className="content dashboard">
      {deployed && <Headline deployed={deployed} data={data} />}
      {deployed?.warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      {deployed && <FiringAlerts d={deployed.id} />}
      <RangeBar data={data} hasShadow={deployed?.shadow != null || data?.latency.shadow != null} />
      {query.error && !data && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.error && data && (
        <Notice tone="warn" action={<Button onClick={() => void query.refetch()}>Retry</Button>}>
          {query.error.message} Values as of {clock(query.dataUpdatedAt, zone)}.
        </Notice>
      )}
      {!data && !query.error && <Loading rows={8} label="Loading the dashboard" />}
      {data && deployed && data.predictions === 0 && (
        <OutsideRange deployed={deployed} zoom={zoom} />
      )}
      {data && deployed && data.predictions > 0 && (
        <Groups data={data} deployed={deployed} zoom={zoom} />
      )}
    </div>
  );
}

type Zoom = (from: string, to: string) => void;

function Groups({ data, deployed, zoom }: { data: Dashboard; deployed: Deployment; zoom: Zoom }) {
  const { models = "both", label } = useSearch({
    from: "/inside/o/$org/deployments/$d/dashboard",
  });
  return (
    <>
      <Group name="Service" two>
        <ServiceGroup data={data} models={models} onZoom={zoom} />
      </Group>
      <Group name="Input" two>
        <InputGroup data={data} onZoom={zoom} />
      </Group>
      <Group name="Output">
        <OutputGroup data={data} deployed={deployed} label={label} models={models} onZoom={zoom} />
      </Group>
      <Group name="Agreement">
        <AgreementGroup data={data} deployed={deployed} models={models} onZoom={zoom} />
      </Group>
      <Group name="Quality">
        <QualityGroup data={data} deployed={deployed} models={models} />
      </Group>
    </>
  );
}

function Group(props: { name: string; two?: boolean; children: React.ReactNode }) {
  return (
    <details className="group" open>
      <summary>
        <h2>{props.name}</h2>
      </summary>
      <div className={props.two ? "panels two" : "panels"}>{props.children}</div>
    </details>
  );
}

function Headline({ deployed, data }: { deployed: Deployment; data: Dashboard | undefined }) {
  const org = useOrg();
  const { data: books } = useQuery(ledger(deployed.id));
  const p95 = data?.latency.champion.p95.filter((one): one is number => one !== null) ?? [];
  const middle = [...p95].sort((a, b) => a - b)[Math.floor(p95.length / 2)];
  return (
    <header className="headline">
      <div className="row wrap">
        <h1>{deployed.name}</h1>
        <StageBadges deployment={deployed} />
        {data?.drift?.alarm && (
          <span className="badge danger" role="status">
            <Icon name="warn" size={12} /> drift
          </span>
        )}
      </div>
      <dl className="facts">
        <div>
          <dt>Champion</dt>
          <dd className="champion">
            v{deployed.champion.number}
            <LoadError of={deployed.champion} />
          </dd>
        </div>
        {deployed.shadow && (
          <div>
            <dt>Shadow</dt>
            <dd className="shadow">
              v{deployed.shadow.number}
              <LoadError of={deployed.shadow} />
            </dd>
          </div>
        )}
        <div>
          <dt>Predictions in range</dt>
          <dd data-testid="predictions-in-range">{count(data?.predictions)}</dd>
        </div>
        <div>
          <dt>p95 latency, typical bucket</dt>
          <dd>{seconds(middle)}</dd>
        </div>
        <div>
          <dt>Call to stored, p95</dt>
          <dd>{seconds(data?.receive_lag_p95)}</dd>
        </div>
        <div>
          <dt>Books</dt>
          <dd>
            <Link
              to="/o/$org/operations/books"
              params={{ org }}
              className={books && !books.balanced ? "unbalanced" : undefined}
            >
              {books ? (books.balanced ? "balanced ✓" : "not balanced") : "–"}
            </Link>
          </dd>
        </div>
      </dl>
    </header>
  );
}

/** Serving could not load the version's file. One without a file runs at the client's: no error. */
function LoadError({ of }: { of: VersionRef }) {
  const { data } = useQuery({ ...modelVersion(of.version), enabled: of.error !== null });
  if (of.error === null || !data || data.files.length === 0) return null;
  return (
    <span className="badge danger" title={of.error}>
      <Icon name="warn" size={12} /> not loaded
    </span>
  );
}

function OutsideRange({ deployed, zoom }: { deployed: Deployment; zoom: Zoom }) {
  const { data } = useQuery(summaries([deployed.id]));
  const last = data?.items[0]?.last_prediction;
  if (!last) {
    return (
      <Empty title="No prediction yet" icon="clock">
        <p>This page turns live with the first one.</p>
        <pre>{`curl -X POST ${location.origin}/api/ingest/v1/deployments/${deployed.id}/predictions \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d @prediction.json`}</pre>
      </Empty>
    );
  }
  const end = Date.parse(last) + 60_000;
  return (
    <Empty title="No prediction in this range" icon="clock">
      <p>The last one came outside it.</p>
      <button
        type="button"
        className="button"
        onClick={() => zoom(new Date(end - 3_600_000).toISOString(), new Date(end).toISOString())}
      >
        Jump to last data
      </button>
    </Empty>
  );
}
