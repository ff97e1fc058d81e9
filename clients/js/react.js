/**
 * A React hook around the client: one request at a time, its place, its source as it is written,
 * its end. It draws nothing.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

const IDLE = { status: 'idle', source: '' };

/** See react.d.ts for what it gives. */
export function useDiagram(client) {
  const [view, setView] = useState(IDLE);
  const current = useRef();

  const drop = useCallback(() => {
    current.current?.controller.abort();
    current.current = undefined;
  }, []);
  // A component that goes away stops following; the request goes on, and its id finds it again.
  useEffect(() => drop, [drop, client]);

  const track = useCallback(
    async (begin) => {
      drop();
      const mine = { controller: new AbortController() };
      current.current = mine;
      // Whatever an older request still says is not shown any more.
      const show = (next) => current.current === mine && setView(next);
      show({ ...IDLE, status: 'submitting' });
      try {
        mine.request = await begin(mine.controller.signal);
        let isConnected = true;
        for await (const event of mine.request) {
          if (event.type === 'connection') isConnected = event.state === 'open';
          const { state, source } = mine.request;
          const step = ['validating', 'repairing', 'retrying'].includes(event.type) ? event.type : undefined;
          show({ ...state, status: state.status ?? 'submitting', source, step, isConnected });
        }
        const done = await mine.request.finished();
        show({ ...done, source: done.result, isConnected });
        return done;
      } catch (error) {
        if (mine.controller.signal.aborted) return undefined;
        const ended = mine.request?.state;
        show({ ...ended, status: error.request?.status ?? 'error', source: mine.request?.source ?? '', error });
        return undefined;
      }
    },
    [drop],
  );

  const generate = useCallback((body, options) => track((signal) => client.generate(body, { ...options, signal })), [client, track]);
  const follow = useCallback((requestId) => track(async (signal) => client.follow(requestId, { signal })), [client, track]);
  const cancel = useCallback(async () => {
    const mine = current.current;
    if (!mine) return;
    // Before the id is known there is nothing to cancel but the submit.
    if (mine.request) await mine.request.cancel();
    else {
      drop();
      setView({ ...IDLE, status: 'cancelled' });
    }
  }, [drop]);
  const reset = useCallback(() => {
    drop();
    setView(IDLE);
  }, [drop]);

  const isActive = ['submitting', 'queued', 'processing'].includes(view.status);
  return { ...view, isActive, generate, follow, cancel, reset };
}
