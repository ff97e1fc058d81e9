// The queue as it is now: how much waits, for whom, on what, and for how long.
import { useEffect, useState } from "preact/hooks";
import { duration } from "../../shared/words.js";
import { call, get } from "../state/api.js";
import { ask } from "../state/ask.js";
import { TIERS } from "../state/lists.js";
import { queue, samples } from "../state/live.js";
import { attempt } from "../state/notice.js";
import { to } from "../state/route.js";
import { Alerts } from "./alerts.jsx";
import { short, when, whole } from "./format.js";
import { Meter } from "./meter.jsx";
import { Sparkline } from "./sparkline.jsx";

const SPARK_MS = 5 * 60_000;
const WAITING_SHOWN = 12;
const LOOK_MS = 2_000;

export function Overview() {
  const now = queue.value;
  if (!now) return <p class="empty">Waiting for the first figures…</p>;
  return (
    <div class="stack">
      <Figures now={now} />
      <div class="columns">
        <div class="stack">
          <Lanes lanes={now.upstreams} />
          <Alerts />
        </div>
        <Tiers tiers={now.byTier} />
      </div>
      <Waiting depth={now.depth} />
    </div>
  );
}

function Figures({ now }) {
  const oldest = Math.max(...Object.values(now.byTier).map((tier) => tier.oldestWaitSeconds));
  const points = (name) => samples.value.map((sample) => ({ at: sample.at, value: sample[name] }));
  const drain = now.depth === 0 ? "0 s" : now.estimatedDrainSeconds === null ? "paused" : duration(now.estimatedDrainSeconds);
  return (
    <section class="panel figures" aria-label="The queue now">
      <Figure name="Waiting" value={whole(now.depth)} id="depth">
        <Sparkline points={points("depth")} spanMsMax={SPARK_MS} tone="warn" />
      </Figure>
      <Figure name="Running" value={whole(now.processing)} id="processing">
        <Sparkline points={points("processing")} spanMsMax={SPARK_MS} />
      </Figure>
      <Figure name="Ended a minute" value={short(Math.round(now.throughputPerMinute * 10) / 10)} id="throughput">
        <Sparkline points={points("throughput")} spanMsMax={SPARK_MS} tone="good" />
      </Figure>
      <Figure name="Drained in" value={drain} id="drain" hint={now.depth > 0 ? `oldest waits ${duration(oldest)}` : "nobody waits"} />
      <Pause isPaused={now.paused} />
    </section>
  );
}

function Figure({ name, value, hint, id, children }) {
  return (
    <div class="figure">
      <span class="figure-name">{name}</span>
      <span class="figure-value" data-figure={id}>
        {value}
      </span>
      {hint && <span class="hint">{hint}</span>}
      {children}
    </div>
  );
}

function Pause({ isPaused }) {
  const pause = async () => {
    const isMeant = await ask({ title: "Pause the queue?", text: "What runs goes on. New requests are accepted and wait until you resume.", action: "Pause", isDangerous: true });
    if (isMeant) await attempt(() => call("POST", "api/admin/queue/pause"), "The queue is paused.");
  };
  const resume = () => attempt(() => call("POST", "api/admin/queue/resume"), "The queue runs again; paused upstreams are tried again.");
  return (
    <div class="figure act">
      <span class="figure-name">Queue</span>
      <span class={`status ${isPaused ? "warn" : "good"}`}>
        <i aria-hidden="true" />
        {isPaused ? "paused" : "running"}
      </span>
      <button type="button" class={isPaused ? "button primary" : "button"} onClick={isPaused ? resume : pause}>
        {isPaused ? "Resume" : "Pause"}
      </button>
    </div>
  );
}

const LANE_TONES = { open: "good", limited: "warn", paused: "bad", probing: "warn" };

function Lanes({ lanes }) {
  return (
    <section class="panel" aria-labelledby="lanes">
      <h2 id="lanes">Upstreams</h2>
      <ul class="lanes">
        {lanes.map((lane) => (
          <li key={lane.name} class="lane">
            <div class="lane-head">
              <strong>{lane.name}</strong>
              <span class="hint mono">{lane.model}</span>
              <span class={`status ${LANE_TONES[lane.state]}`}>
                <i aria-hidden="true" />
                {lane.state}
              </span>
            </div>
            {lane.reason && (
              <p class="lane-reason">
                {lane.reason}
                {lane.until && ` Next try at ${when(lane.until)}.`}
              </p>
            )}
            <div class="meters">
              <Meter name="Calls at once" figures={{ limit: lane.maxConcurrent, used: 0, reserved: lane.inFlight, available: Math.max(0, lane.maxConcurrent - lane.inFlight) }} />
              <Meter name="Requests a minute" figures={lane.requestsPerMinute} />
              {[
                ["Tokens a minute", lane.tokensPerMinute],
                ["Input tokens a minute", lane.inputTokensPerMinute],
                ["Output tokens a minute", lane.outputTokensPerMinute],
              ]
                .filter(([name, figures]) => figures && (figures.limit !== null || name === "Tokens a minute"))
                .map(([name, figures]) => (
                  <Meter key={name} name={name} figures={figures} />
                ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Tiers({ tiers }) {
  const most = Math.max(1, ...Object.values(tiers).map((tier) => tier.queued + tier.processing));
  return (
    <section class="panel" aria-labelledby="tiers">
      <h2 id="tiers">By tier</h2>
      <table class="figures-table">
        <thead>
          <tr>
            <th scope="col">Tier</th>
            <th scope="col" class="number">Waiting</th>
            <th scope="col" class="number">Running</th>
            <th scope="col" class="number">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {TIERS.map((name) => [name, tiers[name]]).map(([name, tier]) => (
            <tr key={name}>
              <th scope="row">
                <a href={to("requests", { tier: name, status: "queued" })}>{name}</a>
                <span class="bar thin" aria-hidden="true">
                  <i class="used" style={{ width: `${(100 * tier.processing) / most}%` }} />
                  <i class="reserved" style={{ width: `${(100 * tier.queued) / most}%` }} />
                </span>
              </th>
              <td class="number">{whole(tier.queued)}</td>
              <td class="number">{whole(tier.processing)}</td>
              <td class="number">{tier.queued > 0 ? duration(tier.oldestWaitSeconds) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Who is next. Looked at while somebody waits, and not more often than a person reads. */
function Waiting({ depth }) {
  const [next, setNext] = useState([]);
  const isAny = depth > 0;
  useEffect(() => {
    if (!isAny) return setNext([]);
    let isGone = false;
    const look = () => get(`api/admin/queue/waiting?limit=${WAITING_SHOWN}`).then((answer) => !isGone && setNext(answer.requests), () => undefined);
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [isAny]);
  return (
    <section class="panel" aria-labelledby="next">
      <h2 id="next">
        Next in line {depth > WAITING_SHOWN && <a class="hint" href={to("requests", { status: "queued" })}>all {whole(depth)}</a>}
      </h2>
      {next.length === 0 ? (
        <p class="hint">Nobody waits.</p>
      ) : (
        <div class="scroll-x" tabindex={0} role="region" aria-label="The next ones, a table">
          <table class="figures-table" id="waiting">
            <thead>
              <tr>
                <th scope="col" class="number">Place</th>
                <th scope="col">Request</th>
                <th scope="col">User</th>
                <th scope="col">Tier</th>
                <th scope="col">Language</th>
                <th scope="col" class="number">Expected in</th>
              </tr>
            </thead>
            <tbody>
              {next.map((one) => (
                <tr key={one.requestId}>
                  <td class="number">{whole(one.position)}</td>
                  <td>
                    <a class="mono" href={to("requests", { open: one.requestId })}>
                      {one.requestId.slice(0, 12)}
                    </a>
                  </td>
                  <td>{one.user}</td>
                  <td>{one.tier}</td>
                  <td>{one.diagramType}</td>
                  <td class="number">{one.paused ? "paused" : duration(one.estimatedWaitSeconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
