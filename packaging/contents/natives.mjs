// What is in the binary but is no package of a registry: libraries in C that packages bring along, Rust's own library,
// and the system's. Those who look for known holes look for these names.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const BY_PACKAGE = {
  "libsqlite3-sys": { name: "sqlite", cpe: "sqlite:sqlite", licence: "blessing", file: "sqlite3/sqlite3.h", pattern: /#define SQLITE_VERSION +"([\d.]+)"/ },
  "aws-lc-sys": { name: "aws-lc", cpe: "amazon:aws-lc", file: "aws-lc/include/openssl/base.h", pattern: /AWSLC_VERSION_NUMBER_STRING "([\d.]+)"/ },
  "rquickjs-sys": { name: "quickjs-ng", cpe: "quickjs-ng:quickjs", licence: "MIT", file: "quickjs/quickjs.h", pattern: /QJS_VERSION_MAJOR (\d+)[^]*?MINOR (\d+)[^]*?PATCH (\d+)/ },
  "libmimalloc-sys": { name: "mimalloc", cpe: "microsoft:mimalloc", licence: "MIT", file: "c_src/mimalloc/v3/include/mimalloc.h", pattern: /MI_MALLOC_VERSION +(\d)(\d\d)(\d\d)/ },
  // Its package has no notice of it. Graphviz lets everybody choose a later version of its licence.
  "@viz-js/viz": { name: "graphviz", cpe: "graphviz:graphviz", licence: "EPL-2.0", lacksNotice: true, file: "lib/metadata.js", pattern: /graphvizVersion = "([\d.]+)"/ },
};

/** The libraries inside a package's folder. One of the table without its library is an error: the table is old then. */
export function natives(name, folder) {
  const known = BY_PACKAGE[name];
  if (known === undefined) return [];
  const found = known.pattern.exec(readFileSync(join(folder, known.file), "utf8"));
  if (found === null) throw new Error(`${name}: no version of ${known.name} in ${known.file}`);
  return [part(known, found.slice(1).map((number) => number.replace(/^0+(?=\d)/, "")).join("."))];
}

function part({ name, cpe, licence, lacksNotice }, version) {
  return { ref: `${name} ${version}`, name, version, licence, lacksNotice, purl: `pkg:generic/${name}@${version}`, cpe: `cpe:2.3:a:${cpe}:${version}:*:*:*:*:*:*:*` };
}

/** Rust's own library and, where it is the GNU one, the C library of the system: both are linked in. */
export function toolchain() {
  const ask = (...command) => execFileSync(command[0], command.slice(1), { encoding: "utf8" }).trim();
  const rust = part({ name: "rust", cpe: "rust-lang:rust", licence: "MIT OR Apache-2.0" }, /^release: (\S+)$/m.exec(ask("rustc", "-vV"))[1]);
  const folder = join(ask("rustc", "--print", "sysroot"), "share/doc/rust");
  const parts = [{ ...rust, name: "Rust's standard library", folder: existsSync(folder) ? folder : undefined }];
  const gnu = /^glibc (\S+)$/.exec(ask("getconf", "GNU_LIBC_VERSION"));
  if (gnu === null) return parts;
  return [...parts, { ...part({ name: "glibc", cpe: "gnu:glibc", licence: "LGPL-2.1-or-later" }, gnu[1]), name: "GNU C Library" }];
}
