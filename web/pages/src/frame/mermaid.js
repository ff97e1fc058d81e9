// Mermaid, as it is told to treat what strangers write.
import mermaid from "mermaid";

const BYTES_MAX = 50_000;
const EDGES_MAX = 2_000;
let count = 0;

/** The picture of a source as SVG text. */
export async function picture(source, theme) {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    suppressErrorRendering: true,
    maxTextSize: BYTES_MAX,
    maxEdges: EDGES_MAX,
    logLevel: "fatal",
    theme: theme === "dark" ? "dark" : "default",
    fontFamily: "ui-sans-serif, system-ui, sans-serif",
  });
  count += 1;
  const { svg } = await mermaid.render(`picture-${count}`, source);
  return svg;
}
