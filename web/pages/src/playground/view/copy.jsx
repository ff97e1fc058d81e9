// Copies the source.
import { useState } from "preact/hooks";
import { copy } from "../../shared/copy.js";
import { Icon } from "../../shared/icons.jsx";
import { text } from "../state/source.js";

const TOLD_MS = 2_000;

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
