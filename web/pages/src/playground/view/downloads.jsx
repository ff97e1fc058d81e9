// Takes the picture or the source along.
import { signal } from "@preact/signals";
import { Icon } from "../../shared/icons.jsx";
import { client } from "../../shared/api.js";
import { isDrawnByServer, nameOf } from "../state/languages.js";
import { look } from "../state/look.js";
import { refuse } from "../state/notice.js";
import { isEdited, isWriting, language, origin, text } from "../state/source.js";

const ENDINGS = { mermaid: "mmd", graphviz: "dot", plantuml: "puml", d2: "d2" };
/** The format that is being fetched. */
const fetching = signal(undefined);

/** A finished request's picture is kept by the server; another source is drawn anew. */
function drawn(format) {
  const theme = look.value;
  if (origin.value && !isEdited.value) return client.picture(origin.value.requestId, { format, theme });
  return client.render({ source: text.value, diagramType: language.value, format, theme });
}

function save(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${fileNameOf(origin.value?.title)}.${ending}`;
  link.click();
  // The download has its own hold of it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A title as the name of a file. */
function fileNameOf(title) {
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
  const isPicture = (format) => format !== "source";
  const isUndrawn = !isDrawnByServer(language.value);
  return (
    <div class="downloads push" role="group" aria-label="Download">
      {[
        ["svg", "SVG"],
        ["png", "PNG"],
        ["source", "Source"],
      ].map(([format, name]) => (
        <button key={format} type="button" class="button small" disabled={isOff || fetching.value === format || (isUndrawn && isPicture(format))} title={isUndrawn && isPicture(format) ? `This server makes no files of ${nameOf(language.value)} pictures.` : undefined} onClick={() => take(format)} aria-label={`Download ${name}`}>
          <Icon name="download" />
          {name}
        </button>
      ))}
    </div>
  );
}
