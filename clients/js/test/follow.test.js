/** Following a request to its end, over bad lines and over a server that is killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { DiagramClient } from '../index.js';
import { proxy } from './support/proxy.js';
import { Server } from './support/server.js';
import { Gate, SOURCE, upstream } from './support/upstream.js';

const QUICK = { retryBaseSeconds: 0.001, retryCapSeconds: 0.01, pollSeconds: 0.01 };
const TRANSPORTS = ['websocket', 'sse', 'poll'];

/** Reads on until an event of this type, or until there is some `source`; returns what came. */
async function until(events, type) {
  const seen = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`it ended before ${type}: ${seen.map((event) => event.type)}`);
    seen.push(value);
    if (value.type === type || (type === 'source' && value.source !== '')) return seen;
  }
}

/** Every later event extends what was shown, but for `processing`, which begins anew. */
function assertGrows(events) {
  let shown = '';
  for (const { type, source } of events) {
    if (type !== 'processing' && type !== 'subscribed' && type !== 'connection') assert.ok(source.startsWith(shown.trimEnd()), `${type}: ${JSON.stringify(source)} after ${JSON.stringify(shown)}`);
    assert.ok(SOURCE.startsWith(source.trimEnd()), JSON.stringify(source));
    shown = source;
  }
  assert.equal(shown, SOURCE);
}

async function rest(events) {
  const seen = [];
  for await (const event of events) seen.push(event);
  return seen;
}

for (const transport of TRANSPORTS) {
  test(`${transport}: the whole flow, from the place in the queue to the result`, async (t) => {
    const gate = new Gate();
    const model = await upstream(t, { midway: gate });
    const server = await Server.start(t, model.config);
    const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), WebSocket, transports: [transport], ...QUICK });
    const request = await client.generate({ prompt: 'an order', metadata: { page: 7 } });
    assert.equal(request.state.status, 'queued');
    assert.equal(request.state.position, 1);
    const events = request[Symbol.asyncIterator]();
    const first = await until(events, 'subscribed');
    assert.deepEqual(first.map(({ type, state }) => [type, state].join()), ['connection,open', 'subscribed,']);
    await gate.reached;
    gate.open();
    const [seen, done] = await Promise.all([rest(events), request.finished()]);
    assertGrows([...first, ...seen]);
    const last = seen.at(-1);
    assert.deepEqual([last.type, last.result, last.source], ['completed', SOURCE, SOURCE]);
    assert.equal(seen.filter(({ type }) => type === 'completed').length, 1);
    assert.deepEqual([done.status, done.result, done.metadata.page, done.validation.status, done.position], ['completed', SOURCE, 7, 'valid', undefined]);
    assert.equal(done.usage.inputTokens, 10);
    assert.equal(request.source, SOURCE);
    if (transport !== 'poll') {
      const text = seen.filter(({ type }) => type === 'delta').map(({ text }) => text).join('');
      assert.ok(text.length > 0 && SOURCE.includes(text.trim()), text);
    }
  });

  test(`${transport}: a kill -9 in the middle of the source, and nothing is lost or doubled`, async (t) => {
    const [gate, second] = [new Gate(), new Gate()];
    const model = await upstream(t, { midway: gate }, { midway: second });
    const server = await Server.start(t, model.config);
    const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), WebSocket, transports: [transport], ...QUICK });
    const request = await client.generate({ prompt: 'an order' });
    const events = request[Symbol.asyncIterator]();
    const before = await until(events, transport === 'poll' ? 'subscribed' : 'source');
    await gate.reached;
    await server.kill();
    const lost = await until(events, 'connection');
    assert.equal(lost.at(-1).state, 'lost');
    await server.start();
    await second.reached;
    second.open();
    gate.open();
    const after = await rest(events);
    assertGrows([...before, ...lost, ...after]);
    assert.equal(after.filter(({ type }) => type === 'completed').length, 1);
    assert.equal((await request.finished()).result, SOURCE);
    assert.equal(model.calls, 2);
  });

  test(`${transport}: a connection lost in the middle of the source resumes where it stands`, async (t) => {
    const gate = new Gate();
    const model = await upstream(t, { midway: gate });
    const server = await Server.start(t, model.config);
    const line = await proxy(t, server.url, () => 'pass');
    const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), WebSocket, transports: [transport], ...QUICK });
    const request = await client.generate({ prompt: 'an order' });
    const events = request[Symbol.asyncIterator]();
    const before = await until(events, transport === 'poll' ? 'subscribed' : 'source');
    await gate.reached;
    line.cut();
    if (transport !== 'poll') {
      const again = await until(events, 'subscribed');
      assert.ok(again.at(-1).source.length > 0, 'what was written is there at once');
      before.push(...again);
    }
    gate.open();
    assertGrows([...before, ...(await rest(events))]);
    assert.equal(model.calls, 1);
  });

  test(`${transport}: an abort stops the following at once, and the request goes on`, async (t) => {
    const gate = new Gate();
    const model = await upstream(t, { midway: gate });
    const server = await Server.start(t, model.config);
    const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), WebSocket, transports: [transport], ...QUICK });
    const controller = new AbortController();
    const request = await client.generate({ prompt: 'an order' }, { signal: controller.signal });
    const events = request[Symbol.asyncIterator]();
    await until(events, 'subscribed');
    const finished = request.finished();
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(finished, (thrown) => thrown === reason);
    await assert.rejects(rest(events), (thrown) => thrown === reason);
    await gate.reached;
    gate.open();
    assert.equal((await client.follow(request.requestId).finished()).result, SOURCE);
  });

  test(`${transport}: other ends are typed errors, and the last event says the same`, async (t) => {
    const gate = new Gate();
    const model = await upstream(t, { status: 400 }, { before: gate });
    const server = await Server.start(t, model.config);
    const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), WebSocket, transports: [transport], ...QUICK });
    const failed = await client.generate({ prompt: 'x' });
    await assert.rejects(failed.finished(), { name: 'FailedError', code: 'upstream_rejected', retryable: false });
    assert.equal((await rest(failed)).at(-1).type, 'failed');
    const cancelled = await client.generate({ prompt: 'y' });
    const events = cancelled[Symbol.asyncIterator]();
    await until(events, 'subscribed');
    await gate.reached;
    assert.equal((await cancelled.cancel()).status, 'cancelled');
    assert.equal((await rest(events)).at(-1).type, 'cancelled');
    await assert.rejects(cancelled.finished(), (error) => error.name === 'CancelledError' && error.request.status === 'cancelled');
    assert.equal((await cancelled.cancel()).status, 'cancelled', 'and again');
  });

  test(`${transport}: a request that is not there, and a credential that is not good`, async (t) => {
    const server = await Server.start(t, '[server]\nwebsocket_require_auth = true\n');
    const options = { baseUrl: server.url, WebSocket, transports: [transport], ...QUICK };
    const client = new DiagramClient({ ...options, token: server.key('ann', 'pro') });
    await assert.rejects(client.follow(`req_${'0'.repeat(32)}`).finished(), { name: 'NotFoundError', code: 'not_found' });
    const { requestId } = await client.generate({ prompt: 'A -> B' });
    for (const token of [undefined, 'dk_wrong']) await assert.rejects(new DiagramClient({ ...options, token }).follow(requestId).finished(), { name: 'AuthenticationError', code: 'unauthorized' });
    const good = server.key('ann', 'pro');
    const renewing = new DiagramClient({ ...options, token: ({ renew }) => (renew ? good : 'dk_old') });
    assert.equal((await renewing.follow(requestId).finished()).status, 'completed');
  });
}

test('transports are tried in their order, and the one that works is kept', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { midway: gate });
  const server = await Server.start(t, model.config);
  const token = server.key('ann', 'pro');
  const { requestId } = await new DiagramClient({ baseUrl: server.url, token }).generate({ prompt: 'x' });
  for (const [broken, expected] of [
    [[], ['websocket']],
    [['websocket'], ['websocket', 'sse']],
    [['websocket', 'sse'], ['websocket', 'sse', 'poll']],
  ]) {
    for (const verdict of ['break', 'html', 'silent', 'frozen']) {
      const kind = (name) => (name === 'websocket' ? name : name.includes('/events/') ? 'sse' : 'poll');
      const line = await proxy(t, server.url, (name) => (broken.includes(kind(name)) ? verdict : 'pass'));
      // A frozen event stream has begun; its silence is what ends it.
      const client = new DiagramClient({ baseUrl: line.url, token, WebSocket, timeoutSeconds: 0.5, silenceSeconds: 0.5, ...QUICK });
      const request = client.follow(requestId);
      for await (const event of request) {
        if (event.type !== 'connection' || event.state !== 'open') continue;
        assert.equal(event.transport, expected.at(-1), `${broken} ${verdict}`);
        break;
      }
      assert.deepEqual([...new Set(line.calls.map(kind))], expected, `${broken} ${verdict}`);
    }
  }
  gate.open();
});

test('a quiet WebSocket is asked for a sign of life, and one that answers is kept', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const server = await Server.start(t, model.config);
  const line = await proxy(t, server.url, () => 'pass');
  const answered = new Gate();
  let pongs = 0;
  class Counted extends WebSocket {
    constructor(url) {
      super(url);
      this.on('message', (data) => data.toString().includes('"pong"') && ++pongs === 3 && answered.reach());
    }
  }
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), WebSocket: Counted, silenceSeconds: 0.4, ...QUICK });
  const request = await client.generate({ prompt: 'x' });
  const finished = request.finished();
  await answered.reached;
  gate.open();
  assert.equal((await finished).result, SOURCE);
  assert.deepEqual(line.calls, ['POST /api/diagram/generate', 'websocket']);
});

test('a page whose policy forbids WebSockets gets the event stream', async (t) => {
  const server = await Server.start(t);
  function Forbidden() {
    throw new DOMException('blocked', 'SecurityError');
  }
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), WebSocket: Forbidden, ...QUICK });
  const request = await client.generate({ prompt: 'A -> B' });
  const opened = (await rest(request)).filter(({ type }) => type === 'connection');
  assert.deepEqual(opened.map(({ transport }) => transport), ['sse']);
});

test('without a WebSocket, as in Node 20, the event stream is the first', async (t) => {
  const server = await Server.start(t);
  const line = await proxy(t, server.url, () => 'pass');
  const kept = globalThis.WebSocket;
  t.after(() => (kept ? (globalThis.WebSocket = kept) : delete globalThis.WebSocket));
  delete globalThis.WebSocket;
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), ...QUICK });
  assert.equal((await (await client.generate({ prompt: 'A -> B' })).finished()).status, 'completed');
  assert.deepEqual(line.calls, ['POST /api/diagram/generate', 'GET /api/diagram/events/ID']);
  const only = new DiagramClient({ baseUrl: line.url, transports: ['websocket'] });
  await assert.rejects(only.follow('req_x').finished(), /no WebSocket here/);
});

test('a ticket opens the WebSocket of a page that has no token', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { midway: gate });
  const server = await Server.start(t, `[server]\nwebsocket_require_auth = true\n${model.config}`);
  const token = server.key('ann', 'pro');
  const { requestId } = await new DiagramClient({ baseUrl: server.url, token }).generate({ prompt: 'x' });
  const ticket = async () => (await (await fetch(`${server.url}/api/auth/ws-ticket`, { method: 'POST', headers: { 'X-API-Key': token } })).json()).ticket;
  const client = new DiagramClient({ baseUrl: server.url, ticket, WebSocket, transports: ['websocket'], ...QUICK });
  const request = client.follow(requestId);
  gate.open();
  assert.equal((await request.finished()).result, SOURCE);
});

test('polling sends the entity tag and reads nothing twice', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const server = await Server.start(t, model.config);
  const statuses = [];
  const unchanged = new Gate();
  const counted = async (...call) => {
    const answer = await fetch(...call);
    statuses.push(answer.status);
    if (statuses.filter((status) => status === 304).length === 3) unchanged.reach();
    return answer;
  };
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), transports: ['poll'], fetch: counted, ...QUICK });
  const request = await client.generate({ prompt: 'x' });
  const events = rest(request);
  await gate.reached;
  await unchanged.reached;
  gate.open();
  await request.finished();
  const told = (await events).filter(({ type }) => type === 'subscribed').length;
  assert.equal(told, statuses.slice(1).filter((status) => status === 200).length);
});

test('a server that cannot be reached for too long is given up', async (t) => {
  const line = await proxy(t, 'http://127.0.0.1:9', () => 'break');
  const client = new DiagramClient({ baseUrl: line.url, token: 'x', WebSocket, reconnectSeconds: 0.05, attempts: 1, ...QUICK });
  await assert.rejects(client.follow('req_x').finished(), { name: 'NetworkError' });
  assert.ok(line.calls.length >= 3, 'each way was tried');
});

test('cancelOnAbort ends the request on the server too', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const server = await Server.start(t, model.config);
  const client = new DiagramClient({ baseUrl: server.url, token: server.key('ann', 'pro'), ...QUICK });
  const controller = new AbortController();
  const request = await client.generate({ prompt: 'x' }, { signal: controller.signal, cancelOnAbort: true });
  const watched = client.follow(request.requestId).finished();
  const finished = request.finished();
  await gate.reached;
  controller.abort();
  await assert.rejects(finished, { name: 'AbortError' });
  await assert.rejects(watched, { name: 'CancelledError' });
});

test('several readers share one connection, and a slow one reads a short list', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { midway: gate });
  const server = await Server.start(t, model.config);
  const line = await proxy(t, server.url, () => 'pass');
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), WebSocket, ...QUICK });
  const request = await client.generate({ prompt: 'x' });
  const quick = request[Symbol.asyncIterator]();
  await until(quick, 'subscribed');
  const slow = request[Symbol.asyncIterator]();
  assert.equal((await slow.next()).value.type, 'subscribed');
  await gate.reached;
  gate.open();
  const fast = await rest(quick);
  const late = await rest(slow);
  assert.deepEqual(line.calls, ['POST /api/diagram/generate', 'websocket']);
  const text = (events) => events.filter(({ type }) => type === 'delta').map((event) => event.text).join('');
  assert.equal(text(late), text(fast));
  assert.ok(late.filter(({ type }) => type === 'delta').length <= 2);
  assert.equal((await rest(request)).length, 1, 'who comes after the end hears the end');
});

test('who leaves closes the connection', async (t) => {
  const gate = new Gate();
  const model = await upstream(t, { before: gate });
  const server = await Server.start(t, model.config);
  const line = await proxy(t, server.url, () => 'pass');
  const client = new DiagramClient({ baseUrl: line.url, token: server.key('ann', 'pro'), WebSocket, ...QUICK });
  const request = await client.generate({ prompt: 'x' });
  for await (const event of request) if (event.type === 'subscribed') break;
  await line.empty();
  request.finished().catch(() => {});
  for await (const event of request) if (event.type === 'subscribed') break;
  request.close();
  await assert.rejects(request.finished(), { name: 'AbortError' });
  await line.empty();
});
