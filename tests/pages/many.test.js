/** The dashboard on a database with 100,000 requests, at every width and in both colours. Times are told, not judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hold, open, start } from "./support/browser.js";
import { NOBODY, comeIn, go, seed } from "./support/operator.js";

const COUNT = 100_000;

test("100,000 requests are listed, filtered, scrolled and plotted", async (t) => {
  const server = await start(t);
  t.diagnostic(seed(server, COUNT));
  const page = await open(t, server, { path: "/admin", expected: [NOBODY] });
  await comeIn(server, page);

  const timed = async (name, work) => {
    const begun = performance.now();
    await work();
    t.diagnostic(`${name}: ${Math.round(performance.now() - begun)} ms`);
  };
  const rows = page.locator(".list-body .list-row");
  await timed("the list, from the click to its rows", async () => {
    await go(page, "Requests");
    await rows.nth(10).waitFor();
  });
  for (const [label, value, shown] of [
    ["Status", "expired", "expired"],
    ["Tier", "free", "free"],
    ["Language", "d2", "d2"],
  ]) {
    await timed(`only ${value}`, async () => {
      await page.getByLabel(label, { exact: true }).selectOption(value);
      await rows.first().filter({ hasText: shown }).waitFor();
    });
    await page.getByRole("button", { name: "All" }).click();
    await rows.nth(10).waitFor();
  }
  await timed("a user by the beginning of the name", async () => {
    await page.getByPlaceholder(/User or req_/).fill("eri");
    await rows.first().filter({ hasText: "erin" }).waitFor();
  });
  await page.getByRole("button", { name: "All" }).click();
  await rows.nth(10).waitFor();
  await timed("5,000 rows further down", async () => {
    for (let loaded = 0; loaded < 5_000; ) {
      await page.evaluate(() => document.querySelector(".list").scrollTo(0, 1e9));
      await page.waitForFunction((known) => Number(document.querySelector("[aria-rowcount]").getAttribute("aria-rowcount")) > known, loaded);
      loaded = Number(await page.locator("[aria-rowcount]").getAttribute("aria-rowcount"));
    }
  });
  assert.ok((await rows.count()) < 100, "only those in sight are in the page");
  await timed("one in detail", async () => {
    await rows.last().click();
    await page.getByRole("dialog").getByText("Accepted").waitFor();
  });
  await page.keyboard.press("Escape");
  await timed("plots of all", async () => {
    await go(page, "Usage and cost");
    await page.getByText("90 days").click();
    await page.getByText("100,000", { exact: true }).first().waitFor();
  });
  assert.equal(await page.locator(".plot canvas").count(), 4);
  const inked = await page.locator(".plot canvas").first().evaluate((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part !== 0));
  assert.ok(inked, "something is plotted");
  for (const by of ["User", "Model", "Language", "Tier"]) {
    await page.getByRole("radio", { name: by, exact: true }).check({ force: true });
    await page.getByRole("heading", { name: `By ${by.toLowerCase()}` }).waitFor();
  }
});

for (const width of [1280, 360]) {
  for (const scheme of ["light", "dark"]) {
    test(`every section fits ${width} pixels in ${scheme} colours`, async (t) => {
      const server = await start(t);
      seed(server, 500);
      const page = await open(t, server, { path: "/admin", width, scheme, expected: [NOBODY] });
      await comeIn(server, page);
      await hold(page, "Overview");
      await go(page, "Requests");
      await page.locator(".list-body .list-row").nth(5).waitFor();
      await hold(page, "Requests");
      await page.locator(".list-body button").first().click();
      await page.getByRole("dialog").getByText("Accepted").waitFor();
      await hold(page, "a request");
      await page.keyboard.press("Escape");
      await go(page, "Users and keys");
      await page.getByLabel("Tier of ann").waitFor();
      await hold(page, "Users and keys");
      await go(page, "Usage and cost");
      await page.getByText("7 days").click();
      await page.getByRole("heading", { name: "By tier" }).waitFor();
      await hold(page, "Usage and cost");
      await go(page, "Configuration");
      await page.getByText("[server]").waitFor();
      await hold(page, "Configuration");
    });
  }
}
