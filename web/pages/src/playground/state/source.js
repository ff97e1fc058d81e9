// The source on the page: where it comes from, whether it was edited since, and the verdict on it.
import { computed, signal } from "@preact/signals";
import { client } from "../../shared/api.js";

const VALIDATE_AFTER_MS = 450;

export const text = signal("");
export const language = signal("mermaid");
/** The completed request that it comes from: its status object. */
export const origin = signal(undefined);
/** Whether it is being written by the model. */
export const isWriting = signal(false);
export const isEdited = computed(() => origin.value !== undefined && text.value !== origin.value.result);

/** `{state, errors, mends}`; `state`: `none`, `checking`, `valid`, `repaired`, `invalid`, `unchecked`. */
export const verdict = signal({ state: "none", errors: [] });

let timer;
let question;

function forget() {
  clearTimeout(timer);
  question?.abort();
  question = undefined;
}

/** The source so far, as the model writes it. */
export function written(source, ofLanguage) {
  forget();
  isWriting.value = true;
  origin.value = undefined;
  verdict.value = { state: "none", errors: [] };
  language.value = ofLanguage;
  text.value = source;
}

/** The result of a completed request. */
export function finished(status) {
  forget();
  isWriting.value = false;
  language.value = status.diagramType;
  origin.value = status;
  text.value = status.result;
  verdict.value = verdictOf(status);
}

/** Nothing more is written; what is there stays. */
export function stopped() {
  isWriting.value = false;
}

/** No source at all. */
export function cleared() {
  forget();
  isWriting.value = false;
  origin.value = undefined;
  text.value = "";
  verdict.value = { state: "none", errors: [] };
}

const BEGINNINGS = {
  mermaid: "flowchart TD\n    A[Begin] --> B[End]\n",
  graphviz: "digraph {\n    begin -> end\n}\n",
  plantuml: "@startuml\nBegin -> End\n@enduml\n",
  d2: "begin -> end\n",
};

/** A few lines to write on from, without a request. */
export function begun(ofLanguage) {
  cleared();
  language.value = ofLanguage;
  edited(BEGINNINGS[ofLanguage]);
}

/** As a person changed it. */
export function edited(source) {
  if (source === text.value) return;
  forget();
  text.value = source;
  if (source.trim() === "") verdict.value = { state: "none", errors: [] };
  else if (origin.value?.result === source) verdict.value = verdictOf(origin.value);
  else timer = setTimeout(check, VALIDATE_AFTER_MS);
}

function verdictOf({ validation }) {
  return { state: validation?.status ?? "unchecked", errors: validation?.errors ?? [], mends: validation?.mends };
}

async function check() {
  question = new AbortController();
  const { signal: asked } = question;
  verdict.value = { ...verdict.value, state: "checking" };
  try {
    const { valid, errors } = await client.validate({ source: text.value, diagramType: language.value }, { signal: asked });
    verdict.value = { state: valid ? "valid" : "invalid", errors };
  } catch (error) {
    // Without a verdict it is drawn all the same, and asked again at the next change.
    if (!asked.aborted) verdict.value = { state: "unchecked", errors: [], reason: error.message };
  }
}
