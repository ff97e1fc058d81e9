// Compresses the font that pictures are drawn with: Arimo (SIL Open Font License 1.1), which has
// the widths of Arial and Liberation Sans. Each file holds its copyright and licence itself.
// Called by build.rs as `node pack.mjs FOLDER` in a directory where `npm ci` has run; writes the faces and arimo.rs, which
// lists them. A face's name changes with its content, so that browsers may keep it for ever.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const FACES = ["400Regular", "700Bold", "400Regular_Italic", "700Bold_Italic"];

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node pack.mjs FOLDER");
const library = "node_modules/@expo-google-fonts/arimo";
// Read by packaging/contents, which lists what is in the binary.
writeFileSync("packed.json", JSON.stringify([library]));
const rows = [];
for (const face of FACES) {
  const font = readFileSync(join(library, face, `Arimo_${face}.ttf`));
  const options = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: font.length,
  };
  writeFileSync(join(folder, `arimo-${face}.ttf.br`), brotliCompressSync(font, { params: options }));
  const name = `arimo-${createHash("sha256").update(font).digest("hex").slice(0, 16)}.ttf`;
  const [weight, style] = [parseInt(face, 10), face.endsWith("Italic") ? "italic" : "normal"];
  const packed = `include_bytes!(concat!(env!("OUT_DIR"), "/arimo-${face}.ttf.br"))`;
  rows.push(`    Face { name: "${name}", weight: ${weight}, style: "${style}", packed: ${packed} },\n`);
}
writeFileSync(join(folder, "arimo.rs"), `[\n${rows.join("")}]\n`);
