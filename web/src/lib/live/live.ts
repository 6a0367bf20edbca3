/** The tab's end of the live stream: a store of its state and a list of listeners. */
import {
  createConnection,
  type LiveEvent,
  type LiveState,
  type Message,
} from "@/lib/live/connection";

const ADDRESS = "/api/gateway/v1/events";
const CHANNEL = "sightloop.live";

const eventListeners = new Set<(event: LiveEvent) => void>();
const stateListeners = new Set<() => void>();
let state: LiveState = { kind: "connecting" };
let retryNow: () => void = () => {};
let started = false;

function receive(message: Message) {
  if (message.kind === "state") {
    state = message.state;
    for (const listener of stateListeners) listener();
  } else {
    for (const listener of eventListeners) listener(message.event);
  }
}

function throughSharedWorker() {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "sightloop-live",
  });
  worker.port.onmessage = ({ data }) => receive(data as Message);
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  retryNow = () => worker.port.postMessage("retry");
}

/** No SharedWorker: the tab that holds the lock reads the stream and passes it on. */
function throughLeader() {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data !== "retry") receive(data as Message);
  };
  retryNow = () => channel.postMessage("retry");
  void navigator.locks.request(CHANNEL, () => {
    const connection = createConnection(ADDRESS, (message) => {
      receive(message);
      channel.postMessage(message);
    });
    retryNow = connection.retry;
    channel.onmessage = ({ data }) => {
      if (data === "retry") connection.retry();
    };
    connection.start();
    return new Promise(() => {});
  });
}

function alone() {
  const connection = createConnection(ADDRESS, receive);
  retryNow = connection.retry;
  connection.start();
}

export function startLive() {
  if (started) return;
  started = true;
  if (typeof SharedWorker === "function") throughSharedWorker();
  else if (typeof BroadcastChannel === "function" && navigator.locks) throughLeader();
  else alone();
  addEventListener("online", () => retryNow());
}

export const retryLive = () => retryNow();
export const liveState = () => state;

export function onLiveState(listener: () => void): () => void {
  stateListeners.add(listener);
  return () => {
    stateListeners.delete(listener);
  };
}

export function onLiveEvent(listener: (event: LiveEvent) => void): () => void {
  eventListeners.add(listener);
  return () => {
    eventListeners.delete(listener);
  };
}
