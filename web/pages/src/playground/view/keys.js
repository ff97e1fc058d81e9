// The page's own keys: Ctrl or Cmd with Enter generates, Escape cancels.
import { cancel, isRunning, submit } from "../state/job.js";

export function listenToKeys() {
  // Before the editor, for which the same keys mean something else.
  document.addEventListener("keydown", handle, { capture: true });
}

function handle(event) {
  // While an input method composes a word, its keys are its own.
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopPropagation();
    submit();
  }
  if (event.key === "Escape" && isRunning.value && !document.querySelector(":popover-open")) {
    event.preventDefault();
    cancel();
  }
}

/** How the key is called here. */
export const MODIFIER = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
