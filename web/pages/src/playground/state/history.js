// The caller's earlier requests, newest first, a page at a time.
import { signal } from "@preact/signals";
import { client } from "../../shared/api.js";

const PAGE = 20;

export const isHistoryOpen = signal(false);
/** `{requests, next}`, or nothing before it was first asked. */
export const past = signal(undefined);
export const pastFault = signal(undefined);

export async function openHistory() {
  isHistoryOpen.value = true;
  await refreshHistory();
}

export function closeHistory() {
  isHistoryOpen.value = false;
}

/** The first page anew, when it is looked at. */
export async function refreshHistory() {
  if (!isHistoryOpen.value) return;
  await read(undefined);
}

export async function showMore() {
  await read(past.value?.next);
}

async function read(cursor) {
  pastFault.value = undefined;
  try {
    const { requests, next } = await client.requests({ limit: PAGE, cursor });
    // It was asked for twice, and is there.
    if (cursor !== undefined && past.value?.next !== cursor) return;
    past.value = { requests: cursor === undefined ? requests : [...past.value.requests, ...requests], next };
  } catch (error) {
    pastFault.value = error.message;
  }
}
