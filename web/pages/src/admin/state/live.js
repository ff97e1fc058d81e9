// What the server tells by itself: the queue's figures, alerts, and events of the request that is
// looked at. Connects again by itself, ever more patiently.
import { signal } from "@preact/signals";
import { get, person } from "./api.js";

const SAMPLES_MAX = 900;
const ALERTS_MAX = 200;
const SAMPLE_MS = 2_000;
const DELAY_MS_MIN = 500;
const DELAY_MS_MAX = 10_000;
const PING_MS = 20_000;

/** The queue's figures as they were last told. */
export const queue = signal(undefined);
/** Depth, running and throughput of the last quarter of an hour: `{at, depth, processing, throughput}`. */
export const samples = signal([]);
/** `connecting`, `live` or `lost`. */
export const connection = signal("connecting");

/** Alerts: those that stand, then those that are over, each newest first. */
export const alerts = signal([]);

let socket;
let delay = DELAY_MS_MIN;
let timer;
let heart;
let sampler;
let isWanted = false;
let isHeard = true;
const watched = new Map();

/** Begins, and stays until [disconnect]. */
export function connect() {
  isWanted = true;
  clearInterval(sampler);
  sampler = setInterval(sample, SAMPLE_MS);
  open();
}

export function disconnect() {
  isWanted = false;
  clearTimeout(timer);
  clearInterval(heart);
  clearInterval(sampler);
  if (socket) socket.onclose = null;
  socket?.close();
  socket = undefined;
  connection.value = "connecting";
  queue.value = undefined;
  samples.value = [];
  alerts.value = [];
}

function open() {
  clearTimeout(timer);
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  if (socket) {
    socket.onclose = null;
    socket.close();
  }
  socket = new WebSocket(url);
  socket.onopen = () => {
    send({ type: "subscribe", scope: "queue" });
    // From here on the socket tells of alerts; the list has what was before.
    get("api/admin/alerts").then(({ alerts: list }) => isWanted && list.reverse().forEach(note), () => undefined);
    for (const requestId of watched.keys()) send({ type: "subscribe", requestId });
  };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = lost;
  clearInterval(heart);
  // A connection that died without a word answers no ping.
  heart = setInterval(() => {
    if (!isHeard) return socket.close();
    isHeard = false;
    send({ type: "ping" });
  }, PING_MS);
  isHeard = true;
}

/** The server tells of changes; a line needs a point also where nothing changes. */
function sample() {
  if (!queue.value || connection.value !== "live") return;
  const { depth, processing, throughputPerMinute: throughput } = queue.value;
  samples.value = [...samples.value.slice(1 - SAMPLES_MAX), { at: Date.now(), depth, processing, throughput }];
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function hear(message) {
  isHeard = true;
  if (message.type === "queue") {
    connection.value = "live";
    delay = DELAY_MS_MIN;
    queue.value = message;
    sample();
  }
  if (message.type === "alert") note(message);
  if (message.requestId) watched.get(message.requestId)?.(message);
}

/** Puts an alert in its place, or in the place of what was known of it. */
function note(alert) {
  const known = alerts.value.find(({ id }) => id === alert.id);
  // The list may be older than what the socket has told.
  const latest = known?.resolvedAt && !alert.resolvedAt && alert.type !== "alert" ? known : alert;
  const others = alerts.value.filter(({ id }) => id !== alert.id);
  const rank = ({ resolvedAt }) => (resolvedAt ? 1 : 0);
  const all = [latest, ...others].sort((one, other) => rank(one) - rank(other) || other.raisedAt.localeCompare(one.raisedAt));
  alerts.value = all.slice(0, ALERTS_MAX);
}

function lost() {
  clearInterval(heart);
  if (!isWanted) return;
  connection.value = "lost";
  timer = setTimeout(openAgain, delay * (0.75 + Math.random() / 2));
  delay = Math.min(delay * 2, DELAY_MS_MAX);
}

/** Whether the session is over is told by a call: a handshake that was refused tells nothing. */
async function openAgain() {
  try {
    await get("api/auth/session");
    if (isWanted) open();
  } catch {
    if (isWanted && person.value !== null) lost();
  }
}

/** Hears of one request until the returned function is called. */
export function watch(requestId, listener) {
  watched.set(requestId, listener);
  send({ type: "subscribe", requestId });
  return () => {
    watched.delete(requestId);
    send({ type: "unsubscribe", requestId });
  };
}
