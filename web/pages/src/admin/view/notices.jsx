// The short sentence of the moment, told on top: what lies behind a dialog is neither seen nor read aloud.
import { layers, notice } from "../state/notice.js";

/** `layer`: the dialog that it stands in; none for the page. */
export function Notices({ layer }) {
  const isOnTop = layers.value.at(-1) === layer;
  return (
    <div class="notices" role="status">
      {isOnTop && notice.value && <p class={`notice ${notice.value.isBad ? "bad" : ""}`}>{notice.value.text}</p>}
    </div>
  );
}
