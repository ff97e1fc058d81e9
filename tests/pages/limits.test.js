/** Without --dev a key is asked for; a limit shows the way up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start, untilDrawn } from "./support/browser.js";

const FREE = `[tiers.free]\nrequests_per_day = 1\n[tiers.basic]\nupgrade_url = "https://shop.example/basic"\n`;

async function comeIn(page, key) {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Come in" }).click();
}

test("a key opens the page and is kept nowhere; a wrong one is told", async (t) => {
  const server = await start(t, FREE);
  const key = server.key("ann", "free");
  const page = await open(t, server, { expected: [/status of 401/] });
  await comeIn(page, "dgd_wrong");
  await page.getByRole("alert").filter({ hasText: "wrong, expired or revoked" }).waitFor();
  await comeIn(page, key);
  await page.getByText("1 of 1 left today").waitFor();
  const stored = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  assert.ok(!stored.includes(key), stored);
  await page.reload();
  await page.getByText("1 of 1 left today").waitFor();
  await page.getByText("1 of 1 left today").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  assert.deepEqual(await page.evaluate(() => ({ ...sessionStorage })), {});
});

test("a limit: which, how long, and the tier that lifts it with its link", async (t) => {
  const server = await start(t, FREE);
  const page = await open(t, server, { expected: [/status of (401|429)/] });
  await comeIn(page, server.key("ann", "free"));
  const draw = async () => {
    await page.fill("#prompt", "Open, then close");
    await page.keyboard.press("ControlOrMeta+Enter");
  };
  await page.getByLabel("Describe a diagram").waitFor();
  await draw();
  await untilDrawn(page, "Close");
  await page.getByText("0 of 1 left today").waitFor();
  // Drawn while it is written: a second one is sent when the first is over.
  await page.getByRole("button", { name: "Draw it" }).waitFor();
  await draw();
  const notice = page.getByRole("alert");
  await notice.getByRole("heading", { name: "Today's one diagram is used up" }).waitFor();
  await notice.getByText(/Again in \d+ (s|min|h)/).waitFor();
  const link = notice.getByRole("link", { name: "Go to basic" });
  assert.equal(await link.getAttribute("href"), "https://shop.example/basic");
  assert.match(await notice.textContent(), /basic tier/);
});

test("a one-time link opens the page by a cookie that it cannot read, once; drawing and leaving work by it", async (t) => {
  const server = await start(t);
  server.key("ann", "pro");
  const link = `/#${server.verb("user", "link", "ann").split("#")[1]}`;
  const page = await open(t, server, { path: link, expected: [/status of 401/] });
  await page.getByText("500 of 500 left today").waitFor();
  assert.ok(!page.url().includes("link="), "the token is out of the address");
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.fill("#prompt", "Open, then close");
  await page.keyboard.press("ControlOrMeta+Enter");
  await untilDrawn(page, "Close");
  await page.goto(`${server.url}/`);
  await page.getByText("499 of 500 left today").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  const after = await page.evaluate(() => fetch("api/auth/session").then(({ status }) => status));
  assert.equal(after, 401);

  const again = await open(t, server, { path: link, expected: [/status of 401/] });
  await again.getByRole("alert").filter({ hasText: "The link is used, over or unknown" }).waitFor();
  await again.getByLabel("API key").waitFor();
});

test("a name and a password open the page too", async (t) => {
  const server = await start(t);
  server.key("ann", "pro");
  const first = await open(t, server, { path: `/#${server.verb("user", "link", "ann").split("#")[1]}`, expected: [/status of 401/] });
  await first.getByText("left today").waitFor();
  const set = await first.evaluate(async () => {
    const { csrfToken } = await (await fetch("api/auth/session")).json();
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrfToken };
    const answer = await fetch("api/auth/password", { method: "POST", headers, body: JSON.stringify({ password: "correct horse battery" }) });
    return answer.status;
  });
  assert.equal(set, 200);
  const page = await open(t, server, { expected: [/status of 401/] });
  await page.getByRole("button", { name: "Use a name and a password" }).click();
  await page.getByLabel("User").fill("ann");
  await page.getByLabel("Password").fill("wrong horse battery");
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByText("500 of 500 left today").waitFor();
});
