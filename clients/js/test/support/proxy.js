/** A proxy that does to calls what bad networks do to them. */
import { once } from 'node:events';
import { createServer, request as call } from 'node:http';
import { connect } from 'node:net';

/**
 * `judge(call, sockets)` says what happens to each: `pass`, `lose` (it is served, its answer lost),
 * `break` (the connection is cut at once), `silent` (no answer ever), `html` (a stranger's 404), `frozen`
 * (half of the answer's first bytes, then nothing).
 */
export async function proxy(t, target, judge) {
  const { hostname, port } = new URL(target);
  const proxy = { calls: [], sockets: new Set() };
  const seen = (request) => {
    const name = request.headers.upgrade ? 'websocket' : `${request.method} ${request.url.replace(/req_\w+/, 'ID')}`;
    proxy.calls.push(name);
    return judge(name, proxy.calls.length);
  };
  const server = createServer((request, response) => {
    const verdict = seen(request);
    if (verdict === 'break') return response.socket.destroy();
    if (verdict === 'html') return response.writeHead(404, { 'Content-Type': 'text/html' }).end('<h1>no</h1>');
    if (verdict === 'silent') return undefined;
    const onward = call({ hostname, port, path: request.url, method: request.method, headers: request.headers, agent: false }, (answer) => {
      if (verdict === 'lose') {
        answer.resume().on('end', () => response.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode, answer.headers);
      if (verdict === 'frozen') answer.once('data', (bytes) => response.write(bytes.subarray(0, bytes.length / 2)));
      else answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.socket?.destroy());
    response.on('close', () => onward.destroy());
    return request.pipe(onward);
  });
  server.on('upgrade', (request, socket, head) => {
    const verdict = seen(request);
    proxy.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => proxy.sockets.delete(socket));
    if (verdict === 'break') return socket.destroy();
    if (verdict === 'html') return socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    if (verdict === 'silent') return undefined;
    const onward = connect(port, hostname);
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    onward.write(`${lines.join('\r\n')}\r\n\r\n`);
    onward.write(head);
    if (verdict === 'frozen') {
      // The handshake and one way only.
      onward.once('data', (bytes) => socket.write(bytes));
      socket.resume();
    } else onward.pipe(socket).pipe(onward);
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    return socket.on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of proxy.sockets) socket.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  /** Breaks every connection there is. */
  proxy.cut = () => {
    for (const socket of proxy.sockets) socket.destroy();
    server.closeAllConnections();
  };
  /** Once no WebSocket is open. */
  proxy.empty = async () => {
    for (const socket of [...proxy.sockets]) if (!socket.closed) await once(socket, 'close');
  };
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  return proxy;
}
