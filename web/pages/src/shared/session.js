// Who asks: the one place that knows of credentials. A person comes in by a one-time link or a
// password, which gives a cookie that this page cannot read; or by an API key, which is exchanged for
// a short-lived token and forgotten. The token lives as long as the tab. A server in development gives
// one by itself.
import { computed, signal } from "@preact/signals";
import { AuthenticationError, DiagramClient, PermissionError } from "diagramd-client";

import { fetchBySession } from "./proof.js";

const STORED = "diagramd.token";
const TTL_SECONDS = 8 * 3600;
/** A token that ends within this is over. */
const MARGIN_MS = 5_000;
const ENDED = "Your access has ended. Come in again.";

export const baseUrl = new URL(".", location.href).href;
const isInDevelopment = document.querySelector('meta[name="diagramd-access"]')?.content === "development";

/** `checking`, `closed` (somebody must come in) or `open`; `reason`: why it is closed, in words. */
const state = signal({ name: "checking" });
export const access = computed(() => state.value.name);
export const accessReason = computed(() => state.value.reason);
/** Whether there is something to leave: in development the next call would bring a token again. */
export const canLeave = computed(() => state.value.name === "open" && (!isInDevelopment || session !== undefined));

/** `{token, expiresAt}`, unless there is a session. */
let held = stored();
/** What the server says of the cookie's session: `{user, csrfToken, …}`. */
let session;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED)) ?? undefined;
  } catch {
    return undefined;
  }
}

function hold(token) {
  held = token;
  try {
    if (token) sessionStorage.setItem(STORED, JSON.stringify(token));
    else sessionStorage.removeItem(STORED);
  } catch {
    // A browser that stores nothing: it holds until the page is left.
  }
}

const isGood = (token) => token !== undefined && Date.parse(token.expiresAt) - Date.now() > MARGIN_MS;

/** Whether it will most likely be open in a moment. */
export const isExpected = isInDevelopment || isGood(held);

function open() {
  state.value = { name: "open" };
}

function close(reason) {
  hold(undefined);
  session = undefined;
  state.value = { name: "closed", reason };
}

/** Calls without a credential but the cookie. */
const bare = (method, path, body, headers) => new DiagramClient({ baseUrl, attempts: 3 }).call(method, path, { body, headers, repeatable: true });

/** Looks for a credential that is there already: in the address, in the tab, in the browser. */
export async function begin() {
  const ended = held !== undefined && !isGood(held);
  try {
    const link = takeLink();
    if (link !== undefined) await enterBySession({ link });
    else if (isGood(held) || (await developmentToken())) open();
    else if (isInDevelopment) close();
    else await continueSession();
  } catch (error) {
    close(error instanceof AuthenticationError ? (ended ? ENDED : undefined) : error.message);
  }
}

/** The token of a one-time link; it leaves the address at once. */
function takeLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link") ?? undefined;
  if (link !== undefined) history.replaceState(null, "", location.pathname + location.search);
  return link;
}

async function continueSession() {
  session = (await bare("GET", "api/auth/session")).value;
  open();
}

async function enterBySession(body) {
  try {
    session = (await bare("POST", "api/auth/session", body)).value;
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    throw new Error(error.message);
  }
  hold(undefined);
  open();
}

async function developmentToken() {
  if (!isInDevelopment) return false;
  try {
    hold((await bare("POST", "api/auth/dev")).value);
    return true;
  } catch (error) {
    if (error instanceof PermissionError) return false;
    throw error;
  }
}

/** The credential of a call, as the client asks for it; `renew`: the last one was refused. */
export async function token({ renew = false } = {}) {
  if (session !== undefined && !renew) return undefined;
  if (session === undefined && isGood(held) && !renew) return held.token;
  if (session === undefined && (await developmentToken())) return held.token;
  if (state.value.name === "open") close(ENDED);
  return undefined;
}

/** `fetch`, with what a call by cookie must show if it changes something. */
export const fetchAs = fetchBySession(baseUrl, () => session, (renewed) => {
  session = renewed;
});

/** Exchanges a key for a token. Throws in words that can be shown. */
export async function enterByKey(key) {
  const client = new DiagramClient({ baseUrl, token: key.trim(), attempts: 2 });
  try {
    hold(await client.createToken({ ttlSeconds: TTL_SECONDS }));
  } catch (error) {
    if (error instanceof AuthenticationError) throw new Error("This key is wrong, expired or revoked. Check it, or ask who runs this server for another.");
    throw error;
  }
  open();
}

/** Throws in words that can be shown. */
export function enterByPassword(user, password) {
  return enterBySession({ user: user.trim(), password });
}

/** Forgets the credential; a session ends on the server too. */
export async function leave() {
  if (session !== undefined) await bare("DELETE", "api/auth/session", undefined, { "X-CSRF-Token": session.csrfToken }).catch(() => {});
  hold(undefined);
  // What the page shows and remembers is theirs who leave: it begins anew.
  history.replaceState(null, "", location.pathname);
  location.reload();
}
