/** Errors with their line marked, redrawing while one types, a change, and earlier diagrams. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { upstream } from "../../clients/js/test/support/upstream.js";
import { open, sourceOf, start, untilDrawn, untilSource, write } from "./support/browser.js";

const BROKEN = "flowchart TD\n    A[Cart] --> B{Paid?\n    B -- yes --> C[Ship]";

async function draw(page, words, button = "Draw it") {
  await page.fill("#prompt", words);
  await page.getByRole("button", { name: button }).click();
}

test("an error marks its line and is listed in words; mending it draws at once", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await untilDrawn(page, "Begin");
  await write(page, "flowchart TD\n    A[Cart] --> B{Paid?}\n    B -- yes --> C[Ship]");
  await untilDrawn(page, "Ship");
  await page.getByText("Valid", { exact: true }).waitFor();
  await write(page, BROKEN);
  const listed = page.getByRole("list", { name: "Errors in the source" }).getByRole("listitem");
  await listed.first().waitFor();
  const line = Number(/Line (\d+)/.exec(await listed.first().textContent())[1]);
  assert.ok(line >= 2 && line <= 3, `line ${line}`);
  const marked = page.locator(".cm-bad-line");
  await marked.waitFor();
  assert.equal(await marked.textContent(), BROKEN.split("\n")[line - 1]);
  await page.getByText("this is the picture before them").waitFor();
  // From the list to the line.
  await page.getByRole("button", { name: `Line ${line}` }).click();
  await page.locator(".cm-content:focus").waitFor();
  await write(page, "flowchart TD\n    A[Cart] --> Z[Mended]");
  await untilDrawn(page, "Mended");
  await marked.waitFor({ state: "detached" });
  await listed.first().waitFor({ state: "detached" });
  // What was never a request is drawn by the server from the source.
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download SVG" }).click()]);
  assert.match(readFileSync(await download.path()).toString(), /Mended/);
});

test("what the model wrote with errors shows them", async (t) => {
  const model = await upstream(t, { source: "flowchart TD\n    A[[[ --> ]B", }, { source: "flowchart TD\n    A[[[ --> ]B" });
  const server = await start(t, model.config.replace("coalesce = false", "coalesce = false\nrepair_attempts = 0"), "--dev");
  const page = await open(t, server);
  await draw(page, "Break it");
  await page.locator(".badge.bad").waitFor();
  await page.locator(".cm-bad-line").waitFor();
});

test("a change: of the request as it was, then of the source as it was edited", async (t) => {
  const model = await upstream(t, {}, { source: "flowchart TD\n    A[Cart] --> R[Refund]" }, { source: "flowchart TD\n    A[Cart] --> S[Second]" });
  const server = await start(t, model.config, "--dev");
  const page = await open(t, server);
  const sent = [];
  page.on("request", (request) => request.url().endsWith("/generate") && sent.push(request.postDataJSON()));
  await draw(page, "A cart is paid or not");
  await untilDrawn(page, "Remind");
  await page.getByRole("button", { name: "Change this" }).click();
  await draw(page, "Refund it", "Change it");
  await untilDrawn(page, "Refund");
  assert.match(sent[1].baseRequestId, /^req_/);
  assert.deepEqual([sent[1].prompt, sent[1].baseSource], ["Refund it", undefined]);
  await untilSource(page, /Refund/);
  await page.getByText("Valid", { exact: true }).waitFor();
  await write(page, "flowchart TD\n    A[Cart] --> M[Mine]");
  await page.getByText("Edited").waitFor();
  await draw(page, "And a second", "Change it");
  await untilDrawn(page, "Second");
  assert.deepEqual([sent[2].baseSource, sent[2].baseRequestId], ["flowchart TD\n    A[Cart] --> M[Mine]", undefined]);
});

test("history: newest first, page by page, and back to an earlier one", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.getByText("left today").waitFor();
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem("diagramd.token")).token);
  for (let count = 1; count <= 22; count += 1) {
    const answer = await fetch(`${server.url}/api/diagram/generate`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Prefer: "wait=30" },
      body: JSON.stringify({ prompt: `Open door ${count}, then close door ${count}` }),
    });
    assert.equal(answer.status, 200);
  }
  await page.getByRole("button", { name: "History" }).click();
  const entries = page.locator(".entry");
  await entries.nth(19).waitFor();
  assert.match(await entries.first().textContent(), /door 22/);
  await page.getByRole("button", { name: "Show more" }).click();
  await entries.nth(21).waitFor();
  assert.equal(await entries.count(), 22);
  await entries.last().click();
  await untilDrawn(page, "Close door 1");
  assert.match(await sourceOf(page), /door 1\b/);
  assert.equal(await page.locator("dialog[open]").count(), 0);
});

test("what strangers write runs nothing, reaches nothing and is drawn all the same", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server, { expected: [/Content Security Policy/] });
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await untilDrawn(page, "Begin");
  const reached = [];
  const stranger = createServer((request, response) => {
    reached.push(request.url);
    response.end();
  });
  await once(stranger.listen(0, "127.0.0.1"), "listening");
  t.after(() => stranger.close());
  const evil = `http://127.0.0.1:${stranger.address().port}/evil`;
  await write(page, `%%{init: {"themeCSS": "rect { fill: url(${evil}) }"}}%%\nflowchart TD\n    A["<img src=${evil} onerror=parent.document.title='taken'>Bait"] --> B[End]\n    click A "javascript:alert(1)"`);
  const frame = await untilDrawn(page, "Bait");
  assert.notEqual(await page.title(), "taken");
  const held = await page.evaluate(() => {
    const frame = document.querySelector("iframe");
    return [frame.getAttribute("sandbox"), frame.contentDocument];
  });
  assert.deepEqual(held, ["allow-scripts", null], "the frame's origin is its own");
  assert.equal(await frame.locator("script:not([src])").count(), 0);
  const links = await frame.locator("a").evaluateAll((all) => all.map((one) => one.getAttribute("href") ?? one.getAttribute("xlink:href") ?? ""));
  assert.deepEqual(links.filter((link) => /^\s*javascript:/i.test(link)), []);
  assert.deepEqual(reached, []);
});

test("a drawing that hangs is thrown away, and the next one is drawn", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  // Frames stand still when they are asked, until the page has told of it; later ones are the server's.
  let hang = true;
  await page.route("**/frame", (route) => {
    if (!hang) return route.continue();
    const body = "<script>parent.postMessage({ type: 'ready' }, '*'); onmessage = () => {};</script>";
    return route.fulfill({ contentType: "text/html", body });
  });
  await page.reload();
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await page.getByText("Drawing this took too long").waitFor();
  hang = false;
  const remade = page.waitForRequest("**/frame");
  await write(page, "flowchart TD\n    A[Once] --> B[End]");
  await remade;
  await write(page, "flowchart TD\n    A[Again] --> B[End]");
  await untilDrawn(page, "Again");
});
