/**
 * The client of a diagramd server, for browsers and Node 20 or newer. One file, no dependencies;
 * a server gives this same file at `/client.js`.
 *
 * `DiagramClient` speaks HTTP, `DiagramRequest` is one request that is followed to its end. Live
 * updates come by WebSocket, else as an event stream, else by polling; the last three functions
 * are these, and know nothing of each other.
 */

/** What a request can end as. */
const ENDS = ['completed', 'failed', 'cancelled', 'expired'];

const DEFAULTS = {
  /** Tried in this order. */
  transports: ['websocket', 'sse', 'poll'],
  /** One HTTP call, and the opening of a live connection. */
  timeoutSeconds: 30,
  /** A live connection that says nothing for so long is opened anew. Servers speak every 15 s. */
  silenceSeconds: 45,
  /** Between two polls, and the first and the longest wait before something is tried again. */
  pollSeconds: 2,
  retryBaseSeconds: 0.25,
  retryCapSeconds: 10,
  /** How often a call that may be repeated is sent, the first time included. */
  attempts: 6,
  /** A request that cannot be followed for so long is given up. */
  reconnectSeconds: 600,
};

// ---------------------------------------------------------------------------------------- errors

/** Every error of this client. `code` is stable, `message` says what to do. */
export class DiagramError extends Error {
  constructor(message, { code, cause, ...fields } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    Object.assign(this, fields);
  }
}

/** The server was not reached, did not answer in time, or the connection broke. */
export class NetworkError extends DiagramError {}

/** The server refused: an RFC 9457 problem. `retryAfter` is in seconds. */
export class ProblemError extends DiagramError {}
/** 401: no credential, or not a good one. */
export class AuthenticationError extends ProblemError {}
/** 403: the tier or the role does not allow it. */
export class PermissionError extends ProblemError {}
/** 404: no such request, or another user's. */
export class NotFoundError extends ProblemError {}
/** 409: it has ended already. */
export class ConflictError extends ProblemError {}
/** 400, 413, 415 and 422: what was sent is wrong; `errors` says where. */
export class ValidationError extends ProblemError {}
/** 429: `limit` says which and whose, `retryAfter` how long, `upgrade` which tier lifts it. */
export class LimitError extends ProblemError {}
/** 5xx: later it may work. */
export class UnavailableError extends ProblemError {}

/** The request ended without a diagram. `request` is its status object. */
export class OutcomeError extends DiagramError {}
/** `code` and `retryable` as the server told them. */
export class FailedError extends OutcomeError {}
export class CancelledError extends OutcomeError {}
export class ExpiredError extends OutcomeError {}

const BY_STATUS = {
  400: ValidationError,
  401: AuthenticationError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  413: ValidationError,
  415: ValidationError,
  422: ValidationError,
  429: LimitError,
};

function problemError(status, problem, retryAfter) {
  const Kind = BY_STATUS[status] ?? (status >= 500 ? UnavailableError : ProblemError);
  const { type, title, detail, code, traceId, errors, limit, upgrade } = problem ?? {};
  const message = detail ?? title ?? `The server answered ${status}.`;
  const fields = { status, type, title, detail, traceId, errors, limit, upgrade, retryAfter };
  // Without a problem it was no diagramd that answered, but something in between.
  return new Kind(message, { code: code ?? `http_${status}`, ...fields, isProblem: problem !== undefined });
}

/** Whether the same call may succeed in a moment. */
function passes(error) {
  return error instanceof NetworkError || (error instanceof ProblemError && [408, 500, 502, 503, 504].includes(error.status));
}

/** Whether following stops for good at this error. */
function isFinal(error) {
  if (error instanceof NetworkError) return false;
  if (error instanceof ProblemError) return error.isProblem !== false && error.status < 500 && ![408, 429].includes(error.status);
  return true;
}

// ---------------------------------------------------------------------------------------- client

export class DiagramClient {
  #options;
  #base;
  #credential;

  /** See index.d.ts for every option. */
  constructor({ baseUrl, token, fetch, WebSocket, ticket, ...rest } = {}) {
    const known = Object.keys(DEFAULTS);
    const odd = Object.keys(rest).find((name) => !known.includes(name));
    if (odd !== undefined) throw new TypeError(`DiagramClient has no option ${odd}; it has baseUrl, token, fetch, WebSocket, ticket, ${known.join(', ')}`);
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    this.#options = { ...DEFAULTS, ...Object.fromEntries(given), ticket };
    const wrong = this.#options.transports.find((name) => !(name in TRANSPORTS));
    if (wrong !== undefined || this.#options.transports.length === 0) throw new TypeError(`transports are ${Object.keys(TRANSPORTS).join(', ')}, not ${wrong ?? 'empty'}`);
    this.#base = new URL(baseUrl ?? servedFrom());
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
    this.#credential = token;
    // A browser's fetch must not be called as a method of something else.
    this.fetch = fetch ?? ((...call) => globalThis.fetch(...call));
    this.WebSocket = WebSocket ?? globalThis.WebSocket;
  }

  /**
   * Submits a prompt; resolves once the request is on the server's disk. A submit whose answer is
   * lost is sent again under the same Idempotency-Key, so there is one request however often.
   */
  async generate(body, { signal, idempotencyKey = randomKey(), cancelOnAbort = false } = {}) {
    signal?.throwIfAborted();
    const call = { body, headers: { 'Idempotency-Key': idempotencyKey }, repeatable: true };
    const submit = this.call('POST', 'api/diagram/generate', { ...call, signal: cancelOnAbort ? undefined : signal });
    if (cancelOnAbort && signal) await this.#orCancelled(submit, signal);
    const { value } = await submit;
    return new DiagramRequest(this, this.#options, value, { signal, cancelOnAbort });
  }

  /** A request that was submitted before, or by someone else, by its id: after a reload, say. */
  follow(requestId, { signal, cancelOnAbort = false } = {}) {
    return new DiagramRequest(this, this.#options, { requestId }, { signal, cancelOnAbort });
  }

  /** The status object. */
  status(requestId, options) {
    return this.#get(`api/diagram/status/${encodeURIComponent(requestId)}`, options);
  }

  /** One's own requests, newest first: `{requests, next}`. */
  requests({ status, limit, cursor } = {}, options) {
    const query = new URLSearchParams(Object.entries({ status, limit, cursor }).filter(([, value]) => value !== undefined));
    return this.#get(`api/diagram/requests${query.size ? `?${query}` : ''}`, options);
  }

  /** Ends a request that is queued or running; a ConflictError once it has ended otherwise. */
  async cancel(requestId, options) {
    const path = `api/diagram/cancel/${encodeURIComponent(requestId)}`;
    return (await this.call('DELETE', path, { ...options, repeatable: true })).value;
  }

  /** Limits, tokens and cost of the caller. */
  usage(options) {
    return this.#get('api/diagram/usage', options);
  }

  /** Every template with its variables. */
  async templates(options) {
    return (await this.#get('api/diagram/templates', options)).templates;
  }

  /** The verdict of its language's parser on a source. */
  async validate(body, options) {
    return (await this.call('POST', 'api/diagram/validate', { ...options, body, repeatable: true })).value;
  }

  /** A completed request's picture, a Blob: `{format}` is `svg` or `png`; `{theme}`, and `{width}` of a PNG in pixels. */
  async picture(requestId, { format = 'svg', theme, width } = {}, options) {
    const query = new URLSearchParams(Object.entries({ theme, width }).filter(([, value]) => value !== undefined));
    const path = `api/diagram/${encodeURIComponent(format)}/${encodeURIComponent(requestId)}${query.size ? `?${query}` : ''}`;
    return (await this.call('GET', path, { ...options, repeatable: true, read: blob })).value;
  }

  /** The picture of a source that one has, a Blob. */
  async render(body, options) {
    return (await this.call('POST', 'api/diagram/render', { ...options, body, repeatable: true, read: blob })).value;
  }

  /** A short-lived token for a browser, from an API key: on your server, never in a page. */
  async createToken(body = {}, options) {
    return (await this.call('POST', 'api/auth/token', { ...options, body, repeatable: true })).value;
  }

  async #get(path, options) {
    return (await this.call('GET', path, { ...options, repeatable: true })).value;
  }

  /** An abort while the submit is under way: rejects at once, and cancels what the submit made. */
  async #orCancelled(submit, signal) {
    const aborted = onAbort(signal);
    try {
      await Promise.race([submit, aborted.promise]);
    } catch (reason) {
      if (signal.aborted) submit.then(({ value }) => this.cancel(value.requestId)).catch(() => {});
      throw reason;
    } finally {
      aborted.release();
    }
  }

  /** One call with its repetitions. Internal. */
  async call(method, path, { body, headers, signal, repeatable = false, read = json } = {}) {
    let [renew, renewed] = [false, false];
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, path, { body, headers, signal, renew, read });
      } catch (error) {
        signal?.throwIfAborted();
        renew = false;
        if (error instanceof AuthenticationError && typeof this.#credential === 'function' && !renewed) {
          renew = renewed = true;
          continue;
        }
        const wait = error.retryAfter ?? 0;
        if (!repeatable || !passes(error) || attempt >= this.#options.attempts || wait > this.#options.timeoutSeconds) throw error;
        await pause(Math.max(wait, backoff(attempt, this.#options)), signal);
      }
    }
  }

  async #once(method, path, { body, headers, signal, renew, read }) {
    const answer = await this.open(method, path, { body, headers, signal, renew });
    try {
      const value = answer.response.status === 304 ? undefined : await read(answer.response);
      return { value, response: answer.response };
    } catch (cause) {
      signal?.throwIfAborted();
      throw answer.timedOut()
        ? new NetworkError('The server did not answer in time.', { code: 'timeout', cause })
        : new NetworkError("The server's answer broke off.", { code: 'network', cause });
    } finally {
      answer.release();
    }
  }

  /**
   * The head of a good answer; the body is the caller's, who releases it. The time allowed goes on
   * until `release` or `inTime`. Throws typed errors for all others. Internal.
   */
  async open(method, path, { body, headers, signal, renew = false }) {
    const credential = await this.credential(renew);
    const limit = within(signal, this.#options.timeoutSeconds);
    const init = { method, headers: { ...headers }, signal: limit.signal };
    if (credential) init.headers.Authorization = `Bearer ${credential}`;
    if (body !== undefined) {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    try {
      const response = await this.fetch(new URL(path, this.#base).href, init);
      if (!response.ok && response.status !== 304) throw await refusal(response);
      return { response, ...limit };
    } catch (cause) {
      limit.release();
      signal?.throwIfAborted();
      if (cause instanceof DiagramError) throw cause;
      const message = limit.timedOut() ? 'The server did not answer in time.' : `The server was not reached${globalThis.document ? ', or does not allow this page (server.cors_origins)' : ''}.`;
      throw new NetworkError(message, { code: limit.timedOut() ? 'timeout' : 'network', cause });
    }
  }

  /** The API key or token; `renew`: the last one was refused. Internal. */
  async credential(renew = false) {
    return typeof this.#credential === 'function' ? this.#credential({ renew }) : this.#credential;
  }

  /** Internal. */
  get canRenew() {
    return typeof this.#credential === 'function';
  }

  /** Where the WebSocket is. Internal. */
  async socketUrl() {
    const url = new URL('ws', this.#base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const ticket = await this.#options.ticket?.();
    if (ticket) url.searchParams.set('ticket', ticket);
    return url.href;
  }
}

async function json(response) {
  const text = await response.text();
  return text === '' ? undefined : JSON.parse(text);
}

const blob = (response) => response.blob();

/** A copy served as `/client.js` belongs to the server that served it. */
function servedFrom() {
  if (!/^https?:.*\/client\.js(\?|$)/.test(import.meta.url)) throw new TypeError('DiagramClient needs baseUrl, the address of the diagramd server');
  return new URL('.', import.meta.url);
}

async function refusal(response) {
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  let problem;
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json')) problem = await response.json();
  else await response.body?.cancel();
  return problemError(response.status, problem, Number.isNaN(seconds) ? undefined : seconds);
}

// --------------------------------------------------------------------------------------- request

/**
 * A request that is followed from now to its end. Following begins with the first `finished()` or
 * the first step of `for await`, and all of them share one connection.
 */
export class DiagramRequest {
  #client;
  #options;
  #signal;
  #cancelOnAbort;
  #state;
  #source;
  #readers = new Set();
  #following;
  #stop;
  #last;
  #isAwaited = false;

  /** Made by `generate` and `follow`. */
  constructor(client, options, state, { signal, cancelOnAbort }) {
    this.#client = client;
    this.#options = options;
    this.#signal = signal;
    this.#cancelOnAbort = cancelOnAbort;
    this.#state = state;
    this.#source = state.result ?? '';
    if (ENDS.includes(state.status)) this.#last = { ...ending(state), source: this.#source };
  }

  get requestId() {
    return this.#state.requestId;
  }

  /** The status object as far as it is known. */
  get state() {
    return this.#state;
  }

  /** The diagram's source as far as it is written; the result once it is completed. */
  get source() {
    return this.#source;
  }

  /** Ends the request on the server. */
  cancel(options) {
    return this.#client.cancel(this.requestId, options);
  }

  /** Stops following; the request goes on. What still waits is rejected. */
  close() {
    this.#stop?.abort(new DOMException('The request is not followed any more.', 'AbortError'));
  }

  /** The status object of the completed request; throws an OutcomeError for another end. */
  async finished() {
    this.#isAwaited = true;
    await this.#follow();
    if (this.#last.type === 'completed') return this.#state;
    const { error } = this.#state;
    const fields = { request: this.#state };
    if (this.#last.type === 'cancelled') throw new CancelledError('The request was cancelled.', { code: 'cancelled', ...fields });
    if (this.#last.type === 'expired') throw new ExpiredError('The request was not served before its deadline.', { code: 'expired', ...fields });
    throw new FailedError(error?.message ?? 'The request failed.', { code: error?.code ?? 'failed', retryable: error?.retryable ?? false, ...fields });
  }

  /**
   * Each event, the last one included. Every reader begins with the status as it stands; who reads
   * slowly gets several deltas as one. `event.source` is the whole source so far: show that, and
   * nothing is lost or doubled by a reconnect.
   */
  async *[Symbol.asyncIterator]() {
    const reader = new Reader();
    this.#readers.add(reader);
    try {
      if (this.#last) {
        yield this.#last;
        return;
      }
      if (this.#following) reader.push({ ...this.#state, type: 'subscribed', source: this.#source });
      this.#follow().then(
        () => reader.end(),
        (reason) => reader.end(reason),
      );
      for (let event = await reader.next(); event; event = await reader.next()) yield event;
    } finally {
      this.#readers.delete(reader);
      if (this.#readers.size === 0 && !this.#isAwaited) this.close();
    }
  }

  #follow() {
    if (this.#last) return Promise.resolve();
    if (!this.#following) {
      this.#stop = new AbortController();
      this.#following = this.#run(this.#stop).finally(() => {
        // After an error one may ask again, and it begins anew.
        this.#following = undefined;
      });
      this.#following.catch(() => {});
    }
    return this.#following;
  }

  async #run(stop) {
    const { signal } = stop;
    const outer = this.#signal && onAbort(this.#signal);
    outer?.promise.catch((reason) => stop.abort(reason));
    try {
      this.#signal?.throwIfAborted();
      await this.#connect(signal);
    } catch (reason) {
      if (this.#signal?.aborted && this.#cancelOnAbort) this.cancel().catch(() => {});
      throw reason;
    } finally {
      outer?.release();
    }
  }

  /** Connects until the end is heard, by the first transport that works. */
  async #connect(signal) {
    const names = this.#options.transports.filter((name) => name !== 'websocket' || this.#client.WebSocket);
    if (names.length === 0) throw new TypeError('There is no WebSocket here, and no other transport is allowed');
    let [at, failures, renew, renewedAt] = [0, 0, false, -1];
    let [heard, heardAt] = [0, Date.now()];
    while (!this.#last) {
      const before = heard;
      const hear = (message) => {
        if (heard === before) this.#publish({ type: 'connection', state: 'open', transport: names[at] });
        heard += 1;
        heardAt = Date.now();
        this.#hear(message);
        return this.#last !== undefined;
      };
      let lost;
      try {
        await TRANSPORTS[names[at]]({ client: this.#client, options: this.#options, requestId: this.requestId, signal, hear, renew });
        continue;
      } catch (error) {
        signal.throwIfAborted();
        lost = error;
      }
      renew = lost instanceof AuthenticationError && this.#client.canRenew && renewedAt !== heard;
      if (renew) renewedAt = heard;
      else if (isFinal(lost)) throw lost;
      if (heard === before && !renew) {
        // It never worked: the next one at once.
        at = (at + 1) % names.length;
        if (at !== 0) continue;
      }
      failures = heard === before ? failures + 1 : 1;
      if (Date.now() - heardAt > this.#options.reconnectSeconds * 1000) throw lost;
      const seconds = Math.max(lost.retryAfter ?? 0, backoff(failures, this.#options));
      this.#publish({ type: 'connection', state: 'lost', transport: names[at], retryInSeconds: seconds, error: lost });
      await pause(seconds, signal);
    }
  }

  #hear(message) {
    const { type, seq, partialResult, ...fields } = message;
    if (type === 'subscribed') {
      this.#state = fields;
      this.#source = fields.result ?? partialResult ?? '';
    } else if (type === 'position') {
      // What is not paused does not say so.
      this.#state = { ...this.#state, paused: undefined, ...fields };
    } else if (type === 'processing') {
      const { position, estimatedWaitSeconds, paused, retryAt, ...rest } = this.#state;
      this.#state = { ...rest, status: 'processing', model: fields.model };
      this.#source = '';
    } else if (type === 'delta') {
      this.#source += fields.text;
    } else if (type === 'retrying') {
      this.#state = { ...this.#state, status: 'queued', retryAt: fields.retryAt };
    } else if (ENDS.includes(type)) {
      const { position, estimatedWaitSeconds, paused, retryAt, ...rest } = this.#state;
      this.#state = { ...rest, ...fields, status: type };
      this.#source = fields.result ?? this.#source;
      this.#last = { ...message, source: this.#source };
    }
    this.#publish(message);
  }

  #publish(message) {
    const event = { ...message, requestId: this.requestId, source: this.#source };
    for (const reader of this.#readers) reader.push(event);
  }
}

/** The last event of a request whose end is read from its status object. */
function ending({ status, requestId, result, title, validation, usage, cached, links, error }) {
  if (status === 'completed') return { type: status, requestId, result, title, validation, usage, cached, links };
  return status === 'failed' ? { type: status, requestId, error } : { type: status, requestId };
}

/** Events that wait for a reader. Each says the whole source so far, so the oldest may go. */
const EVENTS_MAX = 256;

/** What one `for await` has yet to read. It stays short however slow the reader is. */
class Reader {
  #events = [];
  #isOver = false;
  #reason;
  #wake;

  push(event) {
    const last = this.#events.at(-1);
    if (event.type === 'delta' && last?.type === 'delta') this.#events[this.#events.length - 1] = { ...event, text: last.text + event.text };
    else if (['position', 'connection', 'subscribed'].includes(event.type) && last?.type === event.type) this.#events[this.#events.length - 1] = event;
    else this.#events.push(event);
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
    this.#wake?.();
  }

  end(reason) {
    this.#isOver = true;
    this.#reason = reason;
    this.#wake?.();
  }

  async next() {
    while (this.#events.length === 0) {
      if (this.#reason !== undefined) throw this.#reason;
      if (this.#isOver) return undefined;
      await new Promise((resolve) => (this.#wake = resolve));
    }
    return this.#events.shift();
  }
}

// ------------------------------------------------------------------------------------ transports

/** Each resolves when the end was heard, and throws what ended the connection before. */
const TRANSPORTS = { websocket: overWebSocket, sse: overEventStream, poll: overPolling };

async function overWebSocket({ client, options, requestId, signal, hear, renew }) {
  const credential = await client.credential(renew);
  const url = await client.socketUrl();
  signal.throwIfAborted();
  let socket;
  try {
    socket = new client.WebSocket(url);
  } catch (cause) {
    // The page's own policy forbids it, say.
    throw new NetworkError('The WebSocket cannot be opened here.', { code: 'network', cause });
  }
  // A half-open connection is found by asking: the server answers a ping.
  let isAsked = false;
  const quiet = alarm(options.timeoutSeconds, () => {
    if (isAsked || socket.readyState !== 1) return false;
    socket.send('{"type":"ping"}');
    isAsked = true;
    return true;
  });
  const aborted = onAbort(signal);
  const closed = new Promise((resolve, reject) => {
    socket.onopen = () => {
      if (credential) socket.send(JSON.stringify({ type: 'auth', token: credential }));
      socket.send(JSON.stringify({ type: 'subscribe', requestId }));
    };
    socket.onmessage = ({ data }) => {
      isAsked = false;
      quiet.set(options.silenceSeconds / 2);
      try {
        const message = JSON.parse(data);
        if (message.type === 'error') reject(refusedLive(message));
        else if (message.requestId === requestId && hear(message)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    // A close follows, or has come; Node's `ws` throws without a listener.
    socket.onerror = () => reject(new NetworkError('The WebSocket failed.', { code: 'network' }));
    socket.onclose = ({ code }) =>
      reject(
        code === 1008
          ? problemError(401, { code: 'unauthorized', detail: 'The credential is not good any more.' })
          : new NetworkError(`The WebSocket closed (${code}).`, { code: 'network' }),
      );
  });
  try {
    await Promise.race([closed, aborted.promise, quiet.promise]);
  } finally {
    quiet.clear();
    aborted.release();
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {};
    closed.catch(() => {});
    socket.close();
  }
}

async function overEventStream({ client, options, requestId, signal, hear, renew }) {
  const path = `api/diagram/events/${encodeURIComponent(requestId)}`;
  const stream = await client.open('GET', path, { headers: { Accept: 'text/event-stream' }, signal, renew });
  const quiet = alarm(options.silenceSeconds);
  const reader = stream.response.body.getReader();
  const decoder = new TextDecoder();
  stream.inTime();
  let text = '';
  try {
    if (!stream.response.headers.get('Content-Type')?.startsWith('text/event-stream')) throw new NetworkError('This is no event stream.', { code: 'network' });
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), quiet.promise]);
      if (done) throw new NetworkError('The event stream ended early.', { code: 'network' });
      quiet.set(options.silenceSeconds);
      text += decoder.decode(value, { stream: true });
      const events = text.split(/\r?\n\r?\n/);
      text = events.pop();
      for (const event of events) {
        const data = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
        if (data.length === 0) continue;
        const message = JSON.parse(data.map((line) => line.slice(5).trimStart()).join('\n'));
        if (message.type === 'error') throw refusedLive(message);
        if (hear(message)) return;
      }
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof DiagramError ? cause : new NetworkError('The event stream broke off.', { code: 'network', cause });
  } finally {
    quiet.clear();
    reader.cancel().catch(() => {});
    stream.release();
  }
}

async function overPolling({ client, options, requestId, signal, hear, renew }) {
  const path = `api/diagram/status/${encodeURIComponent(requestId)}`;
  let etag;
  // The first call renews a credential, if that is wanted, by the same way as any other call.
  if (renew) await client.credential(true);
  for (;;) {
    const headers = etag ? { 'If-None-Match': etag } : {};
    const { value, response } = await client.call('GET', path, { headers, signal });
    if (response.status !== 304) {
      etag = response.headers.get('ETag');
      hear({ ...value, type: 'subscribed' });
      if (ENDS.includes(value.status)) {
        hear(ending(value));
        return;
      }
    }
    await pause(options.pollSeconds, signal);
  }
}

/** An `error` message as the error that HTTP would have given. */
function refusedLive({ code, message, retryAfterSeconds }) {
  const status = { unauthorized: 401, forbidden: 403, not_found: 404, rate_limited: 429, unavailable: 503 }[code] ?? 400;
  return problemError(status, { code, detail: message }, retryAfterSeconds);
}

// ------------------------------------------------------------------------------------------ time

/** Seconds before the next attempt: exponential with full jitter. */
function backoff(attempt, { retryBaseSeconds, retryCapSeconds }) {
  return Math.random() * Math.min(retryCapSeconds, retryBaseSeconds * 2 ** Math.min(attempt, 16));
}

/** Waits, unless the signal ends it. */
async function pause(seconds, signal) {
  const aborted = signal && onAbort(signal);
  let timer;
  const over = new Promise((resolve) => (timer = setTimeout(resolve, seconds * 1000)));
  try {
    await (aborted ? Promise.race([over, aborted.promise]) : over);
  } finally {
    clearTimeout(timer);
    aborted?.release();
  }
}

/** Rejects when the signal is aborted; to be released, so that long-lived signals keep nothing. */
function onAbort(signal) {
  let abort;
  const promise = new Promise((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  promise.catch(() => {});
  return { promise, release: () => signal.removeEventListener('abort', abort) };
}

/** A signal that ends with another or after a time; the time ends with `inTime`. */
function within(signal, seconds) {
  const controller = new AbortController();
  let isOver = false;
  const abort = () => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort(new DOMException('The server did not answer in time.', 'TimeoutError'));
  }, seconds * 1000);
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  const inTime = () => clearTimeout(timer);
  const release = () => {
    inTime();
    signal?.removeEventListener('abort', abort);
  };
  return { signal: controller.signal, timedOut: () => isOver, inTime, release };
}

/** Rejects when nobody set it anew for so long, unless `ask` asks for a sign of life: then after as long again. */
function alarm(seconds, ask = () => false) {
  let [timer, ring, last] = [undefined, undefined, seconds];
  const promise = new Promise((_, reject) => {
    ring = () => (ask() ? set(last) : reject(new NetworkError('The server said nothing for too long.', { code: 'timeout' })));
  });
  promise.catch(() => {});
  const clear = () => clearTimeout(timer);
  const set = (next) => {
    clear();
    last = next;
    timer = setTimeout(ring, next * 1000);
  };
  set(seconds);
  return { promise, set, clear };
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
