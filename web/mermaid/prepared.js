// What Mermaid hands to a diagram's parser: the text without front matter, directives and
// comments. Follows preprocessDiagram and encodeEntities of the version in package-lock.json.
import { Tracked } from "./tracked.js";

const TAG = /<(\w+)([^>]*)>/g;
const DIRECTIVE = /%{2}{\s*(?:(\w+)\s*:|(\w+))\s*(?:(\w+)|((?:(?!}%{2}).|\r?\n)*))?\s*(?:}%{2})?/gi;
const COMMENT = /^\s*%%(?!{)[^\n]+\n?/gm;

export const normalized = (text) => text.replace(/\r\n?/g, "\n");

export function prepared(text, type) {
  let tracked = new Tracked(normalized(text));
  tracked = tracked.replace(TAG, (_, tag, rest) => `<${tag}${rest.replace(/="([^"]*)"/g, "='$1'")}>`);
  tracked = tracked.from(frontMatterLength(tracked.text));
  tracked = tracked.remove(DIRECTIVE);
  // This one type reads its comments.
  if (type !== "agentflow") tracked = tracked.remove(COMMENT).trimStart();
  tracked = tracked.replace(/(?:style|classDef).*:\S*#.*;/g, (found) => found.slice(0, -1));
  return tracked.replace(/#(\w+);/g, (_, entity) => (/^\d+$/.test(entity) ? `ﬂ°°${entity}¶ß` : `ﬂ°${entity}¶ß`));
}

// The length of the front matter with its fences and the blank lines behind them; 0 without one.
export function frontMatterLength(text) {
  const indent = /^[^\S\n]*/.exec(text)[0];
  const lines = text.split("\n");
  if (lines[0].trim() !== "---") return 0;
  let length = lines[0].length + 1;
  for (const line of lines.slice(1)) {
    if (line.startsWith(`${indent}---`) && line.slice(indent.length + 3).trim() === "") {
      const after = /^\s*\n/.exec(text.slice(length + indent.length + 3));
      return after ? length + indent.length + 3 + after[0].length : 0;
    }
    length += line.length + 1;
  }
  return 0;
}
