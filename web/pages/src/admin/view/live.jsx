// Whether what is shown is what is.
import { connection, queue } from "../state/live.js";

const WORDS = { connecting: "Connecting", live: "Live", lost: "Connecting again" };

export function Live() {
  const isPaused = connection.value === "live" && queue.value?.paused;
  const tone = isPaused ? "warn" : connection.value === "live" ? "good" : "wait";
  return (
    <span class={`status live ${tone}`} role="status">
      <i aria-hidden="true" />
      {isPaused ? "Paused" : WORDS[connection.value]}
    </span>
  );
}
