// Calls of this server, by the cookie of the session.
import { signal } from "@preact/signals";
import { AuthenticationError, DiagramClient } from "diagramd-client";

import { fetchBySession } from "../../shared/proof.js";

/** Who is signed in: undefined while nobody knows, null for nobody. */
export const person = signal(undefined);

const baseUrl = new URL(".", location.href).href;
const fetchAs = fetchBySession(baseUrl, () => person.value, (renewed) => {
  person.value = renewed;
});
const client = new DiagramClient({ baseUrl, fetch: (url, init) => fetchAs(url, { ...init, cache: "no-store" }) });

/** The answer's body; rejects as the client does, in words that can be shown. */
export async function call(method, path, body, signal) {
  try {
    return (await client.call(method, path, { body, signal })).value;
  } catch (error) {
    // The session is over, wherever that is noticed.
    if (error instanceof AuthenticationError && person.value && path !== "api/auth/password") person.value = null;
    throw error;
  }
}

export const get = (path, signal) => call("GET", path, undefined, signal);

/** A path with those parameters that have a value. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
