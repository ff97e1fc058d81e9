/** The diagram languages. */
export type DiagramType = 'mermaid' | 'graphviz' | 'plantuml' | 'd2';
/** Where a request stands. */
export type Status = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'expired';
/** How live updates come. */
export type Transport = 'websocket' | 'sse' | 'poll';

/** A place in a source, counted from 1; 0 is unknown. */
export interface SourceError {
  line: number;
  column: number;
  message: string;
}
export interface Validation {
  status: 'valid' | 'repaired' | 'unchecked' | 'invalid';
  errors: SourceError[];
  mends?: unknown[];
}
/** Tokens, and US dollars as a decimal string with nine digits. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: string;
  estimated: boolean;
}
export interface Failure {
  code: string;
  message: string;
  /** A later try could succeed. */
  retryable: boolean;
}
export interface Links {
  status: string;
  cancel: string;
  events: string;
  svg: string;
  png: string;
}
/** The status object; times are RFC 3339 UTC. */
export interface RequestStatus {
  requestId: string;
  status: Status;
  diagramType: DiagramType;
  /** Counts from 1, only while queued. */
  position?: number;
  estimatedWaitSeconds?: number;
  /** True while nothing is taken from the queue for it, by the operator's will or an upstream's; the estimate means little then. */
  paused?: boolean;
  attempts: number;
  createdAt: string;
  startedAt?: string;
  completedAt?: string;
  retryAt?: string;
  /** The diagram's source. */
  result?: string;
  validation?: Validation;
  title?: string;
  usage?: TokenUsage;
  model?: string;
  provider?: string;
  cached: boolean;
  error?: Failure;
  metadata?: Record<string, unknown>;
  links: Links;
}
export type CompletedRequest = RequestStatus & { status: 'completed'; result: string };

export interface GenerateBody {
  prompt: string;
  diagramType?: DiagramType;
  maxTokens?: number;
  model?: string;
  template?: string;
  variables?: Record<string, string | number | string[]>;
  baseRequestId?: string;
  baseSource?: string;
  deadlineSeconds?: number;
  cache?: 'default' | 'bypass';
  /** Where the server posts the end, signed, instead of the user's own address: docs/webhooks.md. */
  webhookUrl?: string;
  metadata?: Record<string, unknown>;
}
export interface CallOptions {
  signal?: AbortSignal;
}
export interface FollowOptions extends CallOptions {
  /** An abort of `signal` also ends the request on the server. Otherwise it goes on there. */
  cancelOnAbort?: boolean;
}
export interface GenerateOptions extends FollowOptions {
  /** Of your own making, to submit once across reloads too. Made anew for each call if not given. */
  idempotencyKey?: string;
}

interface Told {
  requestId: string;
  /** The whole source so far; the result once it is completed. */
  source: string;
}
export type DiagramEvent = Told &
  (
    | ({ type: 'subscribed' } & Partial<RequestStatus>)
    | { type: 'position'; position: number; estimatedWaitSeconds: number | null; paused?: boolean }
    | { type: 'processing'; attempt: number; model: string }
    | { type: 'delta'; text: string }
    | { type: 'validating'; errors: SourceError[] }
    | { type: 'repairing'; errors: SourceError[] }
    | { type: 'retrying'; attempt: number; retryAt: string; reason: string }
    | { type: 'completed'; result: string; title?: string; validation?: Validation; usage?: TokenUsage; cached: boolean; links: Links }
    | { type: 'failed'; error: Failure }
    | { type: 'cancelled' }
    | { type: 'expired' }
    /** From the client itself. */
    | { type: 'connection'; state: 'open'; transport: Transport }
    | { type: 'connection'; state: 'lost'; transport: Transport; retryInSeconds: number; error: DiagramError }
  );

/** One request that is followed to its end. `for await` gives its events. */
export class DiagramRequest implements AsyncIterable<DiagramEvent> {
  private constructor();
  readonly requestId: string;
  /** The status object as far as it is known. */
  readonly state: Readonly<Partial<RequestStatus> & { requestId: string }>;
  /** The source as far as it is written. */
  readonly source: string;
  /**
   * The completed request as far as its events told it; `client.status` has every field. Throws
   * FailedError, CancelledError or ExpiredError for another end, and what stopped the following.
   */
  finished(): Promise<CompletedRequest>;
  /** Ends the request on the server. */
  cancel(options?: CallOptions): Promise<{ requestId: string; status: 'cancelled' }>;
  /** Stops following; the request goes on. */
  close(): void;
  [Symbol.asyncIterator](): AsyncGenerator<DiagramEvent, void, void>;
}

export interface Window {
  used: number;
  limit: number;
  remaining: number;
  resetsAt: string;
}
export interface Upgrade {
  tier: string;
  message: string;
  url?: string;
}
export interface Limit {
  name: string;
  scope: 'user' | 'server';
  limit: number;
  used: number;
  remaining: number;
  resetsAt: string | null;
}
export interface Usage {
  user: string;
  tier: string;
  hour: Window;
  day: Window;
  concurrent: { running: number; queued: number; limit: number; queuedLimit: number };
  tokens: { today: { input: number; output: number }; month: { input: number; output: number } };
  cost: { todayUsd: string; monthUsd: string; budgetUsd?: string };
  cache: { hits: number; savedUsd: string };
  upgrade?: Upgrade;
}
export interface Template {
  name: string;
  title: string;
  description: string;
  source: string;
  kind?: string;
  diagramTypes: DiagramType[];
  variables: unknown[];
}
/** The colours of a picture. */
export type Theme = 'default' | 'neutral' | 'dark' | 'forest';

export interface Verdict {
  valid: boolean;
  diagramType: DiagramType;
  kind?: string;
  errors: SourceError[];
}

/** What a WebSocket needs: the global one of browsers and Node 22, or the `ws` package's. */
export type WebSocketConstructor = new (url: string) => {
  readonly readyState: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(data: string): void;
  close(): void;
};

export interface ClientOptions {
  /** The server's address. Not needed by a page that imports `/client.js` of the server itself. */
  baseUrl?: string | URL;
  /**
   * An API key (on a server) or a short-lived token (in a page), or a function that gives one; it is
   * asked again with `renew: true` when the last one was refused.
   */
  token?: string | ((ask: { renew: boolean }) => string | undefined | Promise<string | undefined>);
  /** Gives a new WebSocket ticket each time, for pages that may have no token at all. */
  ticket?: () => string | Promise<string>;
  /** Instead of the global ones. Node 20 has no global WebSocket: give it that of `ws`, or use SSE. */
  fetch?: typeof globalThis.fetch;
  WebSocket?: WebSocketConstructor;
  /** Tried in this order; `['websocket', 'sse', 'poll']`. */
  transports?: Transport[];
  /** One HTTP call, and the opening of a live connection; 30. */
  timeoutSeconds?: number;
  /** A live connection that is silent for so long is opened anew; 45. */
  silenceSeconds?: number;
  /** Between two polls; 2. */
  pollSeconds?: number;
  /** First wait before a repetition, doubled each time, with jitter; 0.25. */
  retryBaseSeconds?: number;
  /** Longest such wait; 10. */
  retryCapSeconds?: number;
  /** How often a call is sent, the first time included; 6. */
  attempts?: number;
  /** A request that cannot be followed for so long is given up; 600. */
  reconnectSeconds?: number;
}

export class DiagramClient {
  constructor(options?: ClientOptions);
  /** Resolves once the request is on the server's disk; repeated under one Idempotency-Key. */
  generate(body: GenerateBody, options?: GenerateOptions): Promise<DiagramRequest>;
  /** A request that was submitted before, by its id. */
  follow(requestId: string, options?: FollowOptions): DiagramRequest;
  status(requestId: string, options?: CallOptions): Promise<RequestStatus>;
  requests(filter?: { status?: Status; limit?: number; cursor?: string }, options?: CallOptions): Promise<{ requests: RequestStatus[]; next: string | null }>;
  cancel(requestId: string, options?: CallOptions): Promise<{ requestId: string; status: 'cancelled' }>;
  usage(options?: CallOptions): Promise<Usage>;
  templates(options?: CallOptions): Promise<Template[]>;
  validate(body: { source: string; diagramType?: DiagramType }, options?: CallOptions): Promise<Verdict>;
  /** A completed request's picture; `width` is a PNG's, in pixels. */
  picture(requestId: string, look?: { format?: 'svg' | 'png'; theme?: Theme; width?: number }, options?: CallOptions): Promise<Blob>;
  /** The picture of a source; SVG unless `format` says otherwise. */
  render(body: { source: string; diagramType?: DiagramType; format?: 'svg' | 'png'; theme?: Theme; width?: number }, options?: CallOptions): Promise<Blob>;
  /** A short-lived token from an API key: on your server, never in a page. */
  createToken(body?: { ttlSeconds?: number }, options?: CallOptions): Promise<{ token: string; tokenType: 'Bearer'; expiresAt: string }>;
}

/** Every error of this client, but an AbortSignal's own reason. */
export class DiagramError extends Error {
  /** Stable and machine-readable. */
  readonly code: string;
}
/** `network` or `timeout`. */
export class NetworkError extends DiagramError {}
/** The server refused: an RFC 9457 problem. */
export class ProblemError extends DiagramError {
  readonly status: number;
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly traceId?: string;
  readonly errors?: { pointer: string; detail: string }[];
  readonly limit?: Limit;
  readonly upgrade?: Upgrade;
  /** Seconds. */
  readonly retryAfter?: number;
}
export class AuthenticationError extends ProblemError {}
export class PermissionError extends ProblemError {}
export class NotFoundError extends ProblemError {}
export class ConflictError extends ProblemError {}
export class ValidationError extends ProblemError {}
/** 429: whose limit, how long to wait, and which tier lifts it. */
export class LimitError extends ProblemError {}
export class UnavailableError extends ProblemError {}
/** The request ended without a diagram. */
export class OutcomeError extends DiagramError {
  readonly request: RequestStatus;
}
export class FailedError extends OutcomeError {
  readonly retryable: boolean;
}
export class CancelledError extends OutcomeError {}
export class ExpiredError extends OutcomeError {}
