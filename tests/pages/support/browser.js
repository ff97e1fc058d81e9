// A browser, and pages in it whose every fault fails the test that opened them.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { Server } from "../../../clients/js/test/support/server.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { CHROMIUM } = process.env;
let browser;

before(async () => {
  if (!CHROMIUM) throw new Error("CHROMIUM names no browser; run tests/pages/run");
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
});
after(() => browser?.close());

/** What is to be done at a test's end before its server of `start` is killed: else its pages would miss it. */
const endings = new WeakMap();

/** A server of the test's own, with this configuration and these flags. */
export async function start(t, config = "", ...flags) {
  const last = [];
  const server = await Server.start({ after: (hook) => last.push(hook) }, config, ...flags);
  endings.set(server, []);
  t.after(async () => {
    try {
      for (const end of endings.get(server)) await end();
    } finally {
      for (const hook of last) await hook();
    }
  });
  return server;
}

/**
 * Opens a path of a server. `expected` are patterns of what the console may say; all else there, errors of the page, and
 * calls to other hosts are faults.
 */
export async function open(t, server, { path = "/", width = 1280, height = 860, scheme = "light", expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const said = `${message.type()}: ${message.text()}`;
    if (!expected.some((pattern) => pattern.test(said))) faults.push(said);
  });
  page.on("pageerror", (error) => faults.push(error.stack));
  // What the policy stops is told as a request too, and fails at once: that reached nobody.
  const elsewhere = new Set();
  page.on("request", (request) => {
    const isOwn = request.url().startsWith(`${server.url}/`) || /^(data|blob):/.test(request.url());
    if (!isOwn) elsewhere.add(request);
  });
  page.on("requestfailed", (request) => request.failure().errorText === "csp" && elsewhere.delete(request));
  const atEnd = (hook) => endings.get(server)?.push(hook) ?? t.after(hook);
  atEnd(async () => {
    await context.close();
    assert.deepEqual(faults, []);
    assert.deepEqual([...elsewhere].map((request) => request.url()), [], "from elsewhere");
  });
  await page.goto(`${server.url}${path}`);
  return page;
}

/** Fails for what axe finds, and for a page that is wider than its window. */
export async function hold(page, name) {
  const isLoaded = await page.evaluate(() => "axe" in globalThis);
  // By the debugger, which no policy of the page stops.
  if (!isLoaded) await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    // What moves is looked at where it comes to rest.
    await Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {})));
    const { violations } = await axe.run(document, { iframes: false });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join("; ")}`);
  });
  assert.deepEqual(found, [], name);
  const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= width, `${name}: ${wide} pixels wide in a window of ${width}`);
}

/** What stands in the source editor. */
export function sourceOf(page) {
  return page.evaluate(() => {
    const lines = document.querySelector(".editor")?.shadowRoot?.querySelectorAll(".cm-line") ?? [];
    return [...lines].map((line) => line.textContent).join("\n");
  });
}

/** Once the editor holds a text that fits. */
export async function untilSource(page, pattern) {
  await page.waitForFunction(
    ([text, flags]) => {
      const lines = document.querySelector(".editor")?.shadowRoot?.querySelectorAll(".cm-line") ?? [];
      return new RegExp(text, flags).test([...lines].map((line) => line.textContent).join("\n"));
    },
    [pattern.source, pattern.flags],
  );
}

/** The frame in which the diagram is drawn, once it shows this text. */
export async function untilDrawn(page, text) {
  await page.waitForSelector(".frame:not(.away)");
  const frame = page.frameLocator(".frame iframe");
  // The server's labels stand in definitions that the picture uses.
  await frame.locator("svg").getByText(text).first().waitFor({ state: "attached" });
  return frame;
}

/** Replaces the source by hand. */
export async function write(page, source) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(source);
}
