// Graphviz as WebAssembly. It draws black on nothing; in the dark its colours are set to fit.
import { instance } from "@viz-js/viz";

const PLAIN = "ui-sans-serif, system-ui, sans-serif";
let viz;

/** The picture of a source as SVG text. */
export async function picture(source, theme) {
  viz ??= await instance();
  const ink = theme === "dark" ? "#e7e8ec" : "#1d1f24";
  // What the source says of its own comes before these.
  const text = { color: ink, fontcolor: ink, fontname: PLAIN };
  const graphAttributes = { bgcolor: "transparent", fontcolor: ink, fontname: PLAIN };
  const { status, output, errors } = viz.render(source, { format: "svg", graphAttributes, nodeAttributes: text, edgeAttributes: text });
  if (status === "success") return output;
  throw new Error(errors.map(({ message }) => message).join("; ") || "Graphviz cannot draw this source.");
}
