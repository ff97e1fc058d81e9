// What the server alerts its operator to: what stands, then what was over lately.
import { alerts } from "../state/live.js";
import { fully, when } from "./format.js";

const OVER_SHOWN = 5;
const TONES = { warning: "warn", critical: "bad" };

export function Alerts() {
  const standing = alerts.value.filter((alert) => !alert.resolvedAt);
  const over = alerts.value.filter((alert) => alert.resolvedAt).slice(0, OVER_SHOWN);
  return (
    <section class="panel" aria-labelledby="alerts">
      <h2 id="alerts">Alerts</h2>
      {standing.length === 0 && <p class="hint">Nothing is the matter.</p>}
      {alerts.value.length > 0 && (
        <ul class="alerts" aria-live="polite">
          {[...standing, ...over].map((alert) => (
            <Alert key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Alert({ alert }) {
  const { kind, level, message, raisedAt, resolvedAt, subject } = alert;
  return (
    <li>
      <div class="lane-head">
        <strong>{kind.replaceAll("_", " ")}</strong>
        <span class="hint mono">{subject}</span>
        <span class={`status ${resolvedAt ? "good" : TONES[level]}`}>
          <i aria-hidden="true" />
          {resolvedAt ? "over" : level}
        </span>
      </div>
      <p>{message}</p>
      <p class="hint">
        <time dateTime={raisedAt} title={fully(raisedAt)}>
          {when(raisedAt)}
        </time>
        {resolvedAt && (
          <>
            {" to "}
            <time dateTime={resolvedAt} title={fully(resolvedAt)}>
              {when(resolvedAt)}
            </time>
          </>
        )}
      </p>
    </li>
  );
}
