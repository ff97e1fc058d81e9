/** The example page and the React hook in Chromium, from another origin than the server's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright-core';
import { Server } from './support/server.js';
import { Gate, SOURCE, upstream } from './support/upstream.js';

const { CHROMIUM } = process.env;
let browser;
before(async () => {
  if (!CHROMIUM) throw new Error('CHROMIUM names no browser; run tests/clients/run');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});
after(() => browser?.close());

/** The example's own server; resolves to the page's address. */
async function example(t) {
  const child = spawn(process.execPath, [new URL('../example/serve.js', import.meta.url).pathname, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line;
}

/** A page whose own errors fail the test, unless it expects them. */
async function open(t, url) {
  const page = await browser.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.stack));
  t.after(async () => {
    await page.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(url);
  return page;
}

const cors = (url) => `[server]\ncors_origins = ["${new URL(url).origin}"]\n`;

async function fill(page, server, token) {
  await page.fill('#server', server.url);
  await page.fill('#token', token);
  await page.click('#generate');
}

const textOf = (page, id) => page.textContent(id);
const shows = (page, id, text) => page.waitForFunction(([id, text]) => document.querySelector(id).textContent.includes(text), [id, text]);

test('the example page: the source as it is written, over a server that is killed, to the result', async (t) => {
  const [gate, second] = [new Gate(), new Gate()];
  const model = await upstream(t, { midway: gate }, { midway: second });
  const url = await example(t);
  const server = await Server.start(t, cors(url) + model.config);
  const page = await open(t, url);
  const sockets = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await fill(page, server, server.key('ann', 'pro'));
  await gate.reached;
  await shows(page, '#source', 'flowchart TD');
  assert.ok(SOURCE.startsWith((await textOf(page, '#source')).trimEnd()));
  assert.deepEqual(sockets, [`${server.url.replace('http', 'ws')}/ws`], 'in a browser the WebSocket is the first');
  await server.kill();
  await shows(page, '#state', 'connection lost');
  await server.start();
  await second.reached;
  second.open();
  gate.open();
  await shows(page, '#state', 'completed');
  assert.equal(await textOf(page, '#source'), SOURCE);
  assert.equal(await textOf(page, '#error'), '');
});

test('the example page: cancelled, refused for a limit with the way up, and for its credential', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const url = await example(t);
  const server = await Server.start(t, `${cors(url)}${model.config}[tiers.free]\nrequests_per_hour = 1\n`);
  const token = server.key('ann', 'free');
  const page = await open(t, url);
  await fill(page, server, token);
  await gate.reached;
  await page.click('#cancel');
  await shows(page, '#state', 'cancelled');
  gate.open();
  assert.equal(await textOf(page, '#error'), '');

  // Retry-After and the problem are read from another origin.
  const limited = server.key('bob', 'free');
  await fill(page, server, limited);
  await shows(page, '#state', 'completed');
  await page.click('#generate');
  await shows(page, '#error', 'Wait ');
  assert.match(await textOf(page, '#error'), /Wait \d+ s\. .*basic/);

  await fill(page, server, 'dk_wrong');
  await shows(page, '#state', 'not done');
  assert.match(await textOf(page, '#error'), /key/i);
});

test('a page of an origin that is not allowed is told of server.cors_origins', async (t) => {
  const url = await example(t);
  const server = await Server.start(t);
  const page = await open(t, url);
  const said = await page.evaluate(
    async ([baseUrl]) => {
      const { DiagramClient } = await import('/index.js');
      const client = new DiagramClient({ baseUrl, token: 'x', attempts: 1 });
      return client.usage().catch((error) => `${error.name}: ${error.message}`);
    },
    [server.url],
  );
  assert.match(said, /^NetworkError: .*server\.cors_origins/);
});

test('a page takes /client.js of the server, which then needs no address; every transport works', async (t) => {
  const url = await example(t);
  const server = await Server.start(t, cors(url));
  const page = await open(t, url);
  for (const transport of ['websocket', 'sse', 'poll']) {
    const done = await page.evaluate(
      async ([script, token, transport]) => {
        const { DiagramClient } = await import(script);
        const client = new DiagramClient({ token, transports: [transport], pollSeconds: 0.01 });
        return (await client.generate({ prompt: 'A -> B' })).finished();
      },
      [`${server.url}/client.js`, server.key('ann', 'pro'), transport],
    );
    assert.equal(done.status, 'completed', transport);
  }
});

test('the React hook: place, source, cancel, limit, and going away', async (t) => {
  const app = `
    import { StrictMode, useState } from 'react';
    import { createRoot } from 'react-dom/client';
    import { DiagramClient } from '../index.js';
    import { useDiagram } from '../react.js';
    const { server, token } = Object.fromEntries(new URLSearchParams(location.search));
    const client = new DiagramClient({ baseUrl: server, token });
    function Diagram() {
      const { status, source, error, isActive, title, generate, cancel, reset } = useDiagram(client);
      return <>
        <p id="state">{status}{isActive ? ' active' : ''}</p><pre id="source">{source}</pre>
        <p id="error">{error && [error.name, error.retryAfter, error.upgrade?.tier].join(' ')}</p>
        <button id="generate" onClick={() => generate({ prompt: 'an order' })}>Generate</button>
        <button id="cancel" onClick={cancel}>Cancel</button><button id="reset" onClick={reset}>Reset</button>
      </>;
    }
    function Page() {
      const [isThere, setThere] = useState(true);
      return <>{isThere && <Diagram />}<button id="leave" onClick={() => setThere(false)}>Leave</button></>;
    }
    createRoot(document.getElementById('root')).render(<StrictMode><Page /></StrictMode>);`;
  const built = buildSync({ stdin: { contents: app, loader: 'jsx', resolveDir: new URL('.', import.meta.url).pathname }, bundle: true, format: 'esm', jsx: 'automatic', write: false, define: { 'process.env.NODE_ENV': '"development"' } });
  const pages = createServer((request, response) => {
    const isScript = request.url === '/app.js';
    response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? built.outputFiles[0].contents : '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/app.js"></script>');
  });
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  t.after(() => (pages.closeAllConnections(), pages.close()));
  const origin = `http://127.0.0.1:${pages.address().port}`;

  const [first, second, third] = [new Gate(), new Gate(), new Gate()];
  const model = await upstream(t, { midway: first }, { before: second }, { before: third });
  const server = await Server.start(t, `${cors(origin)}${model.config}[tiers.free]\nrequests_per_hour = 2\n`);
  const token = server.key('ann', 'free');
  const page = await open(t, `${origin}/?${new URLSearchParams({ server: server.url, token })}`);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && !/429/.test(message.text()) && complaints.push(message.text()));

  await shows(page, '#state', 'idle');
  await page.click('#generate');
  await first.reached;
  await shows(page, '#source', 'flowchart TD');
  await shows(page, '#state', 'processing active');
  first.open();
  await shows(page, '#state', 'completed');
  assert.equal(await textOf(page, '#source'), SOURCE);

  await page.click('#generate');
  await second.reached;
  await shows(page, '#state', 'processing active');
  assert.equal(await textOf(page, '#source'), '', 'the old one is gone');
  await page.click('#cancel');
  await shows(page, '#state', 'cancelled');
  second.open();

  await page.click('#generate');
  await shows(page, '#error', 'LimitError');
  assert.match(await textOf(page, '#error'), /^LimitError \d+ basic$/);
  await page.click('#reset');
  await shows(page, '#state', 'idle');
  assert.equal(await textOf(page, '#error'), '');
  await page.click('#leave');
  await page.waitForSelector('#state', { state: 'detached' });
  assert.deepEqual(complaints, []);
});
