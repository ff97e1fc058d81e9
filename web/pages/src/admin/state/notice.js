// One short sentence at a time about what was done or went wrong; it goes by itself.
import { signal } from "@preact/signals";

const SHOWN_MS = 6_000;
/** `{text, isBad}`. */
export const notice = signal(undefined);
/** The open dialogs, the last one on top. */
export const layers = signal([]);
let timer;

export function say(text, isBad = false) {
  clearTimeout(timer);
  notice.value = { text, isBad };
  timer = setTimeout(() => (notice.value = undefined), SHOWN_MS);
}

/** Runs work of a button and tells what went wrong; resolves to whether it went well. */
export async function attempt(work, done) {
  try {
    await work();
    if (done) say(done);
    return true;
  } catch (error) {
    say(error.message, true);
    return false;
  }
}
