import type { CompletedRequest, DiagramClient, DiagramError, GenerateBody, RequestStatus, Status } from './index.js';

export interface DiagramView extends Partial<Omit<RequestStatus, 'status' | 'error'>> {
  /** `error`: it was refused or could not be followed; `error` says why. */
  status: 'idle' | 'submitting' | Status | 'error';
  /** The source as it is written; the result once it is completed. */
  source: string;
  /** What is done just now besides. */
  step?: 'validating' | 'repairing' | 'retrying';
  /** False while the connection is lost and sought again. */
  isConnected?: boolean;
  /** A LimitError has `limit`, `retryAfter` and `upgrade`; a FailedError has `code` and `retryable`. */
  error?: DiagramError;
  /** Submitting, queued or processing. */
  isActive: boolean;
  /** Submits, and drops what was followed before. Never rejects: see `error`. */
  generate(body: GenerateBody, options?: { idempotencyKey?: string; cancelOnAbort?: boolean }): Promise<CompletedRequest | undefined>;
  /** Follows a request submitted before. */
  follow(requestId: string): Promise<CompletedRequest | undefined>;
  /** Ends the request on the server. */
  cancel(): Promise<void>;
  /** Back to `idle`; the request goes on. */
  reset(): void;
}

/** One request at a time. Make the client once, outside of the component. */
export function useDiagram(client: DiagramClient): DiagramView;
