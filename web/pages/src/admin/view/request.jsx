// One request at the side of the list: what became of it, what it cost, and what can be done.
import { useEffect, useRef, useState } from "preact/hooks";
import { copy } from "../../shared/copy.js";
import { Icon } from "../../shared/icons.jsx";
import { duration } from "../../shared/words.js";
import { call, get } from "../state/api.js";
import { ask } from "../state/ask.js";
import { watch } from "../state/live.js";
import { attempt } from "../state/notice.js";
import { changed } from "../state/requests.js";
import { Dialog } from "./dialog.jsx";
import { between, dollars, fully, span, whole } from "./format.js";
import { Status } from "./status.jsx";

const LIVE = ["queued", "processing"];
const DRAWN = ["mermaid", "graphviz"];
const MOVES = ["position", "processing", "validating", "repairing", "retrying", "completed", "failed", "cancelled", "expired"];

export function RequestDrawer({ id, onClose }) {
  const [detail, setDetail] = useState();
  const [fault, setFault] = useState();
  // Nothing more is told of a request that has ended: one that is tried again is watched anew.
  const [round, setRound] = useState(0);
  const asked = useRef(0);
  const load = async () => {
    const mine = ++asked.current;
    try {
      const found = await get(`api/admin/requests/${encodeURIComponent(id)}`);
      // An answer that was overtaken is older than what is shown.
      if (mine !== asked.current) return;
      setFault(undefined);
      setDetail(found);
      const { status, startedAt, completedAt, position, attempts } = found.request;
      changed(id, { status, startedAt: startedAt ?? null, completedAt: completedAt ?? null, position, attempts });
    } catch (error) {
      if (mine === asked.current) setFault(error.message);
    }
  };
  useEffect(() => {
    load();
    return watch(id, ({ type }) => MOVES.includes(type) && load());
  }, [round]);
  return (
    <Dialog title={detail?.request.title ?? "Request"} onClose={onClose} isDrawer>
      {fault && <p class="fault">{fault}</p>}
      {detail && <Detail detail={detail} onMove={() => setRound(round + 1)} />}
    </Dialog>
  );
}

function Detail({ detail, onMove }) {
  const { request, user, tier, calls } = detail;
  return (
    <div class="stack">
      <div class="row wrap">
        <Status status={request.status} />
        {request.cached && <span class="badge">from the cache</span>}
        <Copied text={request.requestId} name="id" />
        <Actions request={request} onMove={onMove} />
      </div>
      {request.error && (
        <p class="box bad">
          <strong>{request.error.code}</strong> {request.error.message} {request.error.retryable ? "A later try could succeed." : "A later try would fail the same way."}
        </p>
      )}
      <Facts request={request} user={user} tier={tier} />
      {request.validation && <Verdict validation={request.validation} />}
      {request.result !== undefined && <Source request={request} />}
      <Calls calls={calls} />
      {request.metadata && (
        <details>
          <summary>Metadata</summary>
          <pre class="code" tabindex={0}>
            {JSON.stringify(request.metadata, null, 2)}
          </pre>
        </details>
      )}
    </div>
  );
}

function Actions({ request, onMove }) {
  const { requestId, status, error } = request;
  const cancel = async () => {
    const isMeant = await ask({ title: "Cancel this request?", text: "Its user gets no diagram. A call that runs is closed, and paid for as far as it went.", action: "Cancel it", isDangerous: true });
    if (isMeant && (await attempt(() => call("DELETE", `api/diagram/cancel/${requestId}`), "The request is cancelled."))) onMove();
  };
  const retry = async () => {
    if (await attempt(() => call("POST", `api/admin/requests/${requestId}/retry`), "The request waits again.")) onMove();
  };
  return (
    <span class="row push">
      {LIVE.includes(status) && (
        <button type="button" class="button" onClick={cancel}>
          Cancel
        </button>
      )}
      {status === "failed" && (
        <button type="button" class={error?.retryable ? "button primary" : "button"} onClick={retry}>
          Try again
        </button>
      )}
    </span>
  );
}

export function Copied({ text, name }) {
  const [told, setTold] = useState();
  const press = () => attempt(() => copy(text)).then((isCopied) => setTold(isCopied ? "Copied" : "Not allowed"));
  return (
    <button type="button" class="copied mono" onClick={press} title={`Copy the ${name}`}>
      {text}
      <Icon name="copy" />
      <span aria-live="polite">{told}</span>
    </button>
  );
}

function Facts({ request, user, tier }) {
  const { usage } = request;
  const facts = [
    ["User", `${user} · ${tier}`],
    ["Language", request.diagramType],
    ["Place", request.position && `${whole(request.position)}, ${request.paused ? "paused" : `in about ${duration(request.estimatedWaitSeconds)}`}`],
    ["Accepted", fully(request.createdAt)],
    ["Waited", request.startedAt && span(between(request.createdAt, request.startedAt))],
    ["Took", request.completedAt && span(between(request.startedAt ?? request.createdAt, request.completedAt))],
    ["Next try", request.retryAt && fully(request.retryAt)],
    ["Model", request.model && `${request.model}${request.provider ? ` · ${request.provider}` : ""}`],
    ["Tokens", usage && `${whole(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)} in, ${whole(usage.outputTokens)} out`],
    ["Cost", usage && `${dollars(usage.costUsd)}${usage.estimated ? ", estimated" : ""}`],
    ["Failed calls", request.attempts > 1 && whole(request.attempts - 1)],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

const VERDICTS = { valid: "good", repaired: "good", unchecked: "", invalid: "bad" };

function Verdict({ validation }) {
  return (
    <section aria-label="Validation">
      <h3>
        Validation <span class={`badge ${VERDICTS[validation.status]}`}>{validation.status}</span>
      </h3>
      {validation.errors.length > 0 && (
        <ul class="errors">
          {validation.errors.map((error, index) => (
            <li key={index}>
              <span class="mono">
                {error.line}:{error.column}
              </span>{" "}
              {error.message}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Source({ request }) {
  const [isShown, setShown] = useState(true);
  const canDraw = request.status === "completed" && DRAWN.includes(request.diagramType) && request.validation?.status !== "invalid";
  return (
    <section aria-label="Source">
      <h3>Source</h3>
      {canDraw && isShown && <img class="picture" src={`api/diagram/svg/${request.requestId}`} alt={request.title ?? "The diagram"} onError={() => setShown(false)} />}
      <pre class="code" tabindex={0} aria-label="Source text">
        {request.result}
      </pre>
    </section>
  );
}

function Calls({ calls }) {
  if (calls.length === 0) return null;
  return (
    <section aria-label="Calls">
      <h3>Upstream calls</h3>
      <div class="scroll-x" tabindex={0} role="region" aria-label="The calls, a table">
        <table class="figures-table">
          <thead>
            <tr>
              <th scope="col" class="number">Run</th>
              <th scope="col">Upstream</th>
              <th scope="col">Purpose</th>
              <th scope="col" class="number">In</th>
              <th scope="col" class="number">Out</th>
              <th scope="col" class="number">Cost</th>
              <th scope="col" class="number">Took</th>
            </tr>
          </thead>
          <tbody>
            {calls.map((one) => (
              <tr key={one.run}>
                <td class="number">{one.run}</td>
                <td title={one.model}>{one.upstream}</td>
                <td>{one.lost ? "lost" : one.repair > 0 ? `correction ${one.repair}` : "diagram"}</td>
                <td class="number">{whole(one.inputTokens + one.cacheReadTokens + one.cacheWriteTokens)}</td>
                <td class="number">{whole(one.outputTokens)}</td>
                <td class="number">
                  {dollars(one.costUsd)}
                  {one.estimated ? " *" : ""}
                </td>
                <td class="number">{one.endedAt ? span(between(one.sentAt ?? one.claimedAt, one.endedAt)) : "runs"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {calls.some((one) => one.estimated) && <p class="hint">* estimated</p>}
    </section>
  );
}
