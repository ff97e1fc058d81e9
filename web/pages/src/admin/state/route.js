// Which section is shown: what stands behind `#/`, so that it can be kept and sent to a colleague.
import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

const parsed = computed(() => {
  const [path, query = ""] = hash.value.replace(/^#\/?/, "").split("?");
  return { section: path || "overview", parameters: new URLSearchParams(query) };
});

/** `overview`, `requests`, `users`, `usage` or `configuration`. */
export const section = computed(() => parsed.value.section);
/** What stands behind the question mark. */
export const parameters = computed(() => parsed.value.parameters);

/** The address of a section with these parameters. */
export function to(name, values = {}) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.length === 0 ? `#/${name}` : `#/${name}?${new URLSearchParams(given)}`;
}

/** Goes on without leaving a step behind in the browser's history. */
export function replace(name, values) {
  history.replaceState(null, "", to(name, values));
  hash.value = location.hash;
}
