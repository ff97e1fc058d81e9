/** Who opens the page for the first time, under `serve --dev`, without an account and without a model. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { open, sourceOf, start, untilDrawn, untilSource } from "./support/browser.js";

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

test("every language: Graphviz is drawn here, what needs a Kroki server says so", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server, { expected: [/status of 422/] });
  for (const [language, keyword] of [
    ["Graphviz", /digraph/],
    ["PlantUML", /@startuml/],
    ["D2", /->/],
  ]) {
    await page.getByRole("radio", { name: language }).check({ force: true });
    await page.fill("#prompt", PROMPT);
    await page.keyboard.press("ControlOrMeta+Enter");
    await untilSource(page, keyword);
    await page.getByRole("button", { name: "Draw it" }).waitFor();
    if (language === "Graphviz") await untilDrawn(page, "Ship it");
    else {
      await page.getByRole("heading", { name: "No picture here" }).waitFor();
      assert.match(await page.textContent(".stage-words"), /Kroki/i, language);
      await page.getByText("Not checked").waitFor();
    }
  }
});

test("a template asks for its variables, and only for languages that it knows", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.getByRole("radio", { name: "D2" }).check({ force: true });
  await page.getByLabel("Template").selectOption({ label: "C4 system context" });
  assert.ok(await page.getByRole("radio", { name: "Mermaid" }).isChecked(), "D2 has no C4");
  const draw = page.getByRole("button", { name: "Draw it" });
  assert.ok(await draw.isDisabled(), "what is required is missing");
  await page.getByLabel("System", { exact: true }).fill("Shop");
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
