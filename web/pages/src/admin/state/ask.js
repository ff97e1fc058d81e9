// Questions before something is done that others will feel.
import { signal } from "@preact/signals";

/** `{title, text, action, isDangerous}` while one is asked. */
export const question = signal(undefined);
let answer;

/** Resolves to whether the person wants it. */
export function ask(asked) {
  answer?.(false);
  question.value = asked;
  return new Promise((resolve) => (answer = resolve));
}

export function reply(isYes) {
  question.value = undefined;
  answer?.(isYes);
  answer = undefined;
}
