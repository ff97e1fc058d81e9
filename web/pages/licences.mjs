// The notices of the packages that are bundled, as their licences ask for.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The folders of the packages that these sources come from. */
export function packages(sources) {
  return [...new Set(sources.map(folderOf).filter(Boolean))].sort();
}

/** One text over the packages in these folders. */
export function licences(folders) {
  // Many packages share the words of a notice.
  const byText = new Map();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), "utf8").trim();
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}\n\n${text}\n`);
  return `Software of others in diagramd's pages\n\n${parts.join(`\n${"-".repeat(60)}\n\n`)}`;
}

function folderOf(source) {
  const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source);
  return found !== null && existsSync(join(found[1], "package.json")) ? found[1] : undefined;
}
