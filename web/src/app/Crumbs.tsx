import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { datasetVersion, image } from "@/api/data";
import { deployments, experiment, me, models } from "@/api/queries";
import { Menu } from "@/components/controls";
import { Icon } from "@/components/Icon";
import { shortId } from "@/lib/format";

const TABS: Record<string, string> = {
  dashboard: "Dashboard",
  predictions: "Predictions",
  review: "Review",
  rollouts: "Roll-out",
  settings: "Settings",
};

const OPERATIONS: Record<string, string> = {
  books: "Books",
  "dead-letters": "Dead letters",
  consumers: "Consumers",
};

/** organization › deployment ▾ (keeps the tab) › page */
export function Crumbs() {
  const { data } = useQuery(me);
  const { pathname } = useLocation();
  const params = useParams({ strict: false });
  const org = params.org ?? data?.organization.name ?? "";
  const parts = pathname.split("/").filter(Boolean).slice(2);
  return (
    <nav className="crumbs" aria-label="Breadcrumb">
      <ol>
        <li className="truncate">
          <Link to="/o/$org/deployments" params={{ org }}>
            {data?.organization.name ?? "…"}
          </Link>
        </li>
        {parts[0] === "deployments" && !params.d && <Here>Deployments</Here>}
        {params.d && (
          <>
            <li>
              <DeploymentSwitch current={params.d} tab={parts[2] ?? "dashboard"} />
            </li>
            {parts[2] && <Here>{TABS[parts[2]] ?? parts[2]}</Here>}
          </>
        )}
        {parts[0] === "projects" &&
          (params.e ? (
            <>
              <li>
                <Link to="/o/$org/projects/$p/experiments" params={{ org, p: params.p ?? "all" }}>
                  Experiments
                </Link>
              </li>
              <ExperimentName id={params.e} />
            </>
          ) : (
            <Here>Experiments</Here>
          ))}
        {parts[0] === "models" &&
          (params.m ? (
            <>
              <li>
                <Link to="/o/$org/models" params={{ org }}>
                  Models
                </Link>
              </li>
              <ModelName id={params.m} />
            </>
          ) : (
            <Here>Models</Here>
          ))}
        {parts[0] === "datalake" &&
          (params.image ? (
            <>
              <li>
                <Link to="/o/$org/datalake" params={{ org }}>
                  Datalake
                </Link>
              </li>
              <ImageName id={params.image} />
            </>
          ) : (
            <Here>Datalake</Here>
          ))}
        {parts[0] === "datasets" &&
          (params.v ? (
            <>
              <li>
                <Link to="/o/$org/datasets" params={{ org }}>
                  Datasets
                </Link>
              </li>
              <DatasetVersionName id={params.v} />
            </>
          ) : (
            <Here>Datasets</Here>
          ))}
        {parts[0] === "operations" && <Here>{OPERATIONS[parts[1] ?? ""] ?? "Operations"}</Here>}
        {parts[0] === "settings" && <Here>Receivers</Here>}
        {pathname === "/me" && <Here>Me</Here>}
      </ol>
    </nav>
  );
}

function Here({ children }: { children: string }) {
  return (
    <li aria-current="page" className="truncate">
      <span className="truncate">{children}</span>
    </li>
  );
}

function ExperimentName({ id }: { id: string }) {
  const { data } = useQuery(experiment(id));
  return <Here>{data?.name ?? shortId(id)}</Here>;
}

function ModelName({ id }: { id: string }) {
  const { data } = useQuery(models);
  return <Here>{data?.items.find((one) => one.id === id)?.name ?? shortId(id)}</Here>;
}

function ImageName({ id }: { id: string }) {
  const { data } = useQuery(image(id));
  return <Here>{data?.filename ?? shortId(id)}</Here>;
}

function DatasetVersionName({ id }: { id: string }) {
  const { data } = useQuery(datasetVersion(id));
  return <Here>{data ? `${data.dataset_name} ${data.version}` : shortId(id)}</Here>;
}

function DeploymentSwitch({ current, tab }: { current: string; tab: string }) {
  const { data } = useQuery(deployments);
  const { org = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const name = data?.items.find((one) => one.id === current)?.name ?? shortId(current);
  const keep = tab === "review" || tab === "rollouts" ? "dashboard" : tab;
  return (
    <Menu
      label={`Deployment ${name}: change`}
      quiet
      button={
        <>
          <span className="truncate">{name}</span>
          <Icon name="down" size={12} />
        </>
      }
    >
      {(close) =>
        (data?.items ?? []).map((one) => (
          <button
            key={one.id}
            type="button"
            className="item"
            role="menuitemradio"
            aria-checked={one.id === current}
            onClick={() => {
              close();
              void navigate({
                href: `/o/${encodeURIComponent(org)}/deployments/${one.id}/${keep}`,
              });
            }}
          >
            {one.name}
          </button>
        ))
      }
    </Menu>
  );
}
