// Copies the source.
import { useState } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { text } from "../state/source.js";

const TOLD_MS = 2_000;

/** Pages without TLS have no clipboard; there a selection is copied. */
async function copy(words) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(words);
    return;
  }
  const field = document.createElement("textarea");
  field.value = words;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function CopyButton() {
  const [told, setTold] = useState("");
  const press = async () => {
    try {
      await copy(text.value);
      setTold("Copied");
    } catch {
      setTold("Not allowed");
    }
    setTimeout(() => setTold(""), TOLD_MS);
  };
  return (
    <button type="button" class="button small push" onClick={press}>
      <Icon name={told === "Copied" ? "check" : "copy"} />
      <span aria-live="polite">{told || "Copy"}</span>
    </button>
  );
}
