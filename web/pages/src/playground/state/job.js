// The request that is under way: submitted, followed, cancelled.
import { computed, signal } from "@preact/signals";
import { AuthenticationError, CancelledError, ExpiredError, LimitError } from "diagramd-client";
import { client } from "../../shared/api.js";
import * as composer from "./composer.js";
import { dismiss, refuse } from "./notice.js";
import * as source from "./source.js";
import { refreshHistory } from "./history.js";
import { refreshUsage } from "./usage.js";

const IDLE = { phase: "idle" };
/**
 * `phase`: `idle`, `sending`, `queued`, `writing`, `checking`, `repairing`, `done`, `failed`, `cancelled` or
 * `expired`; while queued also `position`, `positionFirst`, `waitSeconds`, `isPaused` and `retryAt`.
 */
export const job = signal(IDLE);
/** Whether updates come. */
export const isConnected = signal(true);
export const isRunning = computed(() => ["sending", "queued", "writing", "checking", "repairing"].includes(job.value.phase));

let request;
let sending;
/** Moves whenever the page turns to another request: what an earlier one still tells is late then. */
let turn = 0;

/** Sends what the composer says, unless a request is under way. */
export async function submit() {
  if (isRunning.value || !composer.isReady.value) return;
  const body = composer.body();
  dismiss();
  const mine = (turn += 1);
  job.value = { phase: "sending" };
  sending = new AbortController();
  try {
    const made = await client.generate(body, { signal: sending.signal, cancelOnAbort: true });
    refreshUsage();
    await follow(made, body.diagramType);
  } catch (error) {
    if (mine === turn) ended(error, submit);
  }
}

/** Goes on with a request that was submitted before, or shows its end. */
export async function resume(requestId) {
  dismiss();
  request?.close();
  const mine = (turn += 1);
  try {
    const status = await client.status(requestId);
    if (mine !== turn) return;
    if (status.status === "completed") {
      request = undefined;
      job.value = { phase: "done", provider: status.provider };
      remember(requestId);
      source.finished(status);
      composer.language.value = status.diagramType;
      return;
    }
    await follow(client.follow(requestId), status.diagramType);
  } catch (error) {
    if (mine === turn) ended(error, () => resume(requestId));
  }
}

/** Ends the request. */
export async function cancel() {
  if (!isRunning.value) return;
  if (job.value.phase === "sending") {
    sending.abort(new CancelledError("The request was cancelled.", { code: "cancelled" }));
    return;
  }
  try {
    await request.cancel();
  } catch {
    // It has ended in the meantime, and says so itself, or is told once the connection is back.
  }
}

/** An empty page again. */
export function startOver() {
  if (isRunning.value) return;
  turn += 1;
  request = undefined;
  remember(undefined);
  job.value = IDLE;
  source.cleared();
  dismiss();
  composer.mode.value = "new";
}

async function follow(made, language) {
  request = made;
  remember(made.requestId);
  isConnected.value = true;
  job.value = { phase: "queued", position: made.state.position, positionFirst: made.state.position, waitSeconds: made.state.estimatedWaitSeconds, isPaused: made.state.paused };
  for await (const event of made) {
    if (request !== made) return;
    hear(event, made, language);
  }
  const status = await made.finished();
  if (request !== made) return;
  // A finished request is read once more: live messages leave some of it out.
  source.finished({ ...status, diagramType: language, ...(await client.status(status.requestId)) });
  job.value = { phase: "done", provider: source.origin.value.provider, isCached: source.origin.value.cached };
  refreshUsage();
  refreshHistory();
}

function hear(event, made, language) {
  const { state } = made;
  if (event.type === "connection") {
    isConnected.value = event.state === "open";
    return;
  }
  const show = () => event.source !== "" && source.written(event.source, language);
  if (event.type === "subscribed" || event.type === "position" || event.type === "retrying") {
    if (state.status === "queued") {
      const { positionFirst } = job.value;
      const first = positionFirst === undefined ? state.position : Math.max(positionFirst, state.position ?? 0);
      job.value = { phase: "queued", position: state.position, positionFirst: first, waitSeconds: state.estimatedWaitSeconds, isPaused: state.paused, retryAt: state.retryAt };
    } else if (state.status === "processing") job.value = { phase: "writing" };
    show();
  }
  if (event.type === "processing") job.value = { phase: "writing", model: event.model };
  if (event.type === "delta") {
    job.value = { ...job.value, phase: "writing" };
    show();
  }
  if (event.type === "validating") job.value = { ...job.value, phase: "checking" };
  if (event.type === "repairing") job.value = { ...job.value, phase: "repairing", errors: event.errors };
}

/** `again`: what is offered to be tried once more. */
function ended(error, again) {
  source.stopped();
  isConnected.value = true;
  if (error?.name === "AbortError") return;
  const phase = error instanceof CancelledError ? "cancelled" : error instanceof ExpiredError ? "expired" : "failed";
  job.value = { phase };
  if (phase === "cancelled") remember(undefined);
  else if (!(error instanceof AuthenticationError)) refuse(error, error instanceof LimitError ? undefined : again);
  refreshUsage();
  refreshHistory();
}

/** A reload, or a bookmark, comes back to it. */
function remember(requestId) {
  const place = requestId === undefined ? location.pathname + location.search : `#request=${requestId}`;
  history.replaceState(null, "", place);
}

/** The request that the address names. */
export function remembered() {
  return /^#request=(req_\w+)$/.exec(location.hash)?.[1];
}
