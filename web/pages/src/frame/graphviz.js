// Graphviz as WebAssembly, told what the server tells its own.
import { instance } from "@viz-js/viz";
import { COLOURS } from "./colours.js";

let viz;

/** The picture of a source as SVG text. */
export async function picture(source, look) {
  viz ??= await instance();
  const { background, line, text } = COLOURS[look];
  // What the source says of its own comes before these. It knows how wide Arial is, and that is what it is shown in.
  const shared = { color: line, fontcolor: text, fontname: "Arial" };
  const graphAttributes = { ...shared, bgcolor: background };
  const { status, output, errors } = viz.render(source, { format: "svg", graphAttributes, nodeAttributes: shared, edgeAttributes: shared });
  if (status === "success") return output;
  throw new Error(errors.map(({ message }) => message).join("; ") || "Graphviz cannot draw this source.");
}
