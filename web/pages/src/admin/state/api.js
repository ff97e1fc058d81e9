// Calls of this server, by the cookie of the session.
import { signal } from "@preact/signals";

/** Who is signed in: undefined while nobody knows, null for nobody. */
export const person = signal(undefined);

/** A refusal, in the server's words. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `The server answered with ${status}.`);
    this.status = status;
    this.code = problem?.code;
    this.faults = problem?.errors ?? [];
  }
}

/** The answer's body; rejects with [Refused], or with words when the server cannot be reached. */
export async function call(method, path, body, signal) {
  const headers = { Accept: "application/json" };
  if (method !== "GET" && person.value) headers["X-CSRF-Token"] = person.value.csrfToken;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await reached(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: "no-store", credentials: "same-origin" });
  if (answer.ok) return answer.status === 204 ? undefined : answer.json();
  const problem = await answer.json().catch(() => undefined);
  // The session is over, wherever that is noticed.
  if (answer.status === 401 && person.value && path !== "api/auth/password") person.value = null;
  throw new Refused(answer.status, problem);
}

async function reached(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached. Is it running?");
  }
}

export const get = (path, signal) => call("GET", path, undefined, signal);

/** A path with those parameters that have a value. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
