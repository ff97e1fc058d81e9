// What operators' tests need besides a page: requests of users, a way in, a large database.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export const PASSWORD = "correct horse battery";
/** A page that asks who is signed in is told that nobody is, and browsers write that down. */
export const NOBODY = /status of 401/;

/** A request of a user; returns its id. */
export async function ask(server, key, prompt) {
  const headers = { "X-API-Key": key, "Content-Type": "application/json" };
  const answer = await fetch(`${server.url}/api/diagram/generate`, { method: "POST", headers, body: JSON.stringify({ prompt }) });
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()).requestId;
}

/** The status of a call with a key. */
export async function statusOf(server, key, path) {
  return (await fetch(`${server.url}${path}`, { headers: { "X-API-Key": key } })).status;
}

/** An admin with a password, by the command line; then signed in on a page that shows the sign-in. */
export async function comeIn(server, page) {
  server.run(["user", "set-password", "root", "--admin"], `${PASSWORD}\n`);
  await page.getByLabel("User").fill("root");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Upstreams" }).waitFor();
}

/** Puts requests that are over into the database of a server that runs. */
export function seed(server, count) {
  return execFileSync("python3", [join(import.meta.dirname, "seed.py"), server.database, String(count)]).toString().trim();
}

/** By the way between the sections. */
export async function go(page, section) {
  await page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: section }).click();
  await page.getByRole("heading", { level: 1, name: section }).waitFor({ state: "attached" });
}
