import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/client";
import { datasetVersion } from "@/api/data";
import type { DatasetVersion } from "@/api/types";
import { useOrg } from "@/app/params";
import { Button, RightButton } from "@/components/controls";
import { Dialog } from "@/components/Dialog";
import { FormProblem, Loaded } from "@/components/states";
import { AssetsTab } from "@/features/data/AssetsTab";
import { ChangesTab } from "@/features/data/ChangesTab";
import { CopyDialog } from "@/features/data/CopyDialog";
import { VersionState } from "@/features/data/DatasetsPage";
import { ExportMenu, ImportDialog } from "@/features/data/Exchange";
import { LabelsTab } from "@/features/data/LabelsTab";
import { OriginTab } from "@/features/data/OriginTab";
import { count, percent } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";
import "@/features/data/data.css";

const TABS = { assets: "Images", labels: "Labels", changes: "Changes", origin: "Origin" } as const;
type Tab = keyof typeof TABS;

export default function VersionPage() {
  const { v } = useParams({ from: "/inside/o/$org/datasets/$s/versions/$v" });
  const query = useQuery(datasetVersion(v));
  useLiveQueries(
    ["dataset_version"],
    [["dataset-version", v], ["provenance", v], ["difference"], ["changed-images"]],
  );
  return (
    <div className="content">
      <Loaded query={query}>{(version) => <Shown version={version} />}</Loaded>
    </div>
  );
}

function Shown({ version }: { version: DatasetVersion }) {
  const org = useOrg();
  const search = useSearch({ from: "/inside/o/$org/datasets/$s/versions/$v" });
  const navigate = useNavigate({ from: "/o/$org/datasets/$s/versions/$v" });
  const [asking, setAsking] = useState<"copy" | "freeze" | "import" | null>(null);
  const view: Tab = search.view ?? "assets";
  const close = () => setAsking(null);
  const q = view === "assets" ? (search.q ?? "") : "";
  const frozen = version.frozen !== null;
  return (
    <>
      <div className="page-head">
        <h1 className="truncate">
          {version.dataset_name} {version.version}
        </h1>
        <VersionState version={version} />
        <span className="muted grow version-sub">
          {version.type.toLowerCase().replaceAll("_", " ")} · {count(version.assets)} images ·{" "}
          {version.assets > 0 ? percent(version.annotated / version.assets) : "0 %"} annotated
        </span>
        {!frozen && (
          <RightButton scope="datasets:write" onClick={() => setAsking("import")}>
            Import
          </RightButton>
        )}
        <ExportMenu version={version} />
        <RightButton scope="datasets:write" icon="copy" onClick={() => setAsking("copy")}>
          Copy
        </RightButton>
        {!frozen && (
          <RightButton scope="datasets:write" icon="lock" onClick={() => setAsking("freeze")}>
            Freeze
          </RightButton>
        )}
      </div>
      <nav className="tabs version-tabs" aria-label="Version">
        {(Object.keys(TABS) as Tab[]).map((one) => (
          <Link
            key={one}
            to="/o/$org/datasets/$s/versions/$v"
            params={{ org, s: version.dataset, v: version.id }}
            search={(old) => ({ ...old, view: one, asset: undefined })}
            className={one === view ? "active" : undefined}
            aria-current={one === view ? "page" : undefined}
          >
            {TABS[one]}
          </Link>
        ))}
      </nav>
      {view === "assets" && <AssetsTab version={version} />}
      {view === "labels" && (
        <LabelsTab
          version={version}
          onLabel={(name) =>
            void navigate({
              search: { view: "assets", q: `labels = ${JSON.stringify(name)}` },
            })
          }
        />
      )}
      {view === "changes" && <ChangesTab version={version} />}
      {view === "origin" && <OriginTab version={version} />}
      {asking === "copy" && <CopyDialog version={version} q={q} onClose={close} />}
      {asking === "freeze" && <FreezeDialog version={version} onClose={close} />}
      {asking === "import" && <ImportDialog version={version} onClose={close} />}
    </>
  );
}

function FreezeDialog({ version, onClose }: { version: DatasetVersion; onClose: () => void }) {
  const client = useQueryClient();
  const freeze = useMutation({
    mutationFn: () => post("feedback", `/versions/${version.id}/freeze`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["dataset-version", version.id] });
      void client.invalidateQueries({ queryKey: ["dataset-versions"] });
      onClose();
    },
  });
  return (
    <Dialog
      title={`Freeze ${version.dataset_name} ${version.version}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={freeze.isPending} onClick={() => freeze.mutate()}>
            Freeze for good
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          It will take nothing more: no import, no image, and a feedback loop that names it is
          refused. This cannot be undone; a copy can be changed.
        </p>
        <FormProblem error={freeze.error} />
      </div>
    </Dialog>
  );
}
