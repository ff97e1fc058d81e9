// The notices that the licences of others ask to be passed on, each text once.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import texts from "spdx-license-list/full.js";

const NOTICE = /^(licen[cs]e|copying|notice|copyright|unlicense)([-_.].*)?$/i;
/** Code, and folders of what is not linked in. */
const NOT_A_NOTICE = /\.(rs|c|h|js|json|toml|py|go|tera|html)$/i;
const LEFT_OUT = /^(node_modules|tests?|test_data|testing|bench(es|mark|marks)?|examples?|fuzz|docs?|tools?|util|target|\..*)$/i;
const DEPTH_MAX = 5;
/** Where one may choose, the first of these that is offered. */
const CHOICE = ["MIT", "ISC", "BSD-3-Clause", "Apache-2.0", "Zlib", "Unlicense", "0BSD"];

/** One text over all parts; the project's own is not among them. */
export function notices(parts) {
  const byText = new Map();
  for (const part of parts) {
    for (const text of textsOf(part)) {
      const key = text.replaceAll(/\s+/g, " ").trim();
      const entry = byText.get(key) ?? { text, names: [] };
      byText.set(key, { ...entry, names: [...entry.names, `${part.name} ${part.version}`] });
    }
  }
  const blocks = [...byText.values()].map(({ text, names }) => `${[...new Set(names)].join(", ")}\n\n${text.trimEnd()}\n`);
  const rule = `\n${"-".repeat(80)}\n\n`;
  return [HEAD, ...blocks].join(rule);
}

const HEAD = `Software of others in diagramd

The program diagramd is under the MIT licence or the Apache licence 2.0, as you choose. It has in it the software named
below, each under its own licence. Where that offers a choice, the text of one is given. The source of all of it is to
be had from where the bill of materials (sbom.cdx.json) says, and with diagramd's own source and its script
packaging/build anybody can build the program anew with a changed version of any part, the GNU C Library included.
`;

function textsOf(part) {
  const found = part.folder === undefined ? [] : files(part.folder).map((file) => readFileSync(join(part.folder, file), "utf8"));
  const readable = found.filter((text) => text.trim() !== "");
  return readable.length > 0 ? readable : standard(part);
}

/** Paths of notices below a folder; of a choice at its top, one. */
function files(folder) {
  const all = [...walk(folder, folder, 0)].sort();
  const chosen = CHOICE.map((id) => new RegExp(`[-_.]${id.split("-")[0]}([-_.]|$)`, "i")).find((named) => all.some((file) => !file.includes("/") && named.test(file)));
  if (chosen === undefined) return all;
  return all.filter((file) => file.includes("/") || chosen.test(file) || /^(notice|copyright)/i.test(file));
}

function* walk(root, folder, depth) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEPTH_MAX && !LEFT_OUT.test(entry.name)) yield* walk(root, path, depth + 1);
    if (entry.isFile() && NOTICE.test(entry.name) && !NOT_A_NOTICE.test(entry.name)) yield relative(root, path);
  }
}

/** The licence's own words, for what brings none. */
function standard({ name, licence, authors = [] }) {
  const offered = (licence ?? "").split(/ OR /).map((id) => id.replaceAll(/[()]/g, "").trim());
  const choices = [...CHOICE, ...offered].filter((id) => offered.includes(id));
  const ids = (choices[0] ?? "").split(/ AND /).map((id) => id.replace(/-or-later$/, "-only").replace(/ WITH .*/, ""));
  const words = ids.map((id) => texts[id]?.licenseText ?? texts[id.replace(/-only$/, "-or-later")]?.licenseText);
  if (words.some((text) => text === undefined)) throw new Error(`${name}: no text for the licence "${licence}"`);
  const by = authors.length > 0 ? `By ${authors.join(", ")}.\n\n` : "";
  return words.map((text) => `${by}${text}`);
}
