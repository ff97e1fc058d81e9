import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

const server = createServer(async (request, response) => {
  request.setEncoding('utf8');
  let body = '';
  for await (const piece of request) body += piece;
  let message;
  try {
    message = webhook.verify(body, request.headers);
  } catch {
    return response.writeHead(401).end();
  }
  // A message may come twice: with the same id. Do the work after the answer, or the sender waits.
  console.log(request.headers['webhook-id'], message.type, message.data.requestId);
  response.writeHead(204).end();
});
server.listen(process.env.PORT ?? 8080, () => console.log('listening on', server.address().port));
