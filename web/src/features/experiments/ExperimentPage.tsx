import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { post, url } from "@/api/client";
import { deployment, experiment, experimentMetrics, modelVersion } from "@/api/queries";
import type { Experiment } from "@/api/types";
import { Progress, RightButton } from "@/components/controls";
import { Loaded, Notice } from "@/components/states";
import { FilesCard, ParametersCard, TableCard } from "@/components/TableCard";
import { Time } from "@/components/Time";
import { toast } from "@/components/toasts";
import { duration } from "@/features/experiments/ExperimentsPage";
import { LiveLog } from "@/features/experiments/LiveLog";
import { LogCards } from "@/features/experiments/LogCards";
import { MetricCharts } from "@/features/experiments/MetricCharts";
import { isOver, StatusBadge } from "@/features/experiments/status";
import { decimal } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import { useNow } from "@/lib/now";
import "@/styles/charts.css";
import "@/features/experiments/experiments.css";

const ROUTE = "/inside/o/$org/projects/$p/experiments/$e";

export default function ExperimentPage() {
  const { e } = useParams({ from: ROUTE });
  const query = useQuery({
    ...experiment(e),
    refetchInterval: ({ state }) => (state.data && isOver(state.data.status) ? false : 3000),
  });
  useLiveQueries(
    ["experiment", "job"],
    [
      ["experiment", e],
      ["experiment-metrics", e],
      ["experiment-logs", e],
    ],
  );
  return (
    <div className="content experiment">
      <Loaded query={query}>{(one) => <Detail one={one} />}</Loaded>
    </div>
  );
}

function Detail({ one }: { one: Experiment }) {
  const client = useQueryClient();
  const over = isOver(one.status);
  const now = useNow(over ? 60_000 : 1000);
  const metrics = useQuery({ ...experimentMetrics(one.id), refetchInterval: over ? false : 3000 });
  const cancel = useMutation({
    mutationFn: () => post("trainer", `/experiments/${one.id}/cancel`),
    onSuccess: () => {
      toast("Cancelling");
      void client.invalidateQueries({ queryKey: experiment(one.id).queryKey });
    },
  });
  return (
    <>
      <div className="page-head">
        <h1>{one.name}</h1>
        <StatusBadge status={one.status} />
        <span className="grow" />
        {!over && (
          <RightButton
            scope="experiments:write"
            tone="danger"
            disabled={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Cancel
          </RightButton>
        )}
      </div>
      {one.error && <Notice tone="danger">{one.error}</Notice>}
      {!over && one.total > 0 && (
        <div className="row">
          <span className="grow">
            <Progress done={one.done} total={one.total} label="Progress" />
          </span>
          <span>
            {one.done} of {one.total}
          </span>
        </div>
      )}
      <Facts one={one} now={now} />
      <div className="experiment-body">
        <section className="card log-card" aria-label="Log">
          <LiveLog experiment={one} />
        </section>
        <div className="stack">
          <Loaded query={metrics} rows={4}>
            {({ series }) => <MetricCharts series={series} />}
          </Loaded>
          <LogCards experiment={one.id} live={!over} />
          <Tables one={one} />
        </div>
      </div>
    </>
  );
}

function Facts({ one, now }: { one: Experiment; now: number }) {
  const { org } = useParams({ from: ROUTE });
  const { data: source } = useQuery({
    ...deployment(one.deployment ?? ""),
    enabled: one.deployment !== null,
  });
  const { data: base } = useQuery({
    ...modelVersion(one.base_version ?? ""),
    enabled: one.base_version !== null,
  });
  return (
    <dl className="facts">
      <div>
        <dt>Why</dt>
        <dd>{one.external ? "A script of your own" : (one.why ?? "By hand")}</dd>
      </div>
      {source && (
        <div>
          <dt>Deployment</dt>
          <dd>
            <Link to="/o/$org/deployments/$d/dashboard" params={{ org, d: source.id }}>
              {source.name}
            </Link>
          </dd>
        </div>
      )}
      {base && (
        <div>
          <dt>Retrains</dt>
          <dd>
            <Link to="/o/$org/models/$m/versions/$v" params={{ org, m: base.model, v: base.id }}>
              {base.name} v{base.number}
            </Link>
          </dd>
        </div>
      )}
      <div>
        <dt>Duration</dt>
        <dd>{duration(one, now)}</dd>
      </div>
      {!one.external && (
        <div>
          <dt>Attempt</dt>
          <dd>{one.attempt}</dd>
        </div>
      )}
      <div>
        <dt>Created</dt>
        <dd>
          <Time at={one.created} />
        </dd>
      </div>
    </dl>
  );
}

function Tables({ one }: { one: Experiment }) {
  const metrics = Object.entries(one.metrics);
  return (
    <>
      {metrics.length > 0 && (
        <TableCard title="Result">
          {metrics.map(([name, value]) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="num">{decimal(value, 3)}</td>
            </tr>
          ))}
        </TableCard>
      )}
      <ParametersCard of={one.parameters} />
      {one.artifacts.length > 0 && (
        <FilesCard
          title="Artifacts"
          files={one.artifacts}
          address={(name) => url("trainer", `/experiments/${one.id}/artifacts/${name}`)}
        />
      )}
    </>
  );
}
