// Makes one script of Mermaid's parser, without a page, and compresses it.
// Called by build.rs as `node bundle.mjs OUT` in a directory where `npm ci` has run.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";

// What only drawing needs; parsing touches some of it in passing and must find something there.
const DRAWING =
  /^(d3(-[a-z]+)?|cytoscape(-[a-z]+)*|elkjs|katex|roughjs|dagre-d3-es|@upsetjs\/venn\.js|@iconify\/utils|stylis|marked)(\/.*)?$/;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const withoutDrawing = {
  name: "without drawing",
  setup(building) {
    building.onResolve({ filter: DRAWING }, () => ({ path: here("absent.cjs") }));
    building.onResolve({ filter: /^dompurify$/ }, () => ({ path: here("identity.cjs") }));
  },
};

const [out] = process.argv.slice(2);
if (!out) throw new Error("usage: node bundle.mjs OUT");
const { outputFiles, metafile } = await build({
  entryPoints: [here("entry.js")],
  bundle: true,
  minify: true,
  write: false,
  format: "iife",
  platform: "browser",
  target: "es2020",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  plugins: [withoutDrawing],
});
const folders = Object.keys(metafile.inputs).map((source) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1]);
// Read by packaging/contents, which lists what is in the binary.
writeFileSync("packed.json", JSON.stringify([...new Set(folders.filter(Boolean))].sort()));
const script = outputFiles[0].contents;
const options = {
  [constants.BROTLI_PARAM_QUALITY]: 11,
  [constants.BROTLI_PARAM_LGWIN]: 22,
  [constants.BROTLI_PARAM_SIZE_HINT]: script.length,
};
writeFileSync(out, brotliCompressSync(script, { params: options }));
