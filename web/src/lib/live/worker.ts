/// <reference lib="webworker" />
/** SharedWorker: one stream for all tabs; a seventh connection would hang on HTTP/1.1. */
import { createConnection, type Message } from "@/lib/live/connection";

const ports = new Set<MessagePort>();
const connection = createConnection("/api/gateway/v1/events", (message) => {
  for (const port of ports) port.postMessage(message);
});
let started = false;

(self as unknown as SharedWorkerGlobalScope).onconnect = (event) => {
  const port = event.ports[0]!;
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data === "bye") ports.delete(port);
    if (data === "retry") connection.retry();
  };
  port.postMessage({ kind: "state", state: connection.state() } satisfies Message);
  if (!started) {
    started = true;
    connection.start();
  }
};
