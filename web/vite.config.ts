import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const api = process.env.SIGHTLOOP_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  // Nothing is inlined: the content security policy allows scripts and fonts of this origin only.
  build: { target: "es2022", assetsInlineLimit: 0, manifest: true, chunkSizeWarningLimit: 800 },
  worker: { format: "es" },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
});
