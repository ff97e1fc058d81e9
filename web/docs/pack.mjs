// Makes a page, a script and a style sheet of Swagger UI, and compresses them. The names of the
// last two change with their content, so that browsers may keep them for ever.
// Called by build.rs as `node pack.mjs FOLDER` in a directory where `npm ci` has run.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node pack.mjs FOLDER");

const library = "node_modules/swagger-ui-dist";
const read = (...path) => readFileSync(join(...path), "utf8");
const { version } = JSON.parse(read(library, "package.json"));
const notice = `/* Swagger UI ${version}, Apache License 2.0, https://github.com/swagger-api/swagger-ui
${read(library, "NOTICE").trim().replaceAll("*/", "* /")} */
`;
// Its last line names a map of the source, which is not packed.
const unmapped = (text) => text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=[^\n]*\s*$/, "\n");

function pack(name, ending, text) {
  const bytes = Buffer.from(text);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const options = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(join(folder, `docs-${name}.br`), brotliCompressSync(bytes, { params: options }));
  const named = `page-${hash}.${ending}`;
  writeFileSync(join(folder, `docs-${name}.name`), named);
  return named;
}

// Read by packaging/contents, which lists what is in the binary.
writeFileSync("packed.json", JSON.stringify([library]));
const licences = read(library, "swagger-ui-bundle.js.LICENSE.txt");
const script = [notice, licences, unmapped(read(library, "swagger-ui-bundle.js")), ";\n", read("page.js")].join("");
const style = [notice, unmapped(read(library, "swagger-ui.css")), read("page.css")].join("");
const page = read("page.html")
  .replace("SCRIPT", pack("script", "js", script))
  .replace("STYLE", pack("style", "css", style));
writeFileSync(join(folder, "docs-page.html"), page);
