/** Compiled, never run: what the types promise, and what they refuse. */
import { DiagramClient, LimitError, FailedError, type DiagramEvent, type Upgrade } from '../../index.js';
import { useDiagram } from '../../react.js';

export async function flow(): Promise<string> {
  const client = new DiagramClient({ baseUrl: 'http://x', token: async ({ renew }) => (renew ? 'new' : 'old'), WebSocket, transports: ['sse'] });
  const request = await client.generate({ prompt: 'x', diagramType: 'd2' }, { signal: AbortSignal.timeout(1), cancelOnAbort: true });
  for await (const event of request) show(event);
  try {
    const { result, validation } = await request.finished();
    return result + (validation?.status ?? '');
  } catch (error) {
    if (error instanceof LimitError) {
      const upgrade: Upgrade | undefined = error.upgrade;
      return `${error.limit?.scope} ${error.retryAfter} ${upgrade?.tier}`;
    }
    if (error instanceof FailedError) return `${error.code} ${error.retryable} ${error.request.requestId}`;
    throw error;
  }
}

function show(event: DiagramEvent): string {
  switch (event.type) {
    case 'position':
      return `${event.position}`;
    case 'delta':
      return event.text + event.source;
    case 'connection':
      return event.state === 'lost' ? `${event.retryInSeconds}` : event.transport;
    case 'failed':
      return event.error.code;
    default:
      return event.requestId;
  }
}

export function Component(client: DiagramClient) {
  const { status, source, error, generate } = useDiagram(client);
  void generate({ prompt: 'x' }).then((done) => done?.result);
  return status === 'error' ? error?.message : source;
}

// @ts-expect-error an unknown language
void new DiagramClient().generate({ prompt: 'x', diagramType: 'visio' });
// @ts-expect-error a prompt is needed
void new DiagramClient().generate({});
// @ts-expect-error an unknown option
void new DiagramClient({ apiKey: 'x' });
