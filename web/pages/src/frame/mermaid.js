// Mermaid, as it is told to treat what strangers write.
import mermaid from "mermaid";

const BYTES_MAX = 50_000;
const EDGES_MAX = 2_000;
/** Mermaid's own colours, but for what would not fit the page around the picture. */
const LIGHT = { edgeLabelBackground: "#ffffff" };
const DARK = { dropShadow: "none", useGradient: false, background: "#1a1d24", mainBkg: "#262c3b", nodeBorder: "#7f8bb3", clusterBkg: "#1f232d", edgeLabelBackground: "#1a1d24" };
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
    themeVariables: theme === "dark" ? DARK : LIGHT,
    fontFamily: "ui-sans-serif, system-ui, sans-serif",
  });
  count += 1;
  const { svg } = await mermaid.render(`picture-${count}`, source);
  return svg;
}
