// Who asks: the one place that knows of credentials. An API key is exchanged for a short-lived
// token and forgotten; the token lives as long as the tab. A server in development gives one by itself.
import { computed, signal } from "@preact/signals";
import { AuthenticationError, DiagramClient, PermissionError } from "diagramd-client";

const STORED = "diagramd.token";
const TTL_SECONDS = 8 * 3600;
/** A token that ends within this is over. */
const MARGIN_MS = 5_000;

export const baseUrl = new URL(".", location.href).href;
const isInDevelopment = document.querySelector('meta[name="diagramd-access"]')?.content === "development";

/** `checking`, `closed` (a key is asked for) or `open`; `reason`: why it is closed, in words. */
const state = signal({ name: "checking" });
export const access = computed(() => state.value.name);
export const accessReason = computed(() => state.value.reason);

let held = stored();

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

function close(reason) {
  hold(undefined);
  state.value = { name: "closed", reason };
}

/** Looks for a credential that is there already. */
export async function begin() {
  if (isGood(held) || (await developmentToken())) state.value = { name: "open" };
  else close(held && "Your access has ended. Enter the key again.");
}

async function developmentToken() {
  if (!isInDevelopment) return false;
  const client = new DiagramClient({ baseUrl });
  try {
    const { value } = await client.call("POST", "api/auth/dev", { repeatable: true });
    hold(value);
    return true;
  } catch (error) {
    if (error instanceof PermissionError) return false;
    throw error;
  }
}

/** The credential of a call, as the client asks for it; `renew`: the last one was refused. */
export async function token({ renew = false } = {}) {
  if (isGood(held) && !renew) return held.token;
  if (await developmentToken()) return held.token;
  if (held) close("Your access has ended. Enter the key again.");
  return undefined;
}

/** Exchanges a key for a token. Throws in words that can be shown. */
export async function enter(key) {
  const client = new DiagramClient({ baseUrl, token: key.trim(), attempts: 2 });
  try {
    hold(await client.createToken({ ttlSeconds: TTL_SECONDS }));
  } catch (error) {
    if (error instanceof AuthenticationError) throw new Error("This key is wrong, expired or revoked. Check it, or ask who runs this server for another.");
    throw error;
  }
  state.value = { name: "open" };
}

/** Forgets the credential. */
export function leave() {
  close();
}

/** Whether one can leave: in development the next call would bring a token again. */
export const canLeave = !isInDevelopment;
