import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { Gate, Home } from "@/app/Gate";
import { NotFound, PageFailure, Shell } from "@/app/Shell";
import { DeploymentLayout } from "@/features/deployments/DeploymentLayout";
import { LoginPage } from "@/features/login/LoginPage";
import {
  instant,
  oneOf,
  parameters,
  parseSearch,
  range,
  stringifySearch,
  text,
} from "@/lib/search";

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: PageFailure,
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: parameters({ to: text }),
  component: LoginPage,
});

const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: () => (
    <Gate>
      <Shell />
    </Gate>
  ),
});

const me = createRoute({
  getParentRoute: () => inside,
  path: "/me",
  component: lazyRouteComponent(() => import("@/features/me/MePage")),
});

const org = createRoute({ getParentRoute: () => inside, path: "/o/$org" });

const deployments = createRoute({
  getParentRoute: () => org,
  path: "/deployments",
  validateSearch: parameters({
    q: text,
    sort: oneOf(["name", "last", "volume", "to-review"]),
  }),
  component: lazyRouteComponent(() => import("@/features/deployments/DeploymentsPage")),
});

const deployment = createRoute({
  getParentRoute: () => org,
  path: "/deployments/$d",
  component: DeploymentLayout,
});

const deploymentIndex = createRoute({
  getParentRoute: () => deployment,
  path: "/",
  component: () => <Navigate from="/o/$org/deployments/$d" to="/o/$org/deployments/$d/dashboard" />,
});

const dashboard = createRoute({
  getParentRoute: () => deployment,
  path: "/dashboard",
  validateSearch: parameters({
    range,
    from: instant,
    to: instant,
    models: oneOf(["champion", "both", "shadow"]),
    label: text,
    feature: text,
  }),
  component: lazyRouteComponent(() => import("@/features/dashboard/DashboardPage")),
});

const listParameters = {
  q: text,
  sort: oneOf(["date", "name", "outlier", "random"]),
  order: oneOf(["asc", "desc"]),
};

const predictions = createRoute({
  getParentRoute: () => deployment,
  path: "/predictions",
  validateSearch: parameters({
    ...listParameters,
    view: oneOf(["grid", "table"]),
    size: oneOf(["small", "medium", "large"]),
    shapes: oneOf(["champion", "shadow", "none"]),
  }),
  component: lazyRouteComponent(() => import("@/features/predictions/PredictionsPage")),
});

const review = createRoute({
  getParentRoute: () => deployment,
  path: "/review/$asset",
  validateSearch: parameters({
    ...listParameters,
    src: oneOf(["queue", "list"]),
    start: oneOf(["coin", "blank", "champion", "shadow"]),
  }),
  component: lazyRouteComponent(() => import("@/features/review/ReviewPage")),
});

const rollouts = createRoute({
  getParentRoute: () => deployment,
  path: "/rollouts/$r",
  component: lazyRouteComponent(() => import("@/features/rollout/RolloutPage")),
});

const settings = createRoute({
  getParentRoute: () => deployment,
  path: "/settings/$stage",
  component: lazyRouteComponent(() => import("@/features/settings/SettingsPage")),
});

const settingsIndex = createRoute({
  getParentRoute: () => deployment,
  path: "/settings",
  beforeLoad: ({ params }) => {
    throw redirect({
      to: "/o/$org/deployments/$d/settings/$stage",
      params: { ...params, stage: "general" },
    });
  },
});

const experiments = createRoute({
  getParentRoute: () => org,
  path: "/projects/$p/experiments",
  component: lazyRouteComponent(() => import("@/features/experiments/ExperimentsPage")),
});

const experiment = createRoute({
  getParentRoute: () => org,
  path: "/projects/$p/experiments/$e",
  component: lazyRouteComponent(() => import("@/features/experiments/ExperimentPage")),
});

const models = createRoute({
  getParentRoute: () => org,
  path: "/models",
  component: lazyRouteComponent(() => import("@/features/models/ModelsPage")),
});

const versions = createRoute({
  getParentRoute: () => org,
  path: "/models/$m/versions",
  component: lazyRouteComponent(() => import("@/features/models/VersionsPage")),
});

const version = createRoute({
  getParentRoute: () => org,
  path: "/models/$m/versions/$v",
  component: lazyRouteComponent(() => import("@/features/models/VersionPage")),
});

const datalake = createRoute({
  getParentRoute: () => org,
  path: "/datalake",
  validateSearch: parameters({ q: text, size: oneOf(["small", "medium", "large"]) }),
  component: lazyRouteComponent(() => import("@/features/data/DatalakePage")),
});

const image = createRoute({
  getParentRoute: () => org,
  path: "/datalake/$image",
  validateSearch: parameters({ shapes: text }),
  component: lazyRouteComponent(() => import("@/features/data/ImagePage")),
});

const datasets = createRoute({
  getParentRoute: () => org,
  path: "/datasets",
  component: lazyRouteComponent(() => import("@/features/data/DatasetsPage")),
});

const datasetVersion = createRoute({
  getParentRoute: () => org,
  path: "/datasets/$s/versions/$v",
  validateSearch: parameters({
    q: text,
    size: oneOf(["small", "medium", "large"]),
    view: oneOf(["assets", "labels", "changes", "origin"]),
    compare: text,
    kind: oneOf(["added", "removed", "changed"]),
    asset: text,
  }),
  component: lazyRouteComponent(() => import("@/features/data/VersionPage")),
});

const books = createRoute({
  getParentRoute: () => org,
  path: "/operations/books",
  validateSearch: parameters({ range: oneOf(["24h", "7d", "30d"]) }),
  component: lazyRouteComponent(() => import("@/features/operations/BooksPage")),
});

const deadLetters = createRoute({
  getParentRoute: () => org,
  path: "/operations/dead-letters",
  validateSearch: parameters({
    consumer: text,
    topic: text,
    reason: text,
    organization: text,
    show: oneOf(["waiting", "replayed", "all"]),
  }),
  component: lazyRouteComponent(() => import("@/features/operations/DeadLettersPage")),
});

const consumers = createRoute({
  getParentRoute: () => org,
  path: "/operations/consumers",
  component: lazyRouteComponent(() => import("@/features/operations/ConsumersPage")),
});

const receivers = createRoute({
  getParentRoute: () => org,
  path: "/settings/receivers",
  component: lazyRouteComponent(() => import("@/features/alerts/ReceiversPage")),
});

export const routeTree = root.addChildren([
  login,
  home,
  inside.addChildren([
    me,
    org.addChildren([
      deployments,
      deployment.addChildren([
        deploymentIndex,
        dashboard,
        predictions,
        review,
        rollouts,
        settings,
        settingsIndex,
      ]),
      experiments,
      experiment,
      models,
      versions,
      version,
      datalake,
      image,
      datasets,
      datasetVersion,
      books,
      deadLetters,
      consumers,
      receivers,
    ]),
  ]),
]);

export const createAppRouter = () =>
  createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: false,
    scrollRestoration: true,
    defaultErrorComponent: PageFailure,
  });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
