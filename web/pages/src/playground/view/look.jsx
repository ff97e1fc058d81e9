// In which colours the picture is drawn and taken along.
import { isDrawnByPage } from "../state/languages.js";
import { LOOKS, chosenLook } from "../state/look.js";
import { language } from "../state/source.js";

export function Look() {
  // A Kroki server draws in its own.
  if (!isDrawnByPage(language.value)) return null;
  return (
    <select class="input look" aria-label="Colours of the picture" title="Colours of the picture" value={chosenLook.value} onChange={({ currentTarget }) => (chosenLook.value = currentTarget.value)}>
      {LOOKS.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
