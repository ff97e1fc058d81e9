// Takes the picture or the source along.
import { signal } from "@preact/signals";
import { Icon } from "../../shared/icons.jsx";
import { client } from "../../shared/api.js";
import { refuse } from "../state/notice.js";
import { isEdited, isWriting, language, origin, text } from "../state/source.js";

const ENDINGS = { mermaid: "mmd", graphviz: "dot", plantuml: "puml", d2: "d2" };
/** The format that is being fetched. */
const fetching = signal(undefined);

/** A finished request's picture is kept by the server; another source is drawn anew. */
function drawn(format) {
  if (origin.value && !isEdited.value) return client.picture(origin.value.requestId, { format });
  return client.render({ source: text.value, diagramType: language.value, format });
}

function save(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${nameOf(origin.value?.title)}.${ending}`;
  link.click();
  // The download has its own hold of it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A title as the name of a file. */
function nameOf(title) {
  const plain = (title ?? "").toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "");
  return plain.slice(0, 60) || "diagram";
}

async function take(format) {
  if (format === "source") {
    save(new Blob([text.value], { type: "text/plain;charset=utf-8" }), ENDINGS[language.value]);
    return;
  }
  fetching.value = format;
  try {
    save(await drawn(format), format);
  } catch (error) {
    refuse(error, () => take(format));
  } finally {
    fetching.value = undefined;
  }
}

export function Downloads() {
  const isOff = text.value.trim() === "" || isWriting.value;
  return (
    <div class="downloads push" role="group" aria-label="Download">
      {[
        ["svg", "SVG"],
        ["png", "PNG"],
        ["source", "Source"],
      ].map(([format, name]) => (
        <button key={format} type="button" class="button small" disabled={isOff || fetching.value === format} onClick={() => take(format)} aria-label={`Download ${name}`}>
          <Icon name="download" />
          {name}
        </button>
      ))}
    </div>
  );
}
