// How far the request is: its place in the queue, then what is done with it.
import { Icon } from "../../shared/icons.jsx";
import { duration } from "../../shared/words.js";
import { isConnected, isRunning, job } from "../state/job.js";

const STEPS = ["Waiting", "Writing", "Checking"];
const STEP_OF = { sending: 0, queued: 0, writing: 1, checking: 2, repairing: 2 };

function Waiting() {
  const { position, positionFirst, waitSeconds, isPaused, retryAt } = job.value;
  if (retryAt) return <p>The model did not answer; it is asked again soon. The place is kept.</p>;
  if (position === undefined) return <p>Sending…</p>;
  return (
    <>
      <p class="place">
        <span class="hint">Place</span>
        <strong>{position}</strong>
        <span>
          {position === 1 ? "next in the queue" : "in the queue"}
          {waitSeconds > 0 && !isPaused && <span class="hint"> · about {duration(waitSeconds)}</span>}
        </span>
      </p>
      {isPaused && (
        <p class="lost">
          <Icon name="clock" />
          The queue is paused at the moment. Your request is kept, and goes on by itself when it is resumed.
        </p>
      )}
      <progress class="bar" max={Math.max(positionFirst ?? 1, 1)} value={Math.max((positionFirst ?? 1) - position, 0)} aria-label="Way through the queue" />
    </>
  );
}

function What() {
  switch (job.value.phase) {
    case "writing":
      return <p>The model writes. The source appears as it comes.</p>;
    case "checking":
      return <p>Checking that it can be drawn…</p>;
    case "repairing":
      return <p>What came cannot be drawn yet; it is being corrected.</p>;
    default:
      return <Waiting />;
  }
}

export function Progress() {
  if (!isRunning.value) return null;
  const at = STEP_OF[job.value.phase];
  return (
    <section class="card progress" aria-label="Progress">
      <ol class="steps">
        {STEPS.map((step, place) => (
          <li key={step} class={place < at ? "past" : place === at ? "now" : ""} aria-current={place === at ? "step" : undefined}>
            {step}
          </li>
        ))}
      </ol>
      <What />
      {!isConnected.value && (
        <p class="lost">
          <Icon name="plug" />
          The connection is lost and is being sought. Your request is safe on the server.
        </p>
      )}
    </section>
  );
}
