/** What the real binary sends, held to the standard's own library and to the samples of docs/webhooks.md. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Server } from '../../clients/js/test/support/server.js';

const CONFIG = '[[upstreams]]\nname = "offline"\nkind = "offline"\n[webhooks]\nallow_private_addresses = true\n';
const here = (name) => new URL(name, import.meta.url);

function api(server, key) {
  return async (method, path, body) => {
    const headers = { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(server.url + path, { method, headers, body: body && JSON.stringify(body) });
    return answer.json();
  };
}

/** An application that takes everything; `next` gives the next message. */
async function receiver(t) {
  const [got, waiting] = [[], []];
  const http = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    response.writeHead(204).end();
    const message = { headers: request.headers, body: Buffer.concat(pieces).toString() };
    const take = waiting.shift();
    if (take) take(message);
    else got.push(message);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close());
  const next = () => (got.length ? Promise.resolve(got.shift()) : new Promise((take) => waiting.push(take)));
  return { url: `http://127.0.0.1:${http.address().port}/hooks`, next };
}

test("the standard's own library verifies every message, also while a secret changes, and nothing else", async (t) => {
  const server = await Server.start(t, CONFIG);
  const call = api(server, server.key('ann', 'pro'));
  const { url, next } = await receiver(t);
  const first = (await call('PUT', '/api/webhooks', { url })).secret;
  const { requestId } = await call('POST', '/api/diagram/generate', { prompt: 'Käse calls b', metadata: { n: 1 } });
  const message = await next();
  const verified = new Webhook(first).verify(message.body, message.headers);
  assert.equal(verified.type, 'diagram.completed');
  assert.equal(verified.data.requestId, requestId);
  assert.deepEqual(verified.data, await call('GET', `/api/diagram/status/${requestId}`));
  assert.throws(() => new Webhook(first).verify(message.body.replace('completed', 'Completed'), message.headers));
  assert.throws(() => new Webhook(first).verify(message.body, { ...message.headers, 'webhook-id': 'msg_other' }));

  const second = (await call('POST', '/api/webhooks/rotate')).secret;
  assert.notEqual(second, first);
  await call('POST', '/api/webhooks/test');
  const rotated = await next();
  for (const secret of [first, second]) {
    assert.equal(new Webhook(secret).verify(rotated.body, rotated.headers).type, 'webhook.test');
  }
  const stranger = `whsec_${Buffer.alloc(32).toString('base64')}`;
  assert.throws(() => new Webhook(stranger).verify(rotated.body, rotated.headers));
});

test('the samples of the manual are the files that run, and verify', async (t) => {
  const manual = readFileSync(here('../../docs/webhooks.md'), 'utf8');
  // verify.rs runs in tests/it/webhooks.rs.
  for (const name of ['receiver.mjs', 'verify.py', 'verify.rs']) {
    assert.ok(manual.includes(readFileSync(here(name), 'utf8')), name);
  }
  const server = await Server.start(t, CONFIG);
  const call = api(server, server.key('ann', 'pro'));
  const secret = (await call('POST', '/api/webhooks/rotate')).secret;

  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['receiver.mjs'], { cwd: here('.'), env: { PATH, HOME, PORT: '0', WEBHOOK_SECRET: secret } });
  t.after(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = (await lines.next()).value.split(' ').at(-1);
  await call('PUT', '/api/webhooks', { url: `http://127.0.0.1:${port}/` });
  const { requestId } = await call('POST', '/api/diagram/generate', { prompt: 'a calls b' });
  const [id, type, told] = (await lines.next()).value.split(' ');
  assert.deepEqual([type, told], ['diagram.completed', requestId]);
  assert.match(id, /^msg_[0-9a-f]{32}$/);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' })).status, 401);

  const { url, next } = await receiver(t);
  await call('PUT', '/api/webhooks', { url });
  await call('POST', '/api/webhooks/test');
  const message = await next();
  const program = 'import json, sys\nfrom verify import verify\nargs = json.load(sys.stdin)\nverify(args[0], args[1], args[2].encode())\n';
  const verify = (body, headers = message.headers) => {
    const input = JSON.stringify([secret, headers, body]);
    execFileSync('python3', ['-B', '-c', program], { cwd: here('.'), input, stdio: ['pipe', 'pipe', 'pipe'] });
  };
  verify(message.body);
  assert.throws(() => verify(`${message.body} `), /the signature is wrong/);
  assert.throws(() => verify(message.body, { ...message.headers, 'webhook-signature': 'v1,é' }), /the signature is wrong/);
  assert.throws(() => verify(message.body, {}), /ValueError/);
});
