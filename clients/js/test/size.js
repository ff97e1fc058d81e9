/** Prints the size that a page pays for, and fails when it is above the bound. */
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';

const BYTES_MAX = 6 * 1024;
const { outputFiles } = buildSync({ entryPoints: ['index.js'], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false });
const minified = outputFiles[0].contents;
const gzip = gzipSync(minified, { level: 9 }).length;
console.log(`index.js: ${minified.length} bytes minified, ${gzip} with gzip (at most ${BYTES_MAX})`);
process.exitCode = gzip > BYTES_MAX ? 1 : 0;
