/** A request on its way: its place, the source as it is written, cancelling, and what breaks in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, SOURCE, upstream } from "../../clients/js/test/support/upstream.js";
import { open, sourceOf, start, untilDrawn, untilSource } from "./support/browser.js";

/** One call at a time, so that others wait. */
const oneByOne = (config) => config.replace('model = "m"', 'model = "m"\nmax_concurrent = 1');

async function draw(page, words = "A cart is paid or not") {
  await page.fill("#prompt", words);
  await page.getByRole("button", { name: "Draw it" }).click();
}

/** Another user's request, ahead in the queue. */
async function ahead(server, key) {
  const answer = await fetch(`${server.url}/api/diagram/generate`, {
    method: "POST",
    headers: { "X-API-Key": key, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "first" }),
  });
  assert.equal(answer.status, 202);
}

test("the place counts down, the source appears as it is written, the picture beside it", async (t) => {
  const [first, second, third] = [new Gate(), new Gate(), new Gate()];
  const model = await upstream(t, { before: first }, { before: second }, { midway: third });
  const server = await start(t, oneByOne(model.config), "--dev");
  const key = server.key("bob", "enterprise");
  await ahead(server, key);
  await first.reached;
  await ahead(server, key);
  const page = await open(t, server);
  await draw(page);
  const place = page.locator(".place strong");
  await place.filter({ hasText: "2" }).waitFor();
  first.open();
  await place.filter({ hasText: "1" }).waitFor();
  second.open();
  await third.reached;
  await untilSource(page, /flowchart TD/);
  const partial = await sourceOf(page);
  assert.ok(SOURCE.startsWith(partial.trimEnd()) && partial.length < SOURCE.length, partial);
  assert.equal(await page.locator(".steps .now").textContent(), "Writing");
  third.open();
  await untilDrawn(page, "Remind");
  await page.getByText("Valid", { exact: true }).waitFor();
  assert.equal((await sourceOf(page)).trimEnd(), SOURCE);
  assert.match(await page.locator("[role=status]").first().textContent(), /finished/);
});

test("a server that is killed and comes back: the loss is told, and the request is finished", async (t) => {
  const [first, second] = [new Gate(), new Gate()];
  const model = await upstream(t, { midway: first }, { midway: second });
  const server = await start(t, model.config, "--dev");
  const page = await open(t, server, { expected: [/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection/] });
  await draw(page);
  await first.reached;
  await untilSource(page, /flowchart/);
  await server.kill();
  await page.getByText("The connection is lost").first().waitFor();
  await server.start();
  await second.reached;
  await page.locator(".lost").waitFor({ state: "detached" });
  second.open();
  first.open();
  await untilDrawn(page, "Remind");
});

test("Escape cancels while it waits and while it is written; the page is ready again", async (t) => {
  const [first, second] = [new Gate(), new Gate()];
  const model = await upstream(t, { before: first }, { midway: second });
  const server = await start(t, oneByOne(model.config), "--dev");
  const page = await open(t, server);
  await draw(page);
  await first.reached;
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Draw it" }).waitFor();
  assert.match(await page.locator("[role=status]").first().textContent(), /Cancelled/);
  first.open();
  await draw(page);
  await second.reached;
  await untilSource(page, /flowchart/);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Draw it" }).waitFor();
  assert.ok(await page.locator(".notice").count() === 0, "cancelling is no error");
  second.open();
});

test("a reload goes on with a request that is under way", async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { midway: gate });
  const server = await start(t, model.config, "--dev");
  const page = await open(t, server);
  await draw(page);
  await gate.reached;
  await untilSource(page, /flowchart/);
  await page.reload();
  await untilSource(page, /flowchart/);
  gate.open();
  await untilDrawn(page, "Remind");
});

test("a model that refuses is told in words", async (t) => {
  const model = await upstream(t, { status: 400 });
  const server = await start(t, model.config, "--dev");
  const page = await open(t, server);
  await draw(page);
  await page.getByRole("alert").getByRole("heading", { name: "That did not work" }).waitFor();
  await page.getByRole("button", { name: "Close this message" }).click();
  assert.equal(await page.getByRole("alert").count(), 0);
});
