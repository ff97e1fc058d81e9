// Bundles the pages, and compresses what they load. The names of files change with their content,
// so that browsers may keep them for ever. Called by build.rs as `node pack.mjs FOLDER` in a
// directory where `npm ci` has run; writes FOLDER/pages, and FOLDER/pages/files.rs, which lists them.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";
import { licences, packages } from "./licences.mjs";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node pack.mjs FOLDER");

/** What the playground needs before it shows itself, compressed, is at most this. */
const FIRST_PAINT_BYTES_MAX = 100 * 1024;
const PAGES = { playground: true, admin: true, frame: false };
const TYPES = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", txt: "text/plain; charset=utf-8" };

const out = join(folder, "pages");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const entries = Object.entries(PAGES).flatMap(([page, isStyled]) => [
  [page, page === "frame" ? "src/frame/main.js" : `src/${page}/main.jsx`],
  ...(isStyled ? [[`${page}-style`, `src/${page}/page.css`]] : []),
]);
const { outputFiles, metafile } = await build({
  entryPoints: Object.fromEntries(entries),
  outdir: "built",
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  alias: { "diagramd-client": "./client.js" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
});

/** Compressed sizes by name. */
const sizes = {};
const rows = [];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
// Compressing all takes a while, and most files are as they were the last time.
const [kept, keeping] = ["compressed", "compressed.new"];
rmSync(keeping, { recursive: true, force: true });
mkdirSync(keeping);

function compressed(bytes) {
  const name = sha256(bytes);
  const known = existsSync(join(kept, name)) ? readFileSync(join(kept, name)) : undefined;
  const packed = known ?? compressedAnew(bytes);
  writeFileSync(join(keeping, name), packed);
  return packed;
}

function compressedAnew(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params });
}

function pack(name, contents) {
  const bytes = compressed(contents);
  writeFileSync(join(out, `${name}.br`), bytes);
  sizes[name] = bytes.length;
  const type = TYPES[name.split(".").at(-1)];
  rows.push(`    File { name: "${name}", media_type: "${type}", packed: include_bytes!(concat!(env!("OUT_DIR"), "/pages/${name}.br")) },\n`);
}

for (const { path, contents } of outputFiles) pack(basename(path), Buffer.from(contents));
const folders = packages(Object.keys(metafile.inputs));
// Read by packaging/contents, which lists what is in the binary.
writeFileSync("packed.json", JSON.stringify(folders));
const notices = Buffer.from(licences(folders));
const noticesName = `licences-${sha256(notices).slice(0, 16)}.txt`;
pack(noticesName, notices);
writeFileSync(join(out, "files.rs"), `&[\n${rows.sort().join("")}]\n`);

/** A built file and all that it imports before it runs. */
function needed(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of metafile.outputs[`built/${name}`].imports) {
    if (kind === "import-statement") needed(basename(path), found);
  }
  return found;
}

const built = (source) => basename(Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === source)[0]);

for (const [page, source] of entries.filter(([name]) => name in PAGES)) {
  const script = built(source);
  const parts = [...needed(script)];
  const preloads = parts.slice(1).map((part) => `<link rel="modulepreload" href="assets/${part}">\n`);
  const style = PAGES[page] ? built(`src/${page}/page.css`) : undefined;
  const html = readFileSync(`src/${page}/index.html`, "utf8")
    .replace("SCRIPT", script)
    .replace("STYLE", style)
    .replace("<!-- PRELOADS -->\n", preloads.join(""))
    .replace("LICENCES", noticesName);
  writeFileSync(join(out, `${page}.html`), html);
  if (page !== "playground") continue;
  const bytes = [...parts, style].reduce((sum, part) => sum + sizes[part], compressed(Buffer.from(html)).length);
  console.log(`first paint of the playground: ${bytes} of ${FIRST_PAINT_BYTES_MAX} bytes`);
  if (bytes > FIRST_PAINT_BYTES_MAX) throw new Error(`the playground needs ${bytes} bytes before its first paint; at most ${FIRST_PAINT_BYTES_MAX} are allowed`);
}

rmSync(kept, { recursive: true, force: true });
renameSync(keeping, kept);
