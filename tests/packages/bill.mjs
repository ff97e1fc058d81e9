// The bill of materials held to the schema of its standard, and to what is known to be
// in the binary: `node bill.mjs DIST PROJECT`. Called by tests/packages/run.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const [dist, project] = process.argv.slice(2);
const text = readFileSync(join(dist, readdirSync(dist).find((name) => name.endsWith(".cdx.json"))), "utf8");

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
assert.equal(await validator.validate(text), null);
assert.notEqual(await validator.validate(text.replace('"library"', '"shelf"')), null, "the validator lets anything pass");

const bill = JSON.parse(text);
assert.equal(bill.metadata.component.name, "diagramd");
assert.equal(bill.metadata.component.version, /^version = "(.*)"/m.exec(readFileSync(join(project, "Cargo.toml"), "utf8"))[1]);
const inside = bill.components.flatMap((component) => [component, ...(component.components ?? [])]);
const names = new Set(inside.map(({ name }) => name));
for (const name of ["tokio", "rusqlite", "sqlite", "aws-lc", "quickjs-ng", "mimalloc", "mermaid", "preact", "@viz-js/viz", "graphviz", "swagger-ui-dist", "@expo-google-fonts/arimo", "GNU C Library"]) {
  assert(names.has(name), `${name} is in the binary and not in the bill`);
}
// What only builds or tests it is not in it.
for (const name of ["insta", "proptest", "rcgen", "cc", "clap_derive", "esbuild", "serde_derive"]) assert(!names.has(name), name);
for (const { name, version, purl, hashes } of bill.components) {
  assert(version && purl, `${name} has no version or address`);
  assert(hashes?.length > 0 || purl.startsWith("pkg:generic/"), `${name} is not pinned`);
}
// The mermaid of the lock file, to the letter.
const locked = JSON.parse(readFileSync(join(project, "web/pages/package-lock.json"), "utf8")).packages["node_modules/mermaid"];
const mermaid = bill.components.find(({ name }) => name === "mermaid");
assert.equal(`sha512-${Buffer.from(mermaid.hashes[0].content, "hex").toString("base64")}`, locked.integrity);
// Everything hangs on the program: what nobody needs would not be in it.
const needs = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn ?? []]));
const reached = new Set();
const walk = (ref) => reached.has(ref) || (reached.add(ref), needs.get(ref).forEach(walk));
walk(bill.metadata.component["bom-ref"]);
for (const component of bill.components) assert(reached.has(component["bom-ref"]), `nothing needs ${component.name}`);
console.log(`CycloneDX 1.6: ${bill.components.length} components, each pinned and needed`);
