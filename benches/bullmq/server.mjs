// The peer: accepts the same body, answers 202 once Redis (syncing every write) has the job.
// node server.mjs /path/of/redis.sock; prints its port.
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import express from 'express';
import IORedis from 'ioredis';

const redis = new IORedis({ path: process.argv[2], maxRetriesPerRequest: null });
const queue = new Queue('diagrams', { connection: redis });
await queue.waitUntilReady();
await queue.pause();

const app = express();
app.use(express.json({ limit: '256kb' }));
app.post('/api/diagram/generate', async (request, response) => {
  const requestId = randomUUID();
  await queue.add('generate', request.body, { jobId: requestId });
  response.status(202).json({ requestId, status: 'queued' });
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
