// What went wrong, in words, with what to do next.
import { signal } from "@preact/signals";
import { withLocalTimes } from "../../shared/words.js";
import { LimitError, ValidationError } from "diagramd-client";

/**
 * `{kind, title, text, details, until, upgrade, again}`: `kind` is `limit` or `error`; `until` is when it passes, in
 * milliseconds; `again` tries once more.
 */
export const notice = signal(undefined);

export function dismiss() {
  notice.value = undefined;
}

/** Tells of an error of the client; `again` is called by who wants to try once more. */
export function refuse(error, again) {
  if (error instanceof LimitError) {
    notice.value = {
      kind: "limit",
      title: titleOf(error.limit),
      text: withLocalTimes(error.message),
      until: error.retryAfter === undefined ? undefined : Date.now() + error.retryAfter * 1000,
      upgrade: error.upgrade,
    };
    return;
  }
  const details = error instanceof ValidationError ? (error.errors ?? []).map(({ pointer, detail }) => `${nameOf(pointer)}${detail}`) : [];
  const isHopeless = error instanceof ValidationError || error.retryable === false;
  notice.value = { kind: "error", title: "That did not work", text: error.message, details, again: isHopeless ? undefined : again };
}

function titleOf(limit) {
  const size = limit?.limit;
  switch (limit?.name) {
    case "day":
      return size === 1 ? "Today's one diagram is used up" : `Today's ${size} diagrams are used up`;
    case "hour":
      return size === 1 ? "This hour's one diagram is used up" : `This hour's ${size} diagrams are used up`;
    case "queued":
      return `${size} of your requests wait already`;
    case "budget":
      return "This month's budget is used up";
    default:
      return "A limit is reached";
  }
}

function nameOf(pointer) {
  const name = pointer.split("/").at(-1);
  return name === "" ? "" : `${name}: `;
}
