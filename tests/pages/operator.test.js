/** Whoever runs the server: from the setup link of the first start to everything that the dashboard does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, upstream } from "../../clients/js/test/support/upstream.js";
import { hold, open, start } from "./support/browser.js";
import { NOBODY, PASSWORD, ask, comeIn, go, statusOf } from "./support/operator.js";

const SECRET = "sk-very-secret";

const row = (page, table, text) => page.locator(`${table} tbody tr`).filter({ hasText: text });
const sure = (page, action) => page.getByRole("dialog").last().getByRole("button", { name: action }).click();

test("from the setup link to a password, and in again with it", async (t) => {
  const server = await start(t);
  const link = new URL(await server.printedLink());
  assert.equal(link.pathname, "/admin");
  const page = await open(t, server, { path: link.pathname + link.hash, expected: [NOBODY] });
  await page.getByRole("heading", { name: "Welcome, admin" }).waitFor();
  assert.ok(!page.url().includes("link="), "the token leaves the address bar");
  await hold(page, "the first password");
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same again").fill("another");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("alert").filter({ hasText: "differ" }).waitFor();
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "Upstreams" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Upstreams" }).waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ["diagramd_session", true, "Strict"]);

  await page.getByLabel("Account of admin").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await hold(page, "the sign-in");
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("wrong horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Upstreams" }).waitFor();

  const again = await open(t, server, { path: link.pathname + link.hash, expected: [NOBODY] });
  await again.getByRole("alert").filter({ hasText: "used" }).waitFor();
});

test("a user who is no admin is told so", async (t) => {
  const server = await start(t);
  server.key("ann", "free");
  const link = new URL(server.run(["user", "link", "ann"]));
  assert.equal(link.pathname, "/");
  const page = await open(t, server, { path: `/admin${link.hash}`, expected: [NOBODY] });
  await page.getByRole("heading", { name: "ann is no admin" }).waitFor();
  await hold(page, "no admin");
});

test("the queue fills, is paused and resumed; a request is cancelled, one tried again", async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate, status: 400 });
  const server = await start(t, model.config);
  const page = await open(t, server, { path: "/admin", expected: [NOBODY] });
  await comeIn(server, page);
  const figure = (name, value) => page.locator(`[data-figure="${name}"]`).getByText(value, { exact: true }).waitFor();
  await figure("depth", "0");
  const ann = server.key("ann", "free");
  const failing = await ask(server, ann, "one");
  await gate.reached;
  await ask(server, ann, "two");
  const unwanted = await ask(server, ann, "three");
  await figure("depth", "2");
  await figure("processing", "1");
  await page.locator("#waiting").getByRole("link", { name: unwanted.slice(0, 12) }).waitFor();
  await hold(page, "the overview");

  await page.getByRole("button", { name: "Pause" }).click();
  await hold(page, "the question");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("button", { name: "Resume" }).count(), 0, "Escape leaves it");
  await page.getByRole("button", { name: "Pause" }).click();
  await sure(page, "Pause");
  await page.getByText("Paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("Live", { exact: true }).waitFor();

  await page.locator("#waiting").getByRole("link", { name: unwanted.slice(0, 12) }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("queued", { exact: true }).waitFor();
  await hold(page, "a request that waits");
  await drawer.getByRole("button", { name: "Cancel" }).click();
  await sure(page, "Cancel it");
  await drawer.getByRole("status").getByText("The request is cancelled.").waitFor();
  await drawer.getByText("cancelled", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("cell", { name: "cancelled" }).waitFor();

  gate.open();
  await page.getByLabel("Status", { exact: true }).selectOption("failed");
  await page.getByRole("button", { name: failing.slice(4, 12) }).click();
  await drawer.getByText("upstream_rejected").waitFor();
  await drawer.getByRole("button", { name: "Try again" }).click();
  await drawer.getByText("completed", { exact: true }).waitFor();
  await drawer.getByText("Paid?").waitFor();
  await hold(page, "a request that completed");
});

test("users and keys are made, moved and ended", async (t) => {
  const server = await start(t);
  const page = await open(t, server, { path: "/admin", expected: [NOBODY] });
  await comeIn(server, page);
  await go(page, "Users and keys");
  await page.getByRole("button", { name: "New user" }).click();
  await page.getByLabel("Name").fill("zoe");
  await page.getByLabel("Tier", { exact: true }).selectOption("basic");
  await hold(page, "a new user");
  await page.getByRole("button", { name: "Make the user" }).click();
  await row(page, "#user-table", "zoe").waitFor();

  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("User", { exact: true }).fill("zoe");
  await hold(page, "a new key");
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = (await page.locator("#made-key").textContent()).trim();
  assert.match(key, /^dgd_\w{46}$/);
  await hold(page, "the key, this once");
  await page.keyboard.press("Escape");
  assert.equal(await statusOf(server, key, "/api/diagram/usage"), 200);

  await page.getByLabel("Tier of zoe").selectOption("pro");
  await page.getByText("zoe is in tier pro.").waitFor();
  const usage = await fetch(`${server.url}/api/diagram/usage`, { headers: { "X-API-Key": key } });
  assert.equal((await usage.json()).tier, "pro");

  await row(page, "#key-table", "zoe").getByRole("button", { name: "Revoke" }).click();
  await sure(page, "Revoke");
  await page.getByText("The key is revoked.").waitFor();
  assert.equal(await statusOf(server, key, "/api/diagram/usage"), 401);
  await row(page, "#user-table", "zoe").getByRole("button", { name: "Disable" }).click();
  await sure(page, "Disable");
  await row(page, "#user-table", "zoe").getByRole("button", { name: "Enable" }).waitFor();
});

test("a session that another tab replaced goes on here, and another person's begins the page anew", async (t) => {
  const server = await start(t);
  const page = await open(t, server, { path: "/admin", expected: [NOBODY, /status of 403/] });
  await comeIn(server, page);
  const comeInElsewhere = async (user) => {
    const link = new URL(server.run(["user", "link", user]));
    const tab = await page.context().newPage();
    await tab.goto(`${server.url}/admin${link.hash}`);
    await tab.getByRole("heading", { name: "Upstreams" }).waitFor();
    await tab.close();
  };
  await comeInElsewhere("root");
  await page.getByRole("button", { name: "Pause" }).click();
  await sure(page, "Pause");
  await page.getByRole("button", { name: "Resume" }).waitFor();

  server.run(["user", "set-password", "ann", "--admin"], `${PASSWORD}\n`);
  await comeInElsewhere("ann");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByLabel("Account of ann").waitFor();
  await page.getByRole("button", { name: "Resume" }).waitFor();
});

test("the configuration is shown without its secrets", async (t) => {
  const model = await upstream(t);
  const server = await start(t, model.config.replace('model = "m"', `model = "m"\napi_key = "${SECRET}"`));
  const page = await open(t, server, { path: "/admin", expected: [NOBODY] });
  await comeIn(server, page);
  await go(page, "Configuration");
  const lane = page.getByRole("region", { name: "upstreams.main", exact: true });
  await lane.getByText("api_key").waitFor();
  assert.ok(!(await page.content()).includes(SECRET));
  await page.getByPlaceholder("Find a key").fill("requests_per_hour");
  await page.getByText("[tiers.free]").waitFor();
  assert.equal(await page.getByText("max_body").count(), 0);
});

test("a server that goes away and comes back is found again, and the session holds", async (t) => {
  const server = await start(t);
  const page = await open(t, server, { path: "/admin", expected: [NOBODY, /ERR_/, /WebSocket connection/] });
  await comeIn(server, page);
  await page.getByText("Live", { exact: true }).waitFor();
  await server.kill();
  await page.getByText("Connecting again").waitFor();
  await server.start();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "Upstreams" }).waitFor();
});
