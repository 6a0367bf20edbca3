import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { url } from "@/api/client";
import { datasetVersions, deployments, experiment, modelVersion } from "@/api/queries";
import type { ModelVersion } from "@/api/types";
import { Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { RunsAs } from "@/features/models/VersionsPage";
import { bytes, shortId } from "@/lib/format";
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
        <section className="card" aria-label="About">
          <header>
            <h2>About</h2>
          </header>
          <table className="table">
            <tbody>
              <Row name="Created">
                <Time at={one.created} />
              </Row>
              <Row name="Type">{one.type.toLowerCase().replaceAll("_", " ")}</Row>
              <Row name="Framework">{one.framework}</Row>
              <Row name="Identifier">
                <code>{one.id}</code>
              </Row>
              <Row name="Labels">{one.labels.join(", ")}</Row>
            </tbody>
          </table>
        </section>
        <section className="card" aria-label="Lineage">
          <header>
            <h2>Lineage</h2>
          </header>
          <table className="table">
            <tbody>
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
            </tbody>
          </table>
        </section>
        <section className="card" aria-label="Files">
          <header>
            <h2>Files</h2>
          </header>
          <table className="table">
            <tbody>
              {one.files.map((file) => (
                <tr key={file.name}>
                  <td>
                    <a
                      href={url(
                        "deployer",
                        `/versions/${one.id}/files/${encodeURIComponent(file.name)}`,
                      )}
                      download
                    >
                      {file.name}
                    </a>
                  </td>
                  <td className="num">{bytes(file.size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <section className="card" aria-label="Parameters">
          <header>
            <h2>Parameters</h2>
          </header>
          <table className="table">
            <tbody>
              {Object.entries(one.parameters).map(([name, value]) => (
                <Row key={name} name={name}>
                  <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
                </Row>
              ))}
            </tbody>
          </table>
        </section>
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
