//! Makes the script that the validator runs: Mermaid's own parser, taken from npm at the version
//! that `web/mermaid/package-lock.json` pins, bundled without a page, compressed, and embedded.
//!
//! The source tree is only read. Packages are installed in a folder of the target directory, once
//! for each lock file; without a change there, a later build needs no network.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs, io};

/// Where the bundle's sources are.
const SOURCES: &str = "web/mermaid";
/// They are: the packages, and the files that `bundle.mjs` reads.
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];
const SCRIPTS: [&str; 8] = [
    "absent.cjs",
    "bundle.mjs",
    "describe.js",
    "entry.js",
    "host.js",
    "identity.cjs",
    "prepared.js",
    "tracked.js",
];
/// The oldest Node that the bundler runs on.
const NODE_MAJOR_MIN: u32 = 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for file in PACKAGES.iter().chain(&SCRIPTS) {
        println!("cargo::rerun-if-changed={SOURCES}/{file}");
    }
    if env::var_os("CARGO_FEATURE_VALIDATE").is_none() {
        return;
    }
    if let Err(reason) = bundle() {
        for line in reason.lines() {
            println!("cargo::error={line}");
        }
        exit(1);
    }
}

/// Installs what is missing and writes `mermaid.js.br` into `OUT_DIR`.
fn bundle() -> Result<(), String> {
    has_node()?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let folder = workshop(&out);
    let told = |what: &str| {
        let what = what.to_owned();
        move |reason: io::Error| format!("{what}: {reason}")
    };
    fs::create_dir_all(&folder).map_err(told("the folder for Mermaid's packages cannot be made"))?;
    // Two builds of different profiles may come here at once.
    let lock = fs::File::create(folder.join("lock")).map_err(told("the lock file cannot be made"))?;
    lock.lock().map_err(told("the lock cannot be taken"))?;
    for file in PACKAGES.iter().chain(&SCRIPTS) {
        fs::copy(Path::new(SOURCES).join(file), folder.join(file)).map_err(told(file))?;
    }
    install(&folder)?;
    run(
        Command::new("node").arg("bundle.mjs").arg(out.join("mermaid.js.br")).current_dir(&folder),
        "the bundler",
    )
}

/// A folder that all profiles of a target directory share: `target/mermaid-parser`.
fn workshop(out: &Path) -> PathBuf {
    // OUT_DIR is target/PROFILE/build/PACKAGE-HASH/out.
    out.ancestors().nth(4).unwrap_or(out).join("mermaid-parser")
}

/// `npm ci`, unless it has run for this very lock file.
fn install(folder: &Path) -> Result<(), String> {
    let pinned = fs::read(folder.join("package-lock.json")).map_err(|reason| reason.to_string())?;
    let stamp = folder.join("installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new(npm).args(ci).current_dir(folder), "npm ci")?;
    fs::write(&stamp, pinned).map_err(|reason| format!("{}: {reason}", stamp.display()))
}

fn has_node() -> Result<(), String> {
    let output = Command::new("node").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let found = match version {
        Ok(version) if major(&version).is_some_and(|major| major >= NODE_MAJOR_MIN) => return Ok(()),
        Ok(version) => format!("`node --version` says {version:?}"),
        Err(reason) => format!("`node` cannot be run: {reason}"),
    };
    Err(ways_out(&found))
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|reason| ways_out(&format!("{what} cannot be run: {reason}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(ways_out(&format!("{what} failed ({}):\n{}", output.status, said.trim())))
}

fn ways_out(what: &str) -> String {
    format!(
        "Mermaid's parser cannot be bundled: {what}\n\
         Either install Node {NODE_MAJOR_MIN} or newer with npm (it is needed to build, not to run; the first build also needs \
         the npm registry), or build without the check of Mermaid diagrams: `cargo build --no-default-features`."
    )
}
