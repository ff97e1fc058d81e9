/** Takes the README's picture of the playground: `tests/pages/run BINARY --screenshot FILE`. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [file] = process.argv.slice(2);
const { DIAGRAMD_BINARY, CHROMIUM, ANTHROPIC_API_KEY, ...env } = process.env;
if (!file) throw new Error("name the file for the picture");
const PROMPT = "A customer places an order. If the payment is declined, ask for another card and try again; otherwise pack the order and ship it.";

const folder = mkdtempSync(join(tmpdir(), "diagramd-picture-"));
const server = spawn(DIAGRAMD_BINARY, ["serve", "--dev", "--data-dir", "data", "--listen", "127.0.0.1:0"], {
  cwd: folder,
  env: { ...env, DIAGRAMD_LOG__FORMAT: "json" },
  stdio: ["ignore", "ignore", "pipe"],
});
const lines = createInterface({ input: server.stderr });
const url = await new Promise((resolve, reject) => {
  server.once("exit", () => reject(new Error("the server did not start")));
  lines.on("line", (line) => {
    const address = /"address":"([^"]+)"/.exec(line)?.[1];
    if (address) resolve(address);
  });
});
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  await page.goto(url);
  await page.fill("#prompt", PROMPT);
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.frameLocator(".frame iframe").locator("svg").getByText("Ship it").waitFor();
  await page.locator(".source .badge.good").waitFor();
  await page.locator(".editor[data-ready]").waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: file });
} finally {
  await browser.close();
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
