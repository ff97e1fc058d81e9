// The crates that are linked into the binary: what cargo itself resolves for this target, without what only builds or
// tests it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { natives } from "./natives.mjs";

const BYTES_MAX = 256 * 1024 * 1024;

function cargo(...arguments_) {
  return execFileSync("cargo", [...arguments_, "--locked"], { encoding: "utf8", maxBuffer: BYTES_MAX, stdio: ["ignore", "pipe", "inherit"] });
}

/** The crates by `name version`, the project's own first; each with what it depends on. */
export function crates(target) {
  const linked = cargo("tree", "--edges", "normal,no-proc-macro", "--target", target, "--prefix", "none", "--format", "{p}");
  const names = new Set(linked.split("\n").filter(Boolean).map((line) => line.split(" ").slice(0, 2).join(" ").replace(" v", " ")));
  const { packages, resolve } = JSON.parse(cargo("metadata", "--format-version", "1", "--filter-platform", target));
  const sums = checksums();
  const named = new Map(packages.map((entry) => [entry.id, `${entry.name} ${entry.version}`]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const own = packages.find(({ id }) => id === resolve.root);
  const found = packages.filter(({ id }) => names.has(named.get(id)));
  return [own, ...found.filter((entry) => entry !== own)].map((entry) => ({
    ref: named.get(entry.id),
    name: entry.name,
    version: entry.version,
    purl: `pkg:cargo/${entry.name}@${entry.version}`,
    // A slash stood for "or" before SPDX had a word for it.
    licence: entry.license?.replaceAll("/", " OR ").replaceAll(/ +/g, " "),
    sha256: sums.get(named.get(entry.id)),
    site: entry.repository ?? entry.homepage,
    authors: entry.authors,
    folder: dirname(entry.manifest_path),
    inside: natives(entry.name, dirname(entry.manifest_path)),
    needs: nodes
      .get(entry.id)
      .deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null))
      .map(({ pkg }) => named.get(pkg))
      .filter((name) => names.has(name)),
  }));
}

/** SHA-256 of the archives on crates.io, as the lock file pins them. */
function checksums() {
  const blocks = readFileSync("Cargo.lock", "utf8").split("[[package]]");
  const value = (block, key) => new RegExp(`^${key} = "([^"]*)"$`, "m").exec(block)?.[1];
  return new Map(blocks.map((block) => [`${value(block, "name")} ${value(block, "version")}`, value(block, "checksum")]));
}
