// The picture beside the source. Mermaid and Graphviz are drawn in the frame, as fast as one types;
// the server draws the other languages, when it has a Kroki server.
import { effect, signal } from "@preact/signals";
import { client } from "../../shared/api.js";
import { access } from "../../shared/session.js";
import { theme } from "../../shared/theme.js";
import { drawInFrame } from "../frame/drawing.js";
import { isWriting, language, text } from "./source.js";

const DRAWN_HERE = ["mermaid", "graphviz"];
const TYPING_MS = 120;
/** While the model writes there is no pause to wait for. */
const WRITING_MS = 350;
/** The server's pictures are asked for more rarely. */
const ASKING_MS = 700;

/**
 * `{state, reason, url, isStale, isAbsent}`: `state` is `none`, `drawing`, `drawn` or `failed`; `url` is the server's
 * picture; `isStale`: what is seen is of an earlier source; `isAbsent`: nothing here draws this language.
 */
export const picture = signal({ state: "none" });

let timer;
let wish;
let question;
/** The newest wish, and the first one of its way of drawing: answers to older ones are of no use. */
let turn = 0;
let since = 0;

effect(() => {
  const next = { source: text.value, language: language.value, theme: theme.value, isPartial: isWriting.value };
  const mayAsk = access.value === "open";
  turn += 1;
  if (next.language !== wish?.language || next.source.trim() === "") since = turn;
  const isWaiting = timer !== undefined && next.isPartial && wish?.isPartial;
  wish = next;
  if (isWaiting) return;
  clearTimeout(timer);
  timer = undefined;
  question?.abort();
  if (next.source.trim() === "") {
    show({ state: "none" });
    return;
  }
  const isHere = DRAWN_HERE.includes(next.language);
  if (!isHere && (next.isPartial || !mayAsk)) {
    show({ state: "none" });
    return;
  }
  timer = setTimeout(isHere ? here : byServer, isHere ? (next.isPartial ? WRITING_MS : TYPING_MS) : ASKING_MS);
});

function show(next) {
  const { url } = picture.peek();
  if (url && url !== next.url) URL.revokeObjectURL(url);
  picture.value = next;
}

async function here() {
  timer = undefined;
  const mine = turn;
  const { isPartial } = wish;
  const before = picture.peek();
  const isSeen = before.url === undefined && (before.state === "drawn" || before.isStale === true);
  if (before.state === "none" || before.url) show({ state: "drawing" });
  try {
    const size = await drawInFrame(wish);
    if (mine >= since) show({ state: "drawn", size });
  } catch (error) {
    if (mine !== turn) return;
    // Half a source often cannot be drawn yet.
    if (!isPartial) show({ state: "failed", reason: error.message, isStale: isSeen });
  }
}

async function byServer() {
  timer = undefined;
  const mine = turn;
  question = new AbortController();
  const { signal: asked } = question;
  show({ state: "drawing" });
  try {
    const body = { source: wish.source, diagramType: wish.language, format: "svg" };
    const blob = await client.render(body, { signal: asked });
    if (mine === turn) show({ state: "drawn", url: URL.createObjectURL(blob) });
  } catch (error) {
    if (mine !== turn || asked.aborted) return;
    const isAbsent = error.errors?.some(({ pointer }) => pointer === "/diagramType") ?? false;
    const details = error.errors?.map(({ detail }) => detail) ?? [];
    show({ state: "failed", reason: details.length > 0 ? details.join(" ") : error.message, isAbsent });
  }
}
