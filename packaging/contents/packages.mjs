// The npm packages that are packed into the binary: those that the bundlers say they took, at the versions of the lock files.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { natives } from "./natives.mjs";

/** Where build.rs packs, and the sources that it packs there. */
const WORKSHOPS = { "mermaid-parser": "web/mermaid", "picture-fonts": "web/fonts", "api-page": "web/docs", pages: "web/pages" };

/** The packages, each once, with the SHA-512 of its archive. */
export function packages(targetDirectory) {
  const found = new Map();
  for (const [workshop, sources] of Object.entries(WORKSHOPS)) {
    const at = (name) => join(targetDirectory, workshop, name);
    if (!existsSync(at("packed.json"))) throw new Error(`${at("packed.json")} is missing; build the binary first`);
    const pinned = JSON.parse(readFileSync(join(sources, "package-lock.json"), "utf8")).packages;
    for (const folder of JSON.parse(readFileSync(at("packed.json"), "utf8"))) {
      const { name, version, license, author, repository } = JSON.parse(readFileSync(join(at(folder), "package.json"), "utf8"));
      const { integrity, version: lockedVersion } = pinned[folder];
      if (version !== lockedVersion) throw new Error(`${folder} of ${workshop} is ${version}, and ${lockedVersion} in ${sources}/package-lock.json`);
      found.set(`${name}@${version}`, {
        ref: `${name}@${version}`,
        name,
        version,
        purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
        licence: license,
        sha512: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex"),
        site: typeof repository === "string" ? undefined : repository?.url?.replace(/^git\+/, ""),
        authors: [typeof author === "string" ? author : author?.name].filter(Boolean),
        folder: at(folder),
        inside: natives(name, at(folder)),
        needs: [],
      });
    }
  }
  return [...found.values()].sort((a, b) => (a.ref < b.ref ? -1 : 1));
}
