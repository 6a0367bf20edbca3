import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "@/app/client";
import { createAppRouter } from "@/app/routes";
import { Announcer } from "@/components/Announcer";
import { Toasts, toast } from "@/components/toasts";
import { startPreferences } from "@/lib/preferences";
import { onDroppedParameter } from "@/lib/search";
import "@/styles/tokens.css";
import "@/styles/base.css";
import "@/styles/components.css";
import "@/styles/feedback.css";
import "@/styles/shell.css";

startPreferences();
onDroppedParameter((name, value) => {
  queueMicrotask(() => toast(`Left out “${name}=${value}”: not a value this page knows.`));
});

const client = createClient();
const router = createAppRouter();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
      <Toasts />
      <Announcer />
    </QueryClientProvider>
  </StrictMode>,
);
