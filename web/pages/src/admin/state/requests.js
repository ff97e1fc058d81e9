// Everybody's requests as far as they are loaded: by the page, newest first. What is new is put
// before, and what moved is changed in its place.
import { signal } from "@preact/signals";
import { get, withQuery } from "./api.js";

const PAGE = 200;
/** Pages without a match that are looked at before the person is asked to go on. */
const EMPTY_PAGES_MAX = 5;

export const requests = signal([]);
/** `loading`, `more`, `all` or the words of a fault. */
export const progress = signal("loading");
/** Milliseconds that the first page took. */
export const took = signal(undefined);

let filter = {};
let next;
let running;

/** Begins anew with this filter. */
export async function search(wanted) {
  filter = wanted;
  next = undefined;
  running?.abort();
  running = undefined;
  requests.value = [];
  const began = performance.now();
  await more();
  took.value = performance.now() - began;
}

/** Loads on, unless it does already. */
export async function more() {
  if (running) return;
  const mine = new AbortController();
  running = mine;
  progress.value = "loading";
  try {
    for (let empty = 0; empty < EMPTY_PAGES_MAX; empty += 1) {
      const page = await get(withQuery("api/admin/requests", { ...filter, limit: PAGE, cursor: next }), mine.signal);
      if (running !== mine) return;
      next = page.next ?? undefined;
      if (page.requests.length > 0) requests.value = [...requests.value, ...page.requests];
      if (next === undefined || page.requests.length > 0) break;
    }
    progress.value = next === undefined ? "all" : "more";
  } catch (error) {
    if (running === mine && error.name !== "AbortError") progress.value = error.message;
  } finally {
    if (running === mine) running = undefined;
  }
}

/** Looks at the newest again. */
export async function refresh() {
  const asked = filter;
  const page = await get(withQuery("api/admin/requests", { ...filter, limit: 100 })).catch(() => undefined);
  if (!page || asked !== filter || running) return;
  const isKnown = ({ requestId }) => requests.value.some((one) => one.requestId === requestId);
  if (page.next !== null && requests.value.length > 0 && !page.requests.some(isKnown)) {
    // More came than one page holds: what lies between is loaded again as one scrolls.
    requests.value = page.requests;
    next = page.next;
    progress.value = "more";
    return;
  }
  const fresh = new Map(page.requests.map((one) => [one.requestId, one]));
  const known = requests.value.filter((one) => !fresh.has(one.requestId));
  // What is newer than the oldest of the fresh ones and not among them does not fit the filter any more.
  const oldest = page.requests.at(-1)?.createdAt;
  const kept = page.next === null ? [] : known.filter((one) => oldest === undefined || one.createdAt < oldest);
  requests.value = [...page.requests, ...kept];
}

/** One request changed: as it is now. */
export function changed(id, fields) {
  requests.value = requests.value.map((one) => (one.requestId === id ? { ...one, ...fields } : one));
}
