// From a source, or the server's SVG, to the picture in the frame. What draws a language is loaded when it is first asked for.
import { fonts } from "./fonts.js";
import { show } from "./view.js";

const ARTISTS = {
  mermaid: () => import("./mermaid.js"),
  graphviz: () => import("./graphviz.js"),
};

/** Fetches what draws a language. */
export const load = (language) => Promise.all([ARTISTS[language](), fonts()]);

/**
 * Resolves when the picture is seen; rejects with the reason when there is none. A wish with `svg` is shown as it is, else
 * its `source` is drawn.
 */
export async function draw({ language, source, svg, look }) {
  if (svg !== undefined) return show(svg);
  const [{ picture }] = await load(language);
  return show(await picture(source, look));
}
