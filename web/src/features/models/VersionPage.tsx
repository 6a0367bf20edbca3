import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { url } from "@/api/client";
import { datasetVersions, deployments, experiment, modelVersion } from "@/api/queries";
import type { ModelVersion } from "@/api/types";
import { Loaded } from "@/components/states";
import { FilesCard, ParametersCard, TableCard } from "@/components/TableCard";
import { Time } from "@/components/Time";
import { RunsAs } from "@/features/models/VersionsPage";
import { shortId } from "@/lib/format";
import "@/features/models/models.css";

const ROUTE = "/inside/o/$org/models/$m/versions/$v";

export default function VersionPage() {
  const { v } = useParams({ from: ROUTE });
  const query = useQuery(modelVersion(v));
  return (
    <div className="content">
      <Loaded query={query}>{(one) => <Version one={one} />}</Loaded>
    </div>
  );
}

function Version({ one }: { one: ModelVersion }) {
  const { org } = useParams({ from: ROUTE });
  const { data: running } = useQuery(deployments);
  const { data: versions } = useQuery(datasetVersions());
  const { data: source } = useQuery({
    ...experiment(one.experiment ?? ""),
    enabled: one.experiment !== null,
  });
  const nameOf = (id: string) => {
    const found = versions?.items.find((version) => version.id === id);
    return found ? `${found.dataset_name} ${found.version}` : shortId(id);
  };
  return (
    <>
      <div className="page-head">
        <h1>
          {one.name} <span className="muted">v{one.number}</span>
        </h1>
        <RunsAs id={one.id} running={running?.items ?? []} />
      </div>
      <div className="version-cards">
        <TableCard title="About">
          <Row name="Created">
            <Time at={one.created} />
          </Row>
          <Row name="Type">{one.type.toLowerCase().replaceAll("_", " ")}</Row>
          <Row name="Framework">{one.framework}</Row>
          <Row name="Identifier">
            <code>{one.id}</code>
          </Row>
          <Row name="Labels">{one.labels.join(", ")}</Row>
        </TableCard>
        <TableCard title="Lineage">
          <Row name="Experiment">
            {source ? (
              <Link
                to="/o/$org/projects/$p/experiments/$e"
                params={{ org, p: source.project, e: source.id }}
              >
                {source.name}
              </Link>
            ) : (
              "none, uploaded"
            )}
          </Row>
          {one.trained_on.map((each) => (
            <Row key={each.alias} name={`Trained on ${each.alias}`}>
              {nameOf(each.dataset_version)}
            </Row>
          ))}
          {one.trained_on.length === 0 && <Row name="Trained on">not told</Row>}
        </TableCard>
        <FilesCard
          title="Files"
          files={one.files}
          address={(name) => url("deployer", `/versions/${one.id}/files/${name}`)}
        />
        <ParametersCard of={one.parameters} />
      </div>
    </>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <tr>
      <td className="muted">{name}</td>
      <td>{children}</td>
    </tr>
  );
}
