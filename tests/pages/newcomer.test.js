/** Who opens the page for the first time, under `serve --dev`, without an account and without a model. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { Gate } from "../../clients/js/test/support/upstream.js";
import { open, sourceOf, start, untilDrawn, untilSource, write } from "./support/browser.js";

const PROMPT = "A customer places an order. If the payment is declined, ask for another card; otherwise ship it.";

test("from an example to a picture, a file of each kind, and a page that a reload keeps", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.reload();
  await page.getByRole("button", { name: "A process" }).click();
  assert.match(await page.inputValue("#prompt"), /^A customer places an order/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");
  await page.getByText("500 of 500 left today").waitFor();
  await page.getByRole("button", { name: "Draw it" }).click();
  await untilDrawn(page, "Ship it");
  await untilSource(page, /flowchart TD[^]*Ship it/);
  await page.getByText("Valid", { exact: true }).waitFor();
  await page.getByText("Drafted without a model").waitFor();
  await page.getByText("499 of 500 left today").waitFor();

  assert.ok(asked.includes("/api/diagram/generate"));
  assert.ok(!asked.includes("/api/diagram/requests"), "the history is asked for when it is opened");
  const take = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Download ${name}` }).click()]);
    return [download.suggestedFilename(), readFileSync(await download.path())];
  };
  const [svgName, svg] = await take("SVG");
  assert.match(svgName, /^customer-places-an-order.*\.svg$/);
  assert.match(svg.toString(), /^<svg[^]*Ship it/);
  const [, png] = await take("PNG");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  const [sourceName, source] = await take("Source");
  assert.match(sourceName, /\.mmd$/);
  assert.equal(source.toString().trimEnd(), (await sourceOf(page)).trimEnd());

  assert.match(page.url(), /#request=req_/);
  await page.reload();
  await untilDrawn(page, "Ship it");
});

test("what this server cannot draw is not offered, and an earlier request of it is the source alone", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.getByText("left today").waitFor();
  assert.deepEqual(await page.locator(".languages label").allTextContents(), ["Mermaid", "Graphviz"]);
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem("diagramd.token")).token);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Prefer: "wait=30" };
  const answer = await fetch(`${server.url}/api/diagram/generate`, { method: "POST", headers, body: JSON.stringify({ prompt: PROMPT, diagramType: "plantuml" }) });
  const { requestId } = await answer.json();
  await page.goto(`${server.url}/#request=${requestId}`);
  await page.reload();
  await page.getByRole("heading", { name: "The source alone" }).waitFor();
  assert.match(await page.textContent(".stage-words"), /PlantUML is neither checked nor drawn here/);
  assert.ok(await page.getByRole("button", { name: "Download SVG" }).isDisabled(), "there is no picture to take");
  assert.ok(await page.getByRole("button", { name: "Download Source" }).isEnabled());
  await untilSource(page, /@startuml/);
});

test("a Kroki server's languages are offered and drawn", async (t) => {
  const kroki = createServer((request, response) => {
    response.setHeader("Content-Type", "image/svg+xml");
    response.end('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40"><text x="5" y="20">By Kroki</text></svg>');
  });
  await once(kroki.listen(0, "127.0.0.1"), "listening");
  t.after(() => kroki.close());
  const server = await start(t, `[render]\nkroki_url = "http://127.0.0.1:${kroki.address().port}"\n`, "--dev");
  const page = await open(t, server);
  await page.getByRole("radio", { name: "D2" }).check({ force: true });
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await untilDrawn(page, "By Kroki");
  assert.equal(await page.getByLabel("Colours of the picture").count(), 0, "Kroki draws in its own");
});

test("Graphviz: labels are inside of their boxes, drawn by the page or by the server", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  const gate = new Gate();
  await page.route("**/api/diagram/render", async (route) => {
    await gate.pass();
    await route.continue();
  });
  await page.getByRole("radio", { name: "Graphviz" }).check({ force: true });
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await untilDrawn(page, "begin");
  await write(page, "digraph { node [shape=box]; a [label=\"Warehouse management of wholesale goods\"]; b [label=\"WWWWWWWWWWWW MMMMMMMM\"]; a -> b }");
  const frame = await untilDrawn(page, "Warehouse management");
  const over = () =>
    frame.locator("g.node").evaluateAll((nodes) =>
      nodes.map((node) => {
        const [text, box] = [node.querySelector("text"), node.querySelector("polygon")].map((one) => one.getBBox());
        return Math.round(text.width - box.width);
      }),
    );
  await page.locator(".stage[data-by=page]").waitFor();
  for (const room of await over()) assert.ok(room < 0, `by the page: ${room} pixels over`);
  gate.open();
  await page.locator(".stage[data-by=server]").waitFor();
  for (const room of await over()) assert.ok(room < 0, `by the server: ${room} pixels over`);
});

test("what is seen in the end is what one takes along, in the colours that one chose", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.fill("#prompt", PROMPT);
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.locator(".stage[data-by=server]").waitFor();
  const take = async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download SVG" }).click()]);
    return readFileSync(await download.path()).toString();
  };
  const frame = await untilDrawn(page, "Ship it");
  /** Where everything stands, which does not depend on how large it is shown. */
  const shapes = (svg) => [...svg.matchAll(/ (?:d|points|transform)="([^"]+)"/g)].map(([, shape]) => shape);
  const seen = () => frame.locator("#picture > svg").evaluate((svg) => svg.outerHTML);
  const light = await take();
  assert.ok(shapes(light).length > 10);
  assert.deepEqual(shapes(await seen()), shapes(light));
  const asked = page.waitForResponse((response) => response.url().includes("theme=dark"));
  await page.getByLabel("Colours of the picture").selectOption("Dark");
  await asked;
  const drawing = page.frames().find((one) => one.url().endsWith("/frame"));
  await drawing.waitForFunction(() => getComputedStyle(document.querySelector("#picture > svg")).backgroundColor === "rgb(51, 51, 51)");
  assert.match(await take(), /background-color: ?#333333/);
});

test("what the server does not draw stays as the page drew it, and says that there is no file", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server, { expected: [/status of 422/] });
  const refusal = { code: "not_drawable", detail: "It is too intricate." };
  await page.route("**/api/diagram/render", (route) => route.fulfill({ status: 422, contentType: "application/problem+json", body: JSON.stringify(refusal) }));
  await page.getByRole("button", { name: "write the source yourself" }).click();
  await untilDrawn(page, "Begin");
  await page.getByText("There is no file of it: It is too intricate.").waitFor();
});

test("a template asks for its variables, and only for languages that it knows", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.getByRole("radio", { name: "Graphviz" }).check({ force: true });
  await page.getByLabel("Template").selectOption({ label: "C4 system context" });
  assert.ok(await page.getByRole("radio", { name: "Mermaid" }).isChecked(), "Graphviz has no C4");
  const draw = page.getByRole("button", { name: "Draw it" });
  assert.ok(await draw.isDisabled(), "what is required is missing");
  await page.getByText(/Still to fill in: /).waitFor();
  await page.getByLabel("System · required", { exact: true }).fill("Shop");
  await page.getByLabel("Purpose").fill("Sells books to readers. It sends mail by the mail service.");
  await page.getByLabel("People").fill("Reader\nClerk");
  await draw.click();
  await untilSource(page, /\S/);
  await page.locator(".source .badge.good").waitFor();
});

test("the source is copied", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.fill("#prompt", PROMPT);
  await page.keyboard.press("ControlOrMeta+Enter");
  await untilDrawn(page, "Ship it");
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /flowchart TD/);
});
