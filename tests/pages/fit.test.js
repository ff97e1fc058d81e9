/** Every state of the pages: on a phone and on a desk, light and dark, by axe's rules, by keyboard alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, upstream } from "../../clients/js/test/support/upstream.js";
import { hold, open, start, untilDrawn, untilSource, write } from "./support/browser.js";

for (const width of [1280, 360]) {
  for (const scheme of ["light", "dark"]) {
    test(`${width} pixels, ${scheme}: nothing for axe to find, nothing beside the window`, async (t) => {
      const gate = new Gate();
      const model = await upstream(t, { midway: gate });
      const server = await start(t, `${model.config}[tiers.pro]\nrequests_per_hour = 1\n`, "--dev");
      const page = await open(t, server, { width, scheme, expected: [/status of 429/] });
      await page.getByText("left").first().waitFor();
      await page.getByLabel("Template").waitFor();
      const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      assert.equal(background === "rgb(18, 20, 25)", scheme === "dark", background);
      await hold(page, "empty");
      await page.fill("#prompt", "A cart is paid or not");
      await page.keyboard.press("ControlOrMeta+Enter");
      await gate.reached;
      await untilSource(page, /flowchart/);
      await hold(page, "running");
      gate.open();
      await untilDrawn(page, "Remind");
      await page.getByText("Valid", { exact: true }).waitFor();
      await hold(page, "done");
      await write(page, "flowchart TD\n    A[Cart --> B");
      await page.locator(".cm-bad-line").waitFor();
      await hold(page, "error");
      await page.keyboard.press("ControlOrMeta+Enter");
      await page.getByRole("alert").waitFor();
      await hold(page, "limit");
      await page.getByLabel("Template").selectOption({ label: "C4 system context" });
      await page.getByLabel("Purpose").waitFor();
      await hold(page, "template");
      await page.locator(".usage").click();
      await page.getByText("This hour", { exact: true }).waitFor();
      await hold(page, "usage");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "History" }).click();
      await page.locator(".entry").waitFor();
      await hold(page, "history");
    });

    test(`${width} pixels, ${scheme}: the question for a key, and the dashboard`, async (t) => {
      const server = await start(t);
      // Nobody is signed in: that is what the server answers.
      const page = await open(t, server, { width, scheme, expected: [/status of 401/] });
      await page.getByLabel("API key").waitFor();
      await hold(page, "access");
      await page.goto(`${server.url}/admin`);
      await page.getByRole("heading").first().waitFor();
      await hold(page, "dashboard");
    });
  }
}

test("the colours follow the system, then the person, over a reload", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  await page.getByRole("button", { name: "Use dark colours" }).click();
  assert.equal(await scheme(), "dark");
  await page.reload();
  await page.getByRole("button", { name: "Use light colours" }).waitFor();
  assert.equal(await scheme(), "dark");
  await page.getByRole("button", { name: "Use light colours" }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("button", { name: "Use light colours" }).waitFor();
});

test("by keyboard alone: from the words to the picture, the source and a file, with a focus that is seen", async (t) => {
  const server = await start(t, "", "--dev");
  const page = await open(t, server);
  await page.locator("#prompt:focus").waitFor();
  await page.getByLabel("Template").waitFor();
  await page.keyboard.type("Open the door, then close the door");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.ok(await page.getByRole("radio", { name: "Graphviz" }).isChecked());
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Enter");
  await untilDrawn(page, "Close the door");
  await page.getByText("Valid", { exact: true }).waitFor();
  const order = [];
  for (let step = 0; step < 14; step += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const host = document.activeElement;
      const at = host.shadowRoot?.activeElement ?? host;
      return at.getAttribute("aria-label") ?? (at.title || at.textContent.trim());
    });
    order.push(name);
    // The editor shows it in its next frame; the picture's frame shows its own.
    const isSeen = page.waitForFunction(() => {
      const host = document.activeElement;
      const at = host.shadowRoot?.activeElement ?? host;
      const { outlineStyle, outlineWidth } = getComputedStyle(at.closest(".cm-editor") ?? at);
      return at.tagName === "IFRAME" || (outlineStyle !== "none" && outlineWidth !== "0px");
    });
    await isSeen.catch(() => assert.fail(`the focus on ${name} is not seen`));
    if (name === "Source of the diagram") break;
  }
  assert.ok(order.indexOf("Download SVG") < order.indexOf("Source of the diagram"), order.join(", "));
  assert.ok(order.includes("Download SVG") && order.at(-1) === "Source of the diagram", order.join(", "));
  // A tab leads on: the editor is no trap.
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.className), "editor");
});
