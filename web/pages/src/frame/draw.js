// From a source to the picture in the frame. What draws a language is loaded when it is first asked for.
import { show } from "./view.js";

const ARTISTS = {
  mermaid: () => import("./mermaid.js"),
  graphviz: () => import("./graphviz.js"),
};

/** Fetches what draws a language. */
export const load = (language) => ARTISTS[language]();

/** Resolves to the picture's own size in pixels; rejects with the reason when there is no picture. */
export async function draw(language, source, theme) {
  const { picture } = await load(language);
  return show(await picture(source, theme));
}
