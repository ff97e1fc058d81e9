// The picture beside the source. While the source is written or edited it is drawn in the frame, as fast as one types. Once
// it rests, the server's picture takes that one's place: it is what one downloads.
import { effect, signal } from "@preact/signals";
import { client } from "../../shared/api.js";
import { access } from "../../shared/session.js";
import { theme } from "../../shared/theme.js";
import { drawInFrame } from "../frame/drawing.js";
import { isDrawnByPage, isDrawnByServer } from "./languages.js";
import { look } from "./look.js";
import { isEdited, isWriting, language, origin, text, verdict } from "./source.js";

const TYPING_MS = 120;
/** While the model writes there is no pause to wait for. */
const WRITING_MS = 350;
/** The server is asked for its picture when one has stopped typing. */
const RESTING_MS = 700;
/** What is finished is drawn here only if the server's picture takes longer. */
const PATIENCE_MS = 500;

/**
 * `{state, by, reason, missing, isStale}`: `state` is `none`, `drawing`, `drawn`, `failed`, or `absent` for a language that
 * nothing here draws; `by`: who drew what is seen, `page` or `server`; `missing`: why the server did not;
 * `isStale`: what is seen is of an earlier source.
 */
export const picture = signal({ state: "none" });

let typing;
let resting;
let wish;
let question;
/** Why the server has not drawn the newest wish. */
let missing;
/** The newest wish, and the first one of its language: answers to older ones are of no use. */
let turn = 0;
let since = 0;

effect(() => {
  const next = {
    source: text.value,
    language: language.value,
    theme: theme.value,
    look: look.value,
    isPartial: isWriting.value,
    requestId: isEdited.value ? undefined : origin.value?.requestId,
  };
  const mayAsk = access.value === "open" && isDrawnByServer(next.language);
  turn += 1;
  if (next.language !== wish?.language || next.source.trim() === "") since = turn;
  const isWaiting = typing !== undefined && next.isPartial && wish?.isPartial;
  wish = next;
  if (isWaiting) return;
  forget();
  if (next.source.trim() === "") {
    picture.value = { state: "none" };
    return;
  }
  const isHere = isDrawnByPage(next.language);
  if (!isHere && !isDrawnByServer(next.language)) {
    picture.value = { state: "absent" };
    return;
  }
  const isAsked = mayAsk && !next.isPartial;
  const isFinished = isAsked && next.requestId !== undefined;
  if (isHere) typing = setTimeout(here, next.isPartial ? WRITING_MS : isFinished ? PATIENCE_MS : TYPING_MS);
  else if (!isAsked) picture.value = { state: "none" };
  if (isAsked) resting = setTimeout(byServer, isFinished ? 0 : RESTING_MS);
});

function forget() {
  clearTimeout(typing);
  clearTimeout(resting);
  typing = resting = undefined;
  question?.abort();
  question = missing = undefined;
}

const isSeen = ({ state, isStale }) => state === "drawn" || isStale === true;

async function here() {
  typing = undefined;
  const mine = turn;
  const { isPartial } = wish;
  const before = picture.peek();
  if (before.state === "none" || before.state === "absent") picture.value = { state: "drawing" };
  try {
    await drawInFrame(wish);
    if (mine >= since) picture.value = { state: "drawn", by: "page", missing: mine === turn ? missing : undefined };
  } catch (error) {
    // Half a source often cannot be drawn yet.
    if (mine !== turn || isPartial) return;
    failed(error.message, before);
    // Whoever hangs here may well be drawn by the server; a source with errors is not.
    if (!error.isHang) forget();
  }
}

async function byServer() {
  resting = undefined;
  const mine = turn;
  const { requestId, source, language: diagramType, look: drawnIn, theme: around } = wish;
  const isHere = isDrawnByPage(diagramType);
  // The parser's verdict is there by now; without it one would be told of the same errors twice.
  if (isHere && verdict.peek().state === "invalid") {
    now();
    return;
  }
  question = new AbortController();
  const { signal: asked } = question;
  const before = picture.peek();
  if (!isHere && !isSeen(before)) picture.value = { state: "drawing" };
  try {
    const blob = requestId ? await client.picture(requestId, { theme: drawnIn }, { signal: asked }) : await client.render({ source, diagramType, format: "svg", theme: drawnIn }, { signal: asked });
    const svg = await blob.text();
    if (mine !== turn) return;
    clearTimeout(typing);
    typing = undefined;
    await drawInFrame({ svg, theme: around });
    if (mine === turn) picture.value = { state: "drawn", by: "server" };
  } catch (error) {
    if (mine !== turn || asked.aborted) return;
    missing = error.errors?.map(({ detail }) => detail).join(" ") || error.message;
    if (!isHere) failed(missing, before);
    else if (typing !== undefined) now();
    else if (picture.peek().state === "drawn") picture.value = { ...picture.peek(), missing };
  }
}

/** Draws here what waits for the server. */
function now() {
  if (typing === undefined) return;
  clearTimeout(typing);
  here();
}

function failed(reason, before) {
  picture.value = { state: "failed", reason, isStale: isSeen(before) };
}
