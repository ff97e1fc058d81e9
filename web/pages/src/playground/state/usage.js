// How much of the limits is left.
import { signal } from "@preact/signals";
import { client } from "../../shared/api.js";

export const usage = signal(undefined);

/** Asks anew; what was known stays when there is no answer. */
export async function refreshUsage() {
  try {
    usage.value = await client.usage();
  } catch {
    // It is asked again after the next request.
  }
}
