// What the frame shows: the picture, as large as fits, or larger and scrolled.

const STYLE = `
  :root { background: transparent; }
  body { margin: 0; height: 100vh; overflow: auto; display: grid; cursor: grab; }
  body.moving { cursor: grabbing; user-select: none; }
  #picture { margin: auto; padding: 20px; display: block; line-height: 0; }
  #picture > svg { display: block; max-width: none !important; }
`;
const PADDING = 40;
/** Small pictures are shown larger than they are, but not by more. */
const FIT_MAX = 1.6;
const FACTOR_MIN = 0.25;
const FACTOR_MAX = 8;

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);
document.adoptedStyleSheets = [sheet];
const holder = document.createElement("div");
holder.id = "picture";

/** The picture's own size, and how much larger than what fits it is shown. */
let size;
let factor = 1;

/** Whether it is dark around the picture. */
export function setTheme(theme) {
  document.documentElement.style.colorScheme = theme;
}

/** Shows SVG text. */
export function show(svg) {
  const parsed = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  if (!parsed) throw new Error("Nothing was drawn.");
  const box = parsed.viewBox.baseVal;
  size = box && box.width > 0 ? { width: box.width, height: box.height } : { width: parsed.width.baseVal.value, height: parsed.height.baseVal.value };
  // What says nothing of its ground was drawn for paper.
  parsed.style.backgroundColor ||= "#fff";
  holder.replaceChildren(parsed);
  document.body.prepend(holder);
  scale();
}

/** Larger or smaller by a factor; without one, as it fits. */
export function zoom(by) {
  factor = by === undefined ? 1 : Math.min(Math.max(factor * by, FACTOR_MIN), FACTOR_MAX);
  scale();
}

function scale() {
  const svg = holder.firstElementChild;
  if (!svg) return;
  const fit = Math.min((innerWidth - PADDING) / size.width, (innerHeight - PADDING) / size.height, FIT_MAX);
  // A frame without a size yet is told of it by `resize`.
  const times = Math.max(fit, 0) * factor;
  svg.setAttribute("width", size.width * times);
  svg.setAttribute("height", size.height * times);
}

addEventListener("resize", scale);

// A large picture is moved by dragging it.
let grip;
addEventListener("pointerdown", ({ clientX, clientY, pointerType, button }) => {
  if (pointerType !== "mouse" || button !== 0) return;
  grip = { x: clientX + document.body.scrollLeft, y: clientY + document.body.scrollTop };
  document.body.classList.add("moving");
});
addEventListener("pointermove", ({ clientX, clientY }) => {
  if (grip) document.body.scrollTo(grip.x - clientX, grip.y - clientY);
});
for (const end of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(end, () => {
    grip = undefined;
    document.body.classList.remove("moving");
  });
}
