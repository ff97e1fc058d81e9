// Mermaid, as it is told to treat what strangers write, and to look as the server's pictures do.
import mermaid from "mermaid";
import { COLOURS } from "./colours.js";
import { FAMILY } from "./fonts.js";

const BYTES_MAX = 50_000;
const EDGES_MAX = 2_000;
let count = 0;

/** The picture of a source as SVG text. */
export async function picture(source, look) {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    suppressErrorRendering: true,
    maxTextSize: BYTES_MAX,
    maxEdges: EDGES_MAX,
    logLevel: "fatal",
    theme: look,
    layout: "dagre",
    fontFamily: FAMILY,
    flowchart: { curve: "basis" },
    class: { curve: "basis" },
    state: { curve: "basis" },
    er: { curve: "basis" },
  });
  count += 1;
  const { svg } = await mermaid.render(`picture-${count}`, source);
  return svg.replace("<svg ", `<svg style="background: ${COLOURS[look].background}" `);
}
