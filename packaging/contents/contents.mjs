// What is in the binary that was built last: `node contents.mjs TARGET_DIRECTORY TARGET FOLDER`, in the project's folder.
// Writes FOLDER/sbom.cdx.json and FOLDER/THIRD-PARTY-NOTICES. Called by packaging/build; times are SOURCE_DATE_EPOCH's.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crates } from "./crates.mjs";
import { toolchain } from "./natives.mjs";
import { notices } from "./notices.mjs";
import { packages } from "./packages.mjs";
import { sbom } from "./sbom.mjs";

const [targetDirectory, target, folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node contents.mjs TARGET_DIRECTORY TARGET FOLDER");

const parts = { crates: crates(target), packages: packages(targetDirectory), toolchain: toolchain() };
const time = Number(process.env.SOURCE_DATE_EPOCH) * 1000;
const library = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies["@cyclonedx/cyclonedx-library"];
writeFileSync(join(folder, "sbom.cdx.json"), sbom({ ...parts, time, tools: { "@cyclonedx/cyclonedx-library": library } }));
const others = [...parts.crates.slice(1), ...parts.packages].flatMap((part) => [part, ...part.inside.filter(({ lacksNotice }) => lacksNotice)]);
writeFileSync(join(folder, "THIRD-PARTY-NOTICES"), notices([...others, ...parts.toolchain]));
console.log(`${parts.crates.length} crates, ${parts.packages.length} npm packages and ${parts.toolchain.length} libraries of the system are in it`);
