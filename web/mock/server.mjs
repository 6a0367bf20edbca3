/** A back end of plausible data for looking at the interface. Serves dist/ like the gateway, policy included. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { routes } from "./routes.mjs";

const dist = join(fileURLToPath(new URL(".", import.meta.url)), "..", "dist");
const port = Number(process.env.PORT ?? 8787);
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; img-src 'self' data: blob:; connect-src 'self'";
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

function problem(response, status, kind, detail, more = {}) {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(
    JSON.stringify({
      type: `/problems/${kind}`,
      title: kind.replaceAll("-", " "),
      status,
      detail,
      trace: "4bf92f3577b34da6",
      ...more,
    }),
  );
}

function serveFile(request, response) {
  const path = normalize(new URL(request.url, "http://x").pathname);
  const file = join(dist, path);
  const found = existsSync(file) && statSync(file).isFile() ? file : join(dist, "index.html");
  response.writeHead(200, {
    "Content-Type": types[extname(found)] ?? "application/octet-stream",
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
  });
  createReadStream(found).pipe(response);
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : {};
}

const server = createServer(async (request, response) => {
  const address = new URL(request.url, "http://x");
  if (!address.pathname.startsWith("/api/")) return serveFile(request, response);
  const signedIn = /sightloop_session=ok/.test(request.headers.cookie ?? "");
  const path = address.pathname.slice(4);
  if (request.method !== "GET" && request.headers["x-sightloop"] !== "1") {
    return problem(response, 403, "csrf", "The header X-Sightloop is missing.");
  }
  if (!signedIn && path !== "/gateway/v1/session") {
    return problem(response, 401, "not-signed-in", "No session.");
  }
  for (const [method, pattern, handle] of routes) {
    const match = request.method === method && path.match(pattern);
    if (!match) continue;
    const given = ["POST", "PUT", "PATCH"].includes(method) ? await body(request) : {};
    const answer = (value, status = 200, headers = {}) => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(value === null ? "" : JSON.stringify(value));
    };
    return handle({
      request,
      response,
      query: address.searchParams,
      params: match.slice(1),
      body: given,
      answer,
      problem: problem.bind(null, response),
    });
  }
  return problem(response, 404, "no-such-route", `${request.method} ${path}`);
});

server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
