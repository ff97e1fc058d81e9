/** A real diagramd of a test's own: own directory, own port, killed at the test's end. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const BINARY = process.env.DIAGRAMD_BINARY;
if (!BINARY) throw new Error('DIAGRAMD_BINARY names no binary; run tests/clients/run');
// Variables that begin with DIAGRAMD_ are the server's own, and it refuses those that it does not know.
const { DIAGRAMD_BINARY, ANTHROPIC_API_KEY, ...INHERITED } = process.env;
const env = { ...INHERITED, DIAGRAMD_LOG__FORMAT: 'json' };

export class Server {
  #child;
  #dir = mkdtempSync(join(tmpdir(), 'diagramd-client-'));
  #listen = '127.0.0.1:0';

  #flags = [];
  #printed = '';

  /** Starts with this configuration file and these flags; `t` is the test, which ends it. */
  static async start(t, config = '', ...flags) {
    const server = new Server();
    server.#flags = flags;
    t.after(async () => {
      await server.kill();
      rmSync(server.#dir, { recursive: true });
    });
    writeFileSync(join(server.#dir, 'config.toml'), config);
    await server.start();
    return server;
  }

  /** Starts again, at the address of the first time. */
  async start() {
    const args = ['serve', '--config', 'config.toml', '--data-dir', 'data', '--listen', this.#listen, ...this.#flags];
    const child = spawn(BINARY, args, { cwd: this.#dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdout.on('data', (text) => (this.#printed += text));
    const lines = createInterface({ input: child.stderr });
    const seen = [];
    this.url = await new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error(`it did not start:\n${seen.join('\n')}`)));
      lines.on('line', (line) => {
        if (seen.length < 50) seen.push(line);
        const address = /"address":"([^"]+)"/.exec(line)?.[1];
        if (address) resolve(address);
      });
    });
    this.#listen = new URL(this.url).host;
  }

  /** `kill -9`. */
  async kill() {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** The database. */
  get database() {
    return join(this.#dir, 'data', 'diagramd.db');
  }

  /** The newest sign-in link that it has printed, once it has. */
  async printedLink() {
    for (;;) {
      const links = this.#printed.match(/\S+#link=\S+(?=\n)/g);
      if (links) return links.at(-1);
      await once(this.#child.stdout, 'data');
    }
  }

  /** What a verb on its data directory prints; `input` is its standard input. */
  run(verb, input = '') {
    const args = [...verb, '--data-dir', join(this.#dir, 'data')];
    return execFileSync(BINARY, args, { cwd: this.#dir, env, input, stdio: ['pipe', 'pipe', 'pipe'] }).toString().trim();
  }

  /** A new key. */
  key(user, tier, ...more) {
    return this.verb('key', 'create', '--user', user, '--tier', tier, ...more);
  }

  /** What a verb of the command line prints, on this server's data. */
  verb(...args) {
    const all = [...args, '--data-dir', join(this.#dir, 'data')];
    return execFileSync(BINARY, all, { cwd: this.#dir, env, stdio: ['ignore', 'pipe', 'pipe'] }).toString().trim();
  }
}
