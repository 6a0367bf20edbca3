import { useQuery } from "@tanstack/react-query";
import {
  type ErrorComponentProps,
  Link,
  Outlet,
  useLocation,
  useParams,
} from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { me } from "@/api/queries";
import { Crumbs } from "@/app/Crumbs";
import { LiveStatus } from "@/app/LiveStatus";
import { Palette } from "@/app/Palette";
import { Icon } from "@/components/Icon";
import { Empty, Failure } from "@/components/states";
import { keyName } from "@/lib/keys";

const REGIONS = ["rail", "header", "main"];

/** F6 goes on to the next region: rail, header, main, then the panels of the page. */
function cycleRegions(backwards: boolean) {
  const regions = [
    ...REGIONS.map((id) => document.getElementById(id)),
    ...document.querySelectorAll<HTMLElement>("[data-panel]"),
  ].filter((one): one is HTMLElement => one !== null);
  const inside = document.activeElement;
  let at = -1;
  regions.forEach((region, i) => {
    if (region.contains(inside)) at = i;
  });
  const next = regions[(at + (backwards ? -1 : 1) + regions.length) % regions.length];
  next?.setAttribute("tabindex", "-1");
  next?.focus();
}

export function Shell() {
  const [palette, setPalette] = useState(false);
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (keyName(event) === "ctrl+k") {
        event.preventDefault();
        setPalette((open) => !open);
      } else if (event.key === "F6") {
        event.preventDefault();
        cycleRegions(event.shiftKey);
      }
    };
    addEventListener("keydown", down);
    return () => removeEventListener("keydown", down);
  }, []);
  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <Rail onSearch={() => setPalette(true)} />
      <header className="topbar" id="header">
        <Crumbs />
        <LiveStatus />
      </header>
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
      {palette && <Palette onClose={() => setPalette(false)} />}
    </div>
  );
}

function Rail({ onSearch }: { onSearch: () => void }) {
  const { data } = useQuery(me);
  const params = useParams({ strict: false });
  const { pathname } = useLocation();
  const org = params.org ?? data?.organization.name ?? "";
  const active = { className: "item active" };
  return (
    <nav className="rail" id="rail" aria-label="Main">
      <Link to="/o/$org/deployments" params={{ org }} className="brand">
        <img src="/assets/icon.svg" alt="" />
        <span className="truncate">{data?.organization.name ?? "Sightloop"}</span>
      </Link>
      <Link to="/o/$org/deployments" params={{ org }} className="item" activeProps={active}>
        <Icon name="deployments" />
        Deployments
      </Link>
      <Link
        to="/o/$org/projects/$p/experiments"
        params={{ org, p: "all" }}
        className="item"
        activeProps={active}
      >
        <Icon name="experiments" />
        Experiments
      </Link>
      <Link to="/o/$org/models" params={{ org }} className="item" activeProps={active}>
        <Icon name="models" />
        Models
      </Link>
      <Link to="/o/$org/datalake" params={{ org }} className="item" activeProps={active}>
        <Icon name="image" />
        Datalake
      </Link>
      <Link to="/o/$org/datasets" params={{ org }} className="item" activeProps={active}>
        <Icon name="grid" />
        Datasets
      </Link>
      <Link
        to="/o/$org/operations/books"
        params={{ org }}
        className={pathname.includes("/operations/") ? "item active" : "item"}
      >
        <Icon name="operations" />
        Operations
      </Link>
      <span className="spacer" />
      <button type="button" className="item" onClick={onSearch}>
        <Icon name="search" />
        Search <kbd>Ctrl K</kbd>
      </button>
      <Link to="/me" className="item" activeProps={active}>
        <Icon name="user" />
        <span className="truncate">{data?.name ?? "Me"}</span>
      </Link>
    </nav>
  );
}

export function NotFound() {
  return (
    <div className="content">
      <Empty title="There is no such page" icon="search">
        <Link to="/" className="button">
          To the deployments
        </Link>
      </Empty>
    </div>
  );
}

export function PageFailure({ error, reset }: ErrorComponentProps) {
  return (
    <div className="content">
      <Failure error={error} retry={reset} />
    </div>
  );
}
