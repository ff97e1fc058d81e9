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
  const page = await open(server, { expected: [/status of 401/] });
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
  const page = await open(server, { expected: [/status of 429/] });
  await comeIn(page, server.key("ann", "free"));
  const draw = async () => {
    await page.fill("#prompt", "Open, then close");
    await page.keyboard.press("ControlOrMeta+Enter");
  };
  await page.getByLabel("Describe a diagram").waitFor();
  await draw();
  await untilDrawn(page, "Close");
  await page.getByText("0 of 1 left today").waitFor();
  await draw();
  const notice = page.getByRole("alert");
  await notice.getByRole("heading", { name: "Today's 1 diagrams are used up" }).waitFor();
  await notice.getByText(/Again in \d+ (s|min|h)/).waitFor();
  const link = notice.getByRole("link", { name: "Go to basic" });
  assert.equal(await link.getAttribute("href"), "https://shop.example/basic");
  assert.match(await notice.textContent(), /basic tier/);
});
