// Signing in and out. A one-time link is used once, and its token leaves the address bar at once.
import { effect } from "@preact/signals";
import { AuthenticationError } from "diagramd-client";
import { takeLink } from "../../shared/link.js";
import { call, get, person } from "./api.js";
import { connect, disconnect } from "./live.js";

export { person };

/** Looks who is signed in; uses the link that the page was opened with, if any. */
export async function begin() {
  const link = takeLink();
  if (link !== undefined) {
    try {
      return enter(await call("POST", "api/auth/session", { link }));
    } catch (error) {
      fault = error.message;
    }
  }
  try {
    enter(await get("api/auth/session"));
  } catch (error) {
    if (!(error instanceof AuthenticationError)) fault = error.message;
    person.value = null;
  }
}

// Whoever is not in any more hears of nothing.
effect(() => {
  if (person.value === null) disconnect();
});

let fault;
/** What was wrong with the link, or with the server, told once. */
export function linkFault() {
  const told = fault;
  fault = undefined;
  return told;
}

function enter(session) {
  person.value = session;
  if (session.role === "admin") connect();
}

/** Rejects with the server's words. */
export async function signIn(user, password) {
  enter(await call("POST", "api/auth/session", { user, password }));
}

/** Sets one's own password. */
export async function setPassword(password, currentPassword) {
  person.value = await call("POST", "api/auth/password", currentPassword ? { password, currentPassword } : { password });
}

/** The password is left for another day. */
export function setPasswordLater() {
  person.value = { ...person.value, isLater: true };
}

/** What the page shows is theirs who leave: it begins anew. */
export async function signOut() {
  await call("DELETE", "api/auth/session");
  location.reload();
}
