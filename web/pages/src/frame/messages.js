// The frame's side of the conversation with its page. In come `draw`, `zoom` and `warm`; out go `ready`,
// `alive` while something is drawn (so that the page sees a hang), `drawn` and `failed`.
import { draw, load } from "./draw.js";
import { setTheme, zoom } from "./view.js";

const HEARTBEAT_MS = 400;

// The page's origin cannot be named from here, for the frame has none; nothing secret is said.
const tell = (message) => parent.postMessage(message, "*");

async function answer({ id, theme, ...wish }) {
  setTheme(theme);
  tell({ type: "alive", id });
  const heart = setInterval(() => tell({ type: "alive", id }), HEARTBEAT_MS);
  try {
    await draw(wish);
    tell({ type: "drawn", id });
  } catch (error) {
    tell({ type: "failed", id, message: error?.message ?? String(error) });
  } finally {
    clearInterval(heart);
  }
}

/** Answers the page that the frame is in, and nobody else. */
export function listen() {
  addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    if (data.type === "draw") answer(data);
    if (data.type === "warm") load(data.language).catch(() => {});
    if (data.type === "zoom") zoom(data.by);
  });
  tell({ type: "ready" });
}
