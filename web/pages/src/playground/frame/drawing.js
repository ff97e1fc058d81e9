// The page's side of the frame: one picture at a time, the newest wish next, and a frame that hangs
// is thrown away. The frame has an origin of its own, so that nothing in it reaches this page.

import { whenIdle } from "../../shared/idle.js";

/** A frame that says nothing for so long while it draws hangs. It speaks every 0.4 s. */
const SILENCE_MS = 5_000;
const DRAWING_MS_MAX = 30_000;
const LOADING_MS_MAX = 20_000;
const LOOK_MS = 500;

let holder;
let frame;
let isReady = false;
let loadingSince = 0;
let running;
let waiting;
let count = 0;
let watch;

/** The element that the frame is put into. */
export function attach(element) {
  holder = element;
  // What was under way went with the frame before.
  running?.reject(new Error("superseded"));
  running = undefined;
  remake();
}

/**
 * A wish has a `source` with its `language` and `look`, or the server's `svg`; and the page's `theme`. Resolves when it is
 * seen; rejects with what is wrong (`isHang`: it took too long), or `superseded` when a newer wish came first.
 */
export function drawInFrame(wish) {
  return new Promise((resolve, reject) => {
    waiting?.reject(new Error("superseded"));
    waiting = { wish, resolve, reject };
    next();
  });
}

/** Larger or smaller; without a factor, as it fits. */
export function zoom(by) {
  if (isReady) frame.contentWindow.postMessage({ type: "zoom", by }, "*");
}

function remake() {
  frame?.remove();
  isReady = false;
  loadingSince = performance.now();
  frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "The diagram";
  frame.src = "frame";
  holder.append(frame);
  look();
}

function next() {
  if (running || !waiting || !isReady) return;
  count += 1;
  running = { ...waiting, id: count, since: performance.now(), heardAt: performance.now() };
  waiting = undefined;
  // The frame's origin is none, so that it cannot be named; only the frame gets it.
  frame.contentWindow.postMessage({ type: "draw", id: running.id, ...running.wish }, "*");
  look();
}

/** Looks after the frame for as long as something is awaited of it. */
function look() {
  clearTimeout(watch);
  const isAwaited = running !== undefined || !isReady;
  if (isAwaited) watch = setTimeout(check, LOOK_MS);
}

// A page that is not seen has slow clocks, and so has its frame.
document.addEventListener("visibilitychange", () => {
  if (running) running.heardAt = running.since = performance.now();
  loadingSince = performance.now();
});

function check() {
  const now = performance.now();
  if (document.visibilityState === "visible") {
    if (running && (now - running.heardAt > SILENCE_MS || now - running.since > DRAWING_MS_MAX)) {
      const { reject } = running;
      running = undefined;
      remake();
      reject(Object.assign(new Error("Drawing this took too long and was ended. Make the diagram smaller or simpler."), { isHang: true }));
      return;
    }
    if (!isReady && now - loadingSince > LOADING_MS_MAX) {
      remake();
      return;
    }
  }
  look();
}

addEventListener("message", ({ source, data }) => {
  if (!frame || source !== frame.contentWindow) return;
  if (data.type === "ready") {
    isReady = true;
    next();
    // Most diagrams are Mermaid's: what draws it is fetched before it is needed.
    whenIdle(() => frame.contentWindow?.postMessage({ type: "warm", language: "mermaid" }, "*"));
    return;
  }
  if (!running || data.id !== running.id) return;
  running.heardAt = performance.now();
  if (data.type === "alive") return;
  const { resolve, reject } = running;
  running = undefined;
  if (data.type === "drawn") resolve();
  else reject(new Error(data.message));
  // A module that could not be fetched stays missing for as long as the frame lives.
  if (data.type === "failed" && /dynamically imported module|Importing a module script/i.test(data.message)) remake();
  next();
});
