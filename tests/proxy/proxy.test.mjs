/** diagramd behind the real nginx and the real Caddy, by the files that it ships for them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as send } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DiagramClient } from '../../clients/js/index.js';
import { Server } from '../../clients/js/test/support/server.js';
import { Gate, SOURCE, upstream } from '../../clients/js/test/support/upstream.js';

const { WebSocket } = createRequire(new URL('../../clients/js/package.json', import.meta.url))('ws');
const shipped = (name) => readFileSync(new URL(`../../packaging/proxy/${name}`, import.meta.url), 'utf8');
const TRUSTING = '[server]\ntrusted_proxies = ["127.0.0.1/32"]\nanonymous_requests_per_minute = 20\n';

/** Replaces what must be there. */
function changed(text, from, to) {
  assert.ok(text.includes(from), from);
  return text.replaceAll(from, to);
}

const PROXIES = {
  nginx: {
    file: 'nginx.conf',
    configure(text, dir, port, server) {
      const site = changed(changed(text, 'listen 80;', `listen 127.0.0.1:${port};`), '127.0.0.1:3000', server);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n');
      return `daemon off;\nmaster_process off;\npid ${dir}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${site}}\n`;
    },
    command: (file) => ['nginx', '-c', file],
  },
  caddy: {
    file: 'Caddyfile',
    configure(text, dir, port, server) {
      const site = changed(changed(text, 'diagrams.example.com {', `http://127.0.0.1:${port} {`), '127.0.0.1:3000', server);
      return `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${dir}/data\n}\n${site}`;
    },
    command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  },
};

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The proxy before a server; resolves to its address once it answers. */
async function started(t, { file, configure, command }, server) {
  const dir = mkdtempSync(join(tmpdir(), 'diagramd-proxy-'));
  const port = await freePort();
  writeFileSync(join(dir, file), configure(shipped(file), dir, port, new URL(server.url).host));
  const [program, ...args] = command(join(dir, file));
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: dir } });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(dir, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended:\n${said}`);
    const isThere = await fetch(`${url}/healthz`).then((answer) => answer.ok, () => false);
    if (isThere) return url;
    await new Promise(setImmediate);
  }
}

/** Status and body of a call from an address of this machine. */
async function call(url, { headers, body, from = '127.0.0.2' }) {
  const sent = send(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, localAddress: from });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  let text = '';
  for await (const piece of answer) text += piece;
  return { status: answer.statusCode, type: answer.headers['content-type'], text };
}

for (const [name, proxy] of Object.entries(PROXIES)) {
  for (const transport of ['websocket', 'sse', 'poll']) {
    test(`${name}, ${transport}: events come as they happen, also while the model is silent`, async (t) => {
      const gate = new Gate();
      const model = await upstream(t, { midway: gate });
      const server = await Server.start(t, model.config);
      const baseUrl = await started(t, proxy, server);
      const client = new DiagramClient({ baseUrl, token: server.key('ann', 'pro'), WebSocket, transports: [transport], pollSeconds: 0.01 });
      const request = await client.generate({ prompt: 'an order' });
      const seen = [];
      for await (const { type, source } of request) {
        seen.push(type);
        // Half of it is here before the model says the rest.
        if (transport === 'poll' ? type === 'subscribed' : source !== '') gate.open();
      }
      assert.equal((await request.finished()).result, SOURCE);
      assert.ok(seen.includes('completed'), seen.join());
    });
  }

  test(`${name}: callers are told apart by their own address, whatever they claim`, async (t) => {
    const server = await Server.start(t, TRUSTING);
    const url = `${await started(t, proxy, server)}/api/diagram/generate`;
    const wrong = (from, claimed) => call(url, { from, headers: { 'X-API-Key': 'dgd_wrong', 'X-Forwarded-For': claimed }, body: '{"prompt":"x"}' });
    const statuses = [];
    for (let at = 1; at <= 4; at += 1) statuses.push((await wrong('127.0.0.2', `192.0.2.${at}`)).status);
    assert.deepEqual([statuses[0], statuses.at(-1)], [401, 429], statuses.join());
    assert.equal((await wrong('127.0.0.3', '192.0.2.1')).status, 401, 'somebody else');
  });

  test(`${name}: a body that is too large is refused in diagramd's words`, async (t) => {
    const server = await Server.start(t);
    const url = `${await started(t, proxy, server)}/api/diagram/generate`;
    const body = JSON.stringify({ prompt: 'x'.repeat(300 << 10) });
    const { status, type, text } = await call(url, { headers: { 'X-API-Key': server.key('ann', 'pro') }, body });
    assert.deepEqual([status, type, JSON.parse(text).code], [413, 'application/problem+json', 'body_too_large'], text);
  });

  test(`${name}: the figures are not for everybody`, async (t) => {
    const server = await Server.start(t);
    const baseUrl = await started(t, proxy, server);
    assert.equal((await fetch(`${baseUrl}/metrics`)).status, 404);
    assert.equal((await fetch(`${baseUrl}/readyz`)).status, 200);
  });
}
