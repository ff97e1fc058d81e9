// Tells screen readers how it goes: each phase once, places not more often than one can listen.
import { effect, signal } from "@preact/signals";
import { isConnected, job } from "../state/job.js";
import { nameOf } from "../state/languages.js";
import { picture } from "../state/picture.js";
import { language, verdict } from "../state/source.js";

const PLACE_MS = 5_000;
const said = signal("");
let phase = "idle";
let placeAt = 0;

const WORDS = {
  sending: "Sending.",
  writing: "The model writes.",
  checking: "Checking.",
  repairing: "Being corrected.",
  done: "The diagram is finished.",
  cancelled: "Cancelled.",
  expired: "The request was not served in time.",
  failed: "It did not work.",
};

effect(() => {
  const { phase: now, position } = job.value;
  if (now === "queued" && position !== undefined && Date.now() - placeAt > PLACE_MS) {
    placeAt = Date.now();
    said.value = `Place ${position} in the queue.`;
  }
  if (now !== phase && WORDS[now]) said.value = WORDS[now];
  if (now !== "queued") placeAt = 0;
  phase = now;
});
effect(() => {
  if (!isConnected.value) said.value = "The connection is lost and is being sought.";
});
effect(() => {
  const { state, errors } = verdict.value;
  if (state === "invalid" && errors.length > 0) said.value = `The source has errors. Line ${errors[0].line}: ${errors[0].message}`;
});
effect(() => {
  if (picture.value.state === "absent") said.value = `This is the source alone: ${nameOf(language.value)} is not drawn here.`;
});

export function Announcer() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {said}
    </div>
  );
}
