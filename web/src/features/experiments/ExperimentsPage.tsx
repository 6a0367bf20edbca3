import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { deployments, experiments, projects } from "@/api/queries";
import type { Experiment } from "@/api/types";
import { Progress, Select } from "@/components/controls";
import { Scroll } from "@/components/Scroll";
import { Empty, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { StatusBadge } from "@/features/experiments/status";
import { MISSING, seconds } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";

const ROUTE = "/inside/o/$org/projects/$p/experiments";

export function duration(one: Experiment, now = Date.now()): string {
  if (!one.started) return MISSING;
  const end = one.finished ? Date.parse(one.finished) : now;
  return seconds(Math.max(0, end - Date.parse(one.started)) / 1000);
}

export default function ExperimentsPage() {
  const { org, p } = useParams({ from: ROUTE });
  const navigate = useNavigate();
  const query = useQuery(experiments(p === "all" ? {} : { project: p }));
  const { data: allProjects } = useQuery(projects);
  const { data: allDeployments } = useQuery(deployments);
  useLiveQueries(["experiment", "retraining"], [["experiments"]]);
  const nameOf = (id: string | null) =>
    allDeployments?.items.find((one) => one.id === id)?.name ?? null;
  return (
    <div className="content">
      <div className="page-head">
        <h1 className="grow">Experiments</h1>
        <Select
          label="Project"
          value={p}
          options={[
            { value: "all", label: "All projects" },
            ...(allProjects?.items ?? []).map((one) => ({ value: one.id, label: one.name })),
          ]}
          onChange={(to) =>
            void navigate({ to: "/o/$org/projects/$p/experiments", params: { org, p: to } })
          }
        />
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No experiment yet" icon="experiments">
              Continuous training starts one when enough reviews were submitted; a deployment's
              settings start one by hand.
            </Empty>
          ) : (
            <Scroll label="Experiments" className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>Name</th>
                    <th>Status</th>
                    <th>Progress</th>
                    <th>Why</th>
                    <th className="num">Duration</th>
                    <th>Created</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => (
                    <tr key={one.id}>
                      <td>
                        <Link
                          to="/o/$org/projects/$p/experiments/$e"
                          params={{ org, p: one.project, e: one.id }}
                        >
                          {one.name}
                        </Link>
                      </td>
                      <td>
                        <StatusBadge status={one.status} />
                      </td>
                      <td style={{ minWidth: 96 }}>
                        {one.total ? (
                          <Progress
                            done={one.done}
                            total={one.total}
                            label={`Progress of ${one.name}`}
                          />
                        ) : (
                          MISSING
                        )}
                      </td>
                      <td className="muted">
                        {one.why ?? "by hand"}
                        {nameOf(one.deployment) && ` · ${nameOf(one.deployment)}`}
                      </td>
                      <td className="num">{duration(one)}</td>
                      <td>
                        <Time at={one.created} relative />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Loaded>
    </div>
  );
}
