/** A scripted model that speaks as OpenAI-compatible servers do, and waits where a test says so. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export const SOURCE = 'flowchart TD\n    A[Cart] --> B{Paid?}\n    B -- yes --> C[Ship]\n    B -- no --> D[Remind]';

/** Holds who passes until it is opened. `reached` resolves when somebody stands before it. */
export class Gate {
  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
    this.reached = new Promise((resolve) => (this.reach = resolve));
  }
  pass() {
    this.reach();
    return this.opened;
  }
}

/** `answers` are taken in turn: `{source, atOnce, midway}`, each a gate or nothing; or `{status}`. */
export async function upstream(t, ...answers) {
  const server = createServer(async (request, response) => {
    request.resume();
    await once(request, 'end');
    if (request.method !== 'POST') return response.writeHead(404).end();
    upstream.calls += 1;
    const { source = SOURCE, before, midway, status } = answers.shift() ?? {};
    await before?.pass();
    if (status) {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      return response.end(JSON.stringify({ error: { message: 'scripted', type: 'invalid_request_error' } }));
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const say = (choice, more = {}) => response.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'm', choices: choice ? [{ index: 0, ...choice }] : [], ...more })}\n\n`);
    const pieces = ['```mermaid\n', ...source.match(/[^]{1,9}/g), '\n```\n'];
    for (const [place, content] of pieces.entries()) {
      if (place === Math.ceil(pieces.length / 2)) await midway?.pass();
      say({ delta: { content } });
    }
    say({ delta: {}, finish_reason: 'stop' });
    say(undefined, { usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } });
    return response.end('data: [DONE]\n\n');
  });
  const upstream = { calls: 0 };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  upstream.config = `[[upstreams]]\nname = "main"\nkind = "openai"\nbase_url = "http://127.0.0.1:${server.address().port}/v1"\nmodel = "m"\nrequests_per_minute = 1000\ntokens_per_minute = 0\n[queue]\nretry_base = "10ms"\n[generation]\ncoalesce = false\n[cache]\nenabled = false\n`; // the same prompt is a call each time
  return upstream;
}
