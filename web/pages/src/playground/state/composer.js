// What is asked for: the words, the language, a template, and whether it is new or a change.
import { computed, signal } from "@preact/signals";
import { client } from "../../shared/api.js";
import { OFFERED } from "./languages.js";
import { origin, text, language as sourceLanguage, isEdited } from "./source.js";

export const prompt = signal("");
export const change = signal("");
export const language = signal("mermaid");
/** `new` or `change`. */
export const mode = signal("new");

export const templates = signal([]);
export const template = signal(undefined);
/** The form's values by name: text, also for numbers and lists. */
export const variables = signal({});

export const canChange = computed(() => text.value.trim() !== "");
export const isChange = computed(() => mode.value === "change" && canChange.value);
/** What the template still asks for, as it is labelled. */
export const missing = computed(() => {
  if (isChange.value) return [];
  const unfilled = ({ name, required }) => required && !variables.value[name]?.trim();
  return (template.value?.variables ?? []).filter(unfilled).map(({ name }) => labelOf(name));
});
/** Whether there is something to ask: a template says enough by itself. */
export const isReady = computed(() => {
  if (isChange.value) return change.value.trim() !== "";
  return template.value ? missing.value.length === 0 : prompt.value.trim() !== "";
});

/** A variable's name as people write it. */
export const labelOf = (name) => name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");

export async function loadTemplates() {
  templates.value = await client.templates();
}

/** Chooses a template by its name; none by an empty one. */
export function choose(name) {
  const chosen = templates.value.find((one) => one.name === name);
  template.value = chosen;
  variables.value = Object.fromEntries((chosen?.variables ?? []).map((one) => [one.name, written(one.default)]));
  if (!chosen || chosen.diagramTypes.includes(language.value)) return;
  language.value = OFFERED.find(({ id }) => chosen.diagramTypes.includes(id))?.id ?? chosen.diagramTypes[0];
}

const written = (value) => (Array.isArray(value) ? value.join("\n") : value === undefined || value === null ? "" : String(value));

/** The body of the request, as the API takes it. */
export function body() {
  if (isChange.value) {
    const base = origin.value && !isEdited.value ? { baseRequestId: origin.value.requestId } : { baseSource: text.value };
    return { prompt: change.value.trim(), diagramType: sourceLanguage.value, ...base };
  }
  const request = { prompt: prompt.value.trim() || template.value?.title || "", diagramType: language.value };
  if (!template.value) return request;
  return { ...request, template: template.value.name, variables: filled(template.value.variables) };
}

function filled(known) {
  const given = known.map(({ name, type }) => [name, read(type, variables.value[name] ?? "")]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** A form's text as its variable's type; nothing for an empty one. */
function read(type, value) {
  if (value.trim() === "") return undefined;
  if (type === "number") return Number(value);
  return type === "list" ? value.split("\n").map((line) => line.trim()).filter(Boolean) : value;
}
