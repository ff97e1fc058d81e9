/** Serves this folder's page and the client beside it: `node example/serve.js [PORT]`. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const FILES = { '/example/': 'example/index.html', '/index.js': 'index.js' };
const KINDS = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8' };

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://page');
  if (pathname === '/') return response.writeHead(302, { Location: '/example/' }).end();
  const file = FILES[pathname];
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { 'Content-Type': KINDS[file.split('.').pop()] });
  return response.end(await readFile(new URL(`../${file}`, import.meta.url)));
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  console.log(`${origin}/example/`);
  console.log(`The server must allow this page: DIAGRAMD_SERVER__CORS_ORIGINS='["${origin}"]' diagramd serve --dev`);
});
