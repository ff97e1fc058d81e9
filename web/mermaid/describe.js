// An error of Mermaid as plain data: what was found, what was expected, and where in the text
// that the person wrote. Words are made of it elsewhere.
import { frontMatterLength, normalized, prepared } from "./prepared.js";

const FAULTS_MAX = 20;
const EXPECTED_MAX = 60;

export function describe(error, text, type) {
  const source = normalized(text);
  const message = String(error?.message ?? error);
  const faults = faultsOf(error, message, source, type).slice(0, FAULTS_MAX);
  return faults.map(({ at, ...fault }) => ({ ...placeOf(source, at), ...fault }));
}

function faultsOf(error, message, source, type) {
  if (error?.name === "UnknownDiagramError") return [{ at: firstWord(source), sort: "type" }];
  if (type === "---") return [{ at: 0, sort: "front-matter" }];
  if (error?.mark) return [{ at: inYaml(error.mark, source), sort: "yaml", message: error.reason ?? message }];
  const given = prepared(source, type);
  if (error?.result?.parserErrors) return grammarFaults(error.result, given);
  const shown = /^(Parse|Lexical) error on line (\d+)[^\n]*\n([^\n]*)\n(-*)\^/.exec(message);
  if (shown) return [{ at: given.originOf(pointedAt(shown, error.hash, given.text)), ...found(error.hash) }];
  const told = /^Error (lexing|parsing) \w+ diagram: ([^]*)$/.exec(message);
  if (told) return [toldFault(told, given, source)];
  // A mistake inside Mermaid: its words are about its own code.
  if (/^(Type|Reference|Range|Syntax)Error$/.test(error?.name)) return [{ sort: "crash", message }];
  return [{ at: quotedIn(message, source), sort: "rule", message }];
}

// The number by which the parsers call the end of the text.
const END = 1;

// What a jison parser found and what it expected. `token` is absent where no token begins.
function found({ text, token, expected = [] }) {
  return {
    sort: "syntax",
    token: token === END ? "EOF" : (token ?? undefined) && String(token),
    found: text,
    expected: expected.slice(0, EXPECTED_MAX).map((name) => String(name).replace(/^'|'$/g, "")),
  };
}

// A jison parser shows up to 20 characters before the place and 20 behind it, without line ends,
// and counts the line at the end of the token. Some diagrams change white space before they
// parse, so the place is looked for without regard to it, nearest to the line that is named.
function pointedAt([, , line, window, dashes], hash, text) {
  const before = bare(window.slice(0, dashes.length).replace(/^\.\.\./, ""));
  const after = bare(window.slice(dashes.length).replace(/\.\.\.$/, ""));
  const { kept, index } = keepInk(text);
  const wanted = Number(line) - (hash?.text?.match(/\n/g)?.length ?? 0);
  let best;
  for (let at = kept.indexOf(before + after); at !== -1; at = kept.indexOf(before + after, at + 1)) {
    const border = at + before.length;
    const previous = border > 0 ? index[border - 1] + 1 : 0;
    const next = border < index.length ? index[border] : text.length;
    const place = after === "" || (hash?.text && hash.text.trim() === "") ? previous : next;
    const distance = Math.abs(lineAt(text, place) - wanted);
    if (best === undefined || distance < best.distance) best = { place, distance };
  }
  return best?.place ?? startOfLine(text, Number(line));
}

function keepInk(text) {
  const index = [];
  let kept = "";
  for (let at = 0; at < text.length; at++) {
    if (/\S/.test(text[at])) {
      kept += text[at];
      index.push(at);
    }
  }
  return { kept, index };
}

const bare = (text) => text.replace(/\s+/g, "");

// What the other family of parsers found: errors of its lexer, then of its grammar.
function grammarFaults({ lexerErrors = [], parserErrors = [] }, given) {
  const lexer = lexerErrors.map((fault) => ({
    at: given.originOf(fault.offset),
    sort: "character",
    found: given.text.slice(fault.offset, fault.offset + 1),
  }));
  const grammar = parserErrors.map(({ message, token, previousToken }) => {
    const ended = !token || token.tokenType?.name === "EOF" || !Number.isFinite(token.startOffset);
    const at = ended ? endOf(previousToken, given.text) : token.startOffset;
    return {
      at: given.originOf(at),
      sort: "grammar",
      token: ended ? "EOF" : token.tokenType?.name,
      found: ended ? "" : token.image,
      message,
    };
  });
  return [...lexer, ...grammar].sort((a, b) => a.at - b.at);
}

// One type tells of its parser's first error in words alone; those of the lexer end in a range.
function toldFault([, stage, message], given, source) {
  const range = /\[(\d+),\d+\)$/.exec(message);
  if (stage === "lexing" && range) {
    const at = Number(range[1]);
    return { at: given.originOf(at), sort: "character", found: given.text.slice(at, at + 1) };
  }
  const [, found = ""] = /but found:? ['`]([^]*)['`]\.?$/.exec(message) ?? [];
  const places = found.trim() === "" ? [] : wordAt(found, source);
  const at = places.length === 1 ? places[0] : undefined;
  return { at, sort: "grammar", token: found === "" ? "EOF" : "?", found, message };
}

function endOf(token, text) {
  return Number.isFinite(token?.endOffset) ? token.endOffset + 1 : text.trimEnd().length;
}

// A rule of one diagram type names no place. What it quotes, or the last word of that, tells one
// when it stands there once; a wrong place would be worse than none.
function quotedIn(message, source) {
  const quotes = [...message.matchAll(/(["'`])(.+?)\1|\[([^\[\]"'`]+)\]|\(([^()"'`]+)\)/g)];
  const whole = quotes.map(([, , quoted, bracketed, braced]) => quoted ?? bracketed ?? braced);
  for (const words of [...whole, ...whole.map((words) => words.split(" ").at(-1))]) {
    const places = wordAt(words, source);
    if (places.length === 1) return places[0];
  }
  return undefined;
}

function wordAt(words, source) {
  const places = [];
  for (let at = source.indexOf(words); at !== -1; at = source.indexOf(words, at + words.length)) {
    const around = [source[at - 1] ?? " ", words[0], words.at(-1), source[at + words.length] ?? " "];
    const [before, first, last, after] = around.map((character) => /[\p{L}\p{N}_]/u.test(character));
    if (!(before && first) && !(last && after)) places.push(at);
  }
  return places;
}

// YAML stands in front matter or in a node's `@{ … }`.
function inYaml({ buffer, position, line, column }, source) {
  // What is between braces on one line gets them, on lines of their own.
  const wrapped = /^\{\n([^]*)\n\}\s*$/.exec(buffer);
  const body = (wrapped?.[1] ?? String(buffer ?? "")).trimEnd();
  const start = source.indexOf(body);
  if (body !== "" && start !== -1) {
    return start + Math.max(0, Math.min(position - (wrapped ? 2 : 0), body.length));
  }
  // Front matter that is indented: its lines are the parser's, moved by the opening fence.
  return frontMatterLength(source) > 0 ? startOfLine(source, line + 2) + column : undefined;
}

function firstWord(source) {
  const start = frontMatterLength(source);
  const line = /^(?!\s*%%)[^\n\S]*\S/m.exec(source.slice(start));
  return line ? start + line.index + line[0].length - 1 : 0;
}

function placeOf(source, at) {
  if (at === undefined) return { line: 0, column: 0 };
  const start = at > 0 ? source.lastIndexOf("\n", at - 1) + 1 : 0;
  // People count characters, not the halves of an emoji.
  return { line: lineAt(source, at), column: [...source.slice(start, at)].length + 1 };
}

function lineAt(text, at) {
  let line = 1;
  for (let end = text.indexOf("\n"); end !== -1 && end < at; end = text.indexOf("\n", end + 1)) line++;
  return line;
}

function startOfLine(text, line) {
  let start = 0;
  for (let count = 1; count < line; count++) {
    const end = text.indexOf("\n", start);
    if (end === -1) return text.length;
    start = end + 1;
  }
  return start;
}
