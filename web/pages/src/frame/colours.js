// What a picture is drawn in, by its theme: as the server draws it (src/diagram/picture.rs, src/diagram/draw/dot.rs), so
// that the server's picture can take the place of what was drawn here without a jump.

/** `background`, and for what has no colours of its own, lines and text. */
export const COLOURS = {
  default: { background: "#ffffff", line: "#333333", text: "#000000" },
  neutral: { background: "#ffffff", line: "#666666", text: "#333333" },
  dark: { background: "#333333", line: "#d3d3d3", text: "#cccccc" },
  forest: { background: "#ffffff", line: "#13540c", text: "#000000" },
};
