/** Submitting, and everything that is one call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as api from '../index.js';
import { proxy } from './support/proxy.js';
import { Server } from './support/server.js';
import { Gate, upstream } from './support/upstream.js';

const { DiagramClient } = api;
const QUICK = { retryBaseSeconds: 0.001, retryCapSeconds: 0.01 };

test('a submit whose answer is lost is sent again and is one request', async (t) => {
  const server = await Server.start(t);
  let lost = 0;
  const line = await proxy(t, server.url, (name) => (name.startsWith('POST') && lost++ < 2 ? 'lose' : 'pass'));
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), ...QUICK });
  const request = await client.generate({ prompt: 'A -> B' });
  assert.deepEqual(line.calls, Array(3).fill('POST /api/diagram/generate'));
  const { requests } = await client.requests();
  assert.deepEqual(requests.map((each) => each.requestId), [request.requestId]);
  assert.equal((await client.usage()).hour.used, 1);
  assert.equal((await request.finished()).status, 'completed');
});

test('a submit goes on over a kill -9 and a restart', async (t) => {
  const server = await Server.start(t);
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), attempts: 1000, ...QUICK });
  await server.kill();
  const submit = client.generate({ prompt: 'A -> B' });
  await server.start();
  assert.equal((await (await submit).finished()).status, 'completed');
});

test('a given key makes the same request, and another body under it is refused', async (t) => {
  const server = await Server.start(t);
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro') });
  const first = await client.generate({ prompt: 'A -> B' }, { idempotencyKey: 'one' });
  await first.finished();
  const again = await client.generate({ prompt: 'A -> B' }, { idempotencyKey: 'one' });
  assert.equal(again.requestId, first.requestId);
  // It has ended: nothing is left to follow.
  const events = [];
  for await (const event of again) events.push(event);
  assert.deepEqual(events.map(({ type, source }) => [type, source]), [['completed', first.source]]);
  await assert.rejects(client.generate({ prompt: 'C -> D' }, { idempotencyKey: 'one' }), { name: 'ValidationError', status: 422, code: 'idempotency_key_reused' });
});

test('a 429 is a LimitError with the limit, the waiting time and the way up', async (t) => {
  const server = await Server.start(t, '[tiers.free]\nrequests_per_hour = 1\nupgrade_url = "https://shop.example"\n');
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'free') });
  await (await client.generate({ prompt: 'A -> B' })).finished();
  const error = await client.generate({ prompt: 'A -> B' }).catch((reason) => reason);
  assert.ok(error instanceof api.LimitError && error instanceof api.ProblemError && error instanceof api.DiagramError);
  assert.equal(error.code, 'hourly_limit_exceeded');
  assert.deepEqual([error.limit.name, error.limit.scope, error.limit.limit, error.limit.remaining], ['hour', 'user', 1, 0]);
  assert.ok(error.retryAfter >= 1 && error.retryAfter <= 3600 && Number.isInteger(error.retryAfter), String(error.retryAfter));
  assert.equal(error.upgrade.tier, 'basic');
  assert.match(error.message, /\w/);
});

test('each refusal has its type', async (t) => {
  const server = await Server.start(t);
  const baseUrl = server.url;
  const client = new DiagramClient({ baseUrl, token: server.key('ann', 'pro'), ...QUICK });
  await assert.rejects(new DiagramClient({ baseUrl, token: 'dk_wrong' }).usage(), { name: 'AuthenticationError', status: 401, code: 'unauthorized' });
  await assert.rejects(new DiagramClient({ baseUrl }).usage(), { name: 'AuthenticationError' });
  const invalid = await client.generate({ prompt: '', diagramType: 'visio' }).catch((reason) => reason);
  assert.ok(invalid instanceof api.ValidationError);
  assert.deepEqual(invalid.errors.map((error) => error.pointer).sort(), ['/diagramType', '/prompt']);
  await assert.rejects(client.generate({ prompt: 'x', model: 'dearest' }), { name: 'PermissionError', code: 'tier_forbidden' });
  await assert.rejects(client.status(`req_${'0'.repeat(32)}`), { name: 'NotFoundError', status: 404, code: 'not_found' });
  await assert.rejects(client.status('a/../b'), { name: 'NotFoundError' });
  const done = await client.generate({ prompt: 'A -> B' });
  await done.finished();
  await assert.rejects(done.cancel(), { name: 'ConflictError', code: 'not_cancellable' });

  const line = await proxy(t, baseUrl, () => 'break');
  const cut = new DiagramClient({ baseUrl: line.url, token: 'x', attempts: 3, ...QUICK });
  await assert.rejects(cut.usage(), { name: 'NetworkError', code: 'network' });
  assert.equal(line.calls.length, 3, 'as often as allowed');
  await server.kill();
  await assert.rejects(new DiagramClient({ baseUrl, attempts: 2, ...QUICK }).usage(), (reason) => reason instanceof api.NetworkError && reason.cause !== undefined);
});

test('a server that does not answer is given up in time, before and within its answer', async (t) => {
  const server = await Server.start(t);
  const token = server.key('ann', 'pro');
  for (const verdict of ['silent', 'frozen']) {
    const line = await proxy(t, server.url, (_, count) => (count === 1 ? verdict : 'pass'));
    const client = new DiagramClient({ baseUrl: line.url, token, timeoutSeconds: 0.3, attempts: 1, ...QUICK });
    await assert.rejects(client.usage(), { name: 'NetworkError', code: 'timeout' }, verdict);
  }
});

test('a token that is over is renewed once', async (t) => {
  const server = await Server.start(t);
  const asked = [];
  const good = server.key('ann', 'pro');
  const token = ({ renew }) => asked.push(renew) && (renew ? good : 'dk_old');
  const client = new DiagramClient({ baseUrl: server.url, token, ...QUICK });
  assert.equal((await client.usage()).user, 'ann');
  assert.deepEqual(asked, [false, true]);
  // A call that is sent again for another reason does not renew again.
  const line = await proxy(t, server.url, (_, count) => (count === 2 ? 'break' : 'pass'));
  asked.length = 0;
  let current = 'dk_old';
  const kept = ({ renew }) => (asked.push(renew), renew ? (current = good) : current);
  assert.equal((await new DiagramClient({ baseUrl: line.url, token: kept, ...QUICK }).usage()).user, 'ann');
  assert.deepEqual(asked, [false, true, false]);
  const always = new DiagramClient({ baseUrl: server.url, token: () => 'dk_wrong', ...QUICK });
  await assert.rejects(always.usage(), { name: 'AuthenticationError' });
});

test('the other calls give what the server has', async (t) => {
  const server = await Server.start(t);
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro') });
  const usage = await client.usage();
  assert.deepEqual([usage.user, usage.tier, usage.hour.used, usage.hour.limit], ['ann', 'pro', 0, 100]);
  assert.ok((await client.templates()).some(({ name }) => name === 'er-from-sql'));
  const verdict = await client.validate({ source: 'flowchart TD\n A[', diagramType: 'mermaid' });
  assert.equal(verdict.valid, false);
  const { token, tokenType } = await client.createToken({ ttlSeconds: 60 });
  assert.equal(tokenType, 'Bearer');
  assert.equal((await new DiagramClient({ baseUrl: server.url, token }).usage()).user, 'ann');
  for (const prompt of ['A -> B', 'C -> D']) await (await client.generate({ prompt })).finished();
  const page = await client.requests({ status: 'completed', limit: 1 });
  assert.equal(page.requests.length, 1);
  const rest = await client.requests({ limit: 1, cursor: page.next });
  assert.notEqual(rest.requests[0].requestId, page.requests[0].requestId);
  const svg = await client.picture(page.requests[0].requestId, { theme: 'dark' });
  assert.match(await svg.text(), /^<svg/);
  const png = await client.render({ source: 'flowchart TD\n A --> B', format: 'png', width: 100 });
  assert.deepEqual([png.type, new Uint8Array(await png.arrayBuffer())[1]], ['image/png', 0x50]);
  await assert.rejects(client.render({ source: 'flowchart TD\n A[' }), { code: 'not_drawable' });
});

test('an abort ends the submit, before it and within it', async (t) => {
  const server = await Server.start(t);
  const line = await proxy(t, server.url, () => 'silent');
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro') });
  const reason = new Error('enough');
  await assert.rejects(client.generate({ prompt: 'x' }, { signal: AbortSignal.abort(reason) }), (thrown) => thrown === reason);
  assert.deepEqual(line.calls, []);
  const controller = new AbortController();
  const held = new Gate();
  const waiting = new DiagramClient({ baseUrl: line.url, token: 'x', fetch: (...call) => (held.reach(), fetch(...call)) });
  const submit = waiting.generate({ prompt: 'x' }, { signal: controller.signal });
  await held.reached;
  controller.abort(reason);
  await assert.rejects(submit, (thrown) => thrown === reason);
  // Between two attempts too.
  const again = new AbortController();
  const failing = new DiagramClient({ baseUrl: line.url, retryBaseSeconds: 600, retryCapSeconds: 600, fetch: () => (queueMicrotask(() => again.abort(reason)), Promise.reject(new TypeError('down'))) });
  await assert.rejects(failing.generate({ prompt: 'x' }, { signal: again.signal }), (thrown) => thrown === reason);
});

test('with cancelOnAbort, what an aborted submit made is cancelled', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const server = await Server.start(t, model.config);
  const token = server.key('ann', 'pro');
  const controller = new AbortController();
  const cancelled = new Gate();
  const slow = async (...call) => {
    const answer = await fetch(...call);
    if (call[1].method === 'POST') controller.abort();
    if (call[1].method === 'DELETE') cancelled.reach();
    return answer;
  };
  const client = new DiagramClient({ baseUrl: server.url, token, fetch: slow });
  await assert.rejects(client.generate({ prompt: 'x' }, { signal: controller.signal, cancelOnAbort: true }), { name: 'AbortError' });
  await cancelled.reached;
  const { requests } = await new DiagramClient({ baseUrl: server.url, token }).requests();
  assert.deepEqual(requests.map(({ status }) => status), ['cancelled']);
});

test('wrong options are told', () => {
  assert.throws(() => new DiagramClient({ baseUrl: 'http://x', apiKey: 'y' }), /no option apiKey/);
  assert.throws(() => new DiagramClient({ baseUrl: 'http://x', transports: ['pigeon'] }), /not pigeon/);
  assert.throws(() => new DiagramClient(), /needs baseUrl/);
});

test('a path before the API is kept', async () => {
  let asked;
  const client = new DiagramClient({ baseUrl: 'https://x.example/diagrams', fetch: async (url) => ((asked = url), new Response('{}')) });
  await client.usage();
  assert.equal(asked, 'https://x.example/diagrams/api/diagram/usage');
  assert.equal(await client.socketUrl(), 'wss://x.example/diagrams/ws');
});
