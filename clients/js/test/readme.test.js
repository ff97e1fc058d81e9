/** The sample of README.md is ten lines, and does what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DiagramClient, LimitError } from '../index.js';
import { Server } from './support/server.js';

test('the ten lines of the README are the whole flow', async (t) => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const sample = /runs this\. -->\n```js\n([^]*?)```/.exec(readme)[1];
  assert.equal(sample.trim().split('\n').length, 10);
  assert.ok(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8').includes(sample), "the project's README shows the same");
  const AsyncFunction = (async () => {}).constructor;
  const flow = new AsyncFunction('DiagramClient', 'LimitError', 'baseUrl', 'token', 'show', 'done', 'refuse', sample);

  const server = await Server.start(t, '[tiers.free]\nrequests_per_hour = 1\n');
  const token = server.key('ann', 'free');
  const [shown, done, refused] = [[], [], []];
  const run = () => flow(DiagramClient, LimitError, server.url, token, (...all) => shown.push(all), (...all) => done.push(all), (...all) => refused.push(all));
  await run();
  assert.equal(shown.at(-1)[0], 'completed');
  assert.equal(shown.at(-1)[2], done[0][0]);
  assert.equal(done[0][2], 'valid');
  await run();
  assert.equal(done.length, 1);
  const [[message, limit, retryAfter, upgrade]] = refused;
  assert.ok(message && limit.name === 'hour' && retryAfter > 0 && upgrade.tier === 'basic');
  await assert.rejects(flow(DiagramClient, LimitError, server.url, 'dk_wrong'), { name: 'AuthenticationError' });
});
