// The font that the server draws with, under the name that pictures ask for: what is measured here and what is seen are
// then as wide as there.

/** What pictures ask for. */
export const FAMILY = "Arial, sans-serif";
/** Who waits longer sees the system's font. */
const WAIT_MS = 2_000;

const faces = [...document.querySelectorAll('meta[name="diagramd-font"]')].map(({ content, dataset }) => {
  const { weight, style } = dataset;
  return new FontFace("Arial", `url("${new URL(content, document.baseURI)}")`, { weight, style });
});
for (const face of faces) document.fonts.add(face);

const upright = () => Promise.allSettled(faces.filter(({ style }) => style === "normal").map((face) => face.load()));

/** Resolves when text can be measured. */
export function fonts() {
  return Promise.race([upright(), new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
}
