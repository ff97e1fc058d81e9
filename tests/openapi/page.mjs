// Opens /docs in a real browser: everything is drawn, nothing is fetched from elsewhere, nothing
// breaks the page's own policy, and it fits a phone. Called as `node page.mjs URL` by
// tests/openapi/run; CHROMIUM names the browser, SHOTS a folder for screenshots.
import assert from "node:assert/strict";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const [url] = process.argv.slice(2);
const { CHROMIUM = "/usr/bin/chromium", SHOTS } = process.env;

const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
try {
  const described = await (await fetch(`${url}/openapi.json`)).json();
  const operations = Object.values(described.paths).flatMap((path) =>
    Object.keys(path).filter((method) => method !== "parameters"),
  );
  for (const width of [1280, 360]) {
    for (const scheme of ["light", "dark"]) await look(width, scheme, operations.length);
  }
} finally {
  await browser.close();
}

async function look(width, scheme, operations) {
  const page = await browser.newPage();
  const faults = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith("data:")) {
      faults.push(`from elsewhere: ${request.url()}`);
    }
  });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(`${url}/docs`);
  await page.waitForSelector(".opblock");
  await shoot(page, `docs-${width}-${scheme}`);
  assert.equal((await page.$$(".opblock")).length, operations, "every operation is shown");
  await page.click("#operations-Requests-generate .opblock-summary-control");
  await page.waitForSelector("#operations-Requests-generate .responses-table");
  await page.$eval("#operations-Requests-generate", (operation) => operation.scrollIntoView());
  await shoot(page, `docs-${width}-${scheme}-open`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `the page is ${wide} pixels wide on a screen of ${width}`);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background === "rgb(28, 32, 34)", scheme === "dark", background);
  // A call from the page reaches this server.
  await page.click("#operations-Operations-health .opblock-summary-control");
  await page.waitForSelector("#operations-Operations-health .try-out__btn");
  await page.click("#operations-Operations-health .try-out__btn");
  await page.waitForSelector("#operations-Operations-health .execute");
  await page.click("#operations-Operations-health .execute");
  await page.waitForSelector("#operations-Operations-health .live-responses-table");
  const answered = await page.$eval("#operations-Operations-health .live-responses-table", (table) => table.innerText);
  assert.match(answered, /"status": "ok"/);
  assert.deepEqual(faults, []);
  await page.close();
}

async function shoot(page, name) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
