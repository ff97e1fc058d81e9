/** Takes the README's picture of the dashboard: `tests/pages/run BINARY --screenshot-operator FILE`. */
import { chromium } from "playwright-core";
import { Server } from "../../clients/js/test/support/server.js";
import { Gate, upstream } from "../../clients/js/test/support/upstream.js";
import { ask, comeIn, seed } from "./support/operator.js";

const [file] = process.argv.slice(2);
if (!file) throw new Error("name the file for the picture");
const ENDED = 15;
const WAITING = 6;
const USERS = [
  ["carol", "enterprise"],
  ["ann", "pro"],
  ["erin", "pro"],
  ["dave", "basic"],
];

const ends = [];
const whole = { after: (end) => ends.unshift(end) };
const gate = new Gate();
// Some calls have ended, as many run as may, and all others wait for the minute's requests.
const model = await upstream(whole, ...Array(ENDED).fill({}), ...Array(100).fill({ before: gate }));
const limits = 'api_key = "x"\nrequests_per_minute = 25\ntokens_per_minute = 200000\nmax_concurrent = 8\n[upstreams.price]\ninput = 2.0\noutput = 10.0\n';
const config = model.config.replace('name = "main"', 'name = "anthropic"').replace('model = "m"', 'model = "claude-sonnet-5-5"').replace("requests_per_minute = 1000\ntokens_per_minute = 0\n", limits);
try {
  const server = await Server.start(whole, config);
  seed(server, 5_000);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  whole.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
  await page.goto(`${server.url}/admin`);
  await comeIn(server, page);
  const keys = USERS.map(([user, tier]) => server.key(user, tier));
  const figure = (name, value) => page.locator(`[data-figure="${name}"]`).getByText(value, { exact: true }).waitFor();
  for (let place = 0; place < ENDED; place += 1) await ask(server, keys[place % 2], `a flow, number ${place}`);
  await figure("processing", "0");
  for (let place = 0; place < 8 + WAITING * USERS.length; place += 1) await ask(server, keys[place % USERS.length], `a flow, number ${ENDED + place}`);
  await figure("processing", "8");
  await page.locator("#waiting tbody tr").nth(8).waitFor();
  // The lines of the last minutes want to be more than a point.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  await page.screenshot({ path: file });
} finally {
  for (const end of ends) await end();
}
