//! Makes what the binary embeds of npm's packages, at the versions that lock files pin: Mermaid's
//! own parser, bundled without a page, the font that pictures are drawn with, the page that shows
//! the API, and the playground with the dashboard. All compressed.
//!
//! The source tree is only read. Packages are installed in folders of the target directory, once
//! for each lock file; without a change there, a later build needs no network.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs, io};

/// Something made of npm packages.
struct Bundle {
    /// What it is, at the beginning of a sentence.
    what: &'static str,
    /// What is done with it, as the error about a missing Node says.
    done: &'static str,
    /// The variable that cargo sets when the feature is on.
    feature: &'static str,
    /// Where its sources are.
    sources: &'static str,
    /// The files and folders there, besides the two that pin the packages.
    scripts: &'static [&'static str],
    /// Files from elsewhere in the tree, and what they are called there.
    borrowed: &'static [(&'static str, &'static str)],
    /// The script that makes it.
    entry: &'static str,
    /// What the script is given: this in `OUT_DIR`.
    out: &'static str,
    /// Where the packages go, beside the profiles of the target directory.
    workshop: &'static str,
}

const BUNDLES: [Bundle; 4] = [
    Bundle {
        what: "Mermaid's parser",
        done: "bundled",
        feature: "CARGO_FEATURE_VALIDATE",
        sources: "web/mermaid",
        scripts: &[
            "absent.cjs",
            "bundle.mjs",
            "describe.js",
            "entry.js",
            "host.js",
            "identity.cjs",
            "prepared.js",
            "tracked.js",
        ],
        borrowed: &[],
        entry: "bundle.mjs",
        out: "mermaid.js.br",
        workshop: "mermaid-parser",
    },
    Bundle {
        what: "The font for pictures",
        done: "packed",
        feature: "CARGO_FEATURE_RENDER",
        sources: "web/fonts",
        scripts: &["pack.mjs"],
        borrowed: &[],
        entry: "pack.mjs",
        out: "",
        workshop: "picture-fonts",
    },
    Bundle {
        what: "The API page",
        done: "packed",
        feature: "CARGO_FEATURE_PAGES",
        sources: "web/docs",
        scripts: &["pack.mjs", "page.css", "page.html", "page.js"],
        borrowed: &[],
        entry: "pack.mjs",
        out: "",
        workshop: "api-page",
    },
    Bundle {
        what: "The playground and the dashboard",
        done: "packed",
        feature: "CARGO_FEATURE_PAGES",
        sources: "web/pages",
        scripts: &["licences.mjs", "pack.mjs", "src"],
        borrowed: &[("clients/js/index.js", "client.js")],
        entry: "pack.mjs",
        out: "",
        workshop: "pages",
    },
];
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];
/// The oldest Node that the scripts run on.
const NODE_MAJOR_MIN: u32 = 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for bundle in &BUNDLES {
        for file in PACKAGES.iter().chain(bundle.scripts) {
            println!("cargo::rerun-if-changed={}/{file}", bundle.sources);
        }
        for (file, _) in bundle.borrowed {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    for bundle in BUNDLES.iter().filter(|bundle| env::var_os(bundle.feature).is_some()) {
        if let Err(reason) = bundle.make() {
            for line in bundle.ways_out(&reason).lines() {
                println!("cargo::error={line}");
            }
            exit(1);
        }
    }
}

impl Bundle {
    /// Installs what is missing and writes into `OUT_DIR`.
    fn make(&self) -> Result<(), String> {
        has_node()?;
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
        // OUT_DIR is target/PROFILE/build/PACKAGE-HASH/out; all profiles share the workshop.
        let folder = out.ancestors().nth(4).unwrap_or(&out).join(self.workshop);
        let told = |what: &str| {
            let what = what.to_owned();
            move |reason: io::Error| format!("{what}: {reason}")
        };
        fs::create_dir_all(&folder).map_err(told("the folder for the packages cannot be made"))?;
        // Two builds of different profiles may come here at once.
        let lock = fs::File::create(folder.join("lock")).map_err(told("the lock file cannot be made"))?;
        lock.lock().map_err(told("the lock cannot be taken"))?;
        for file in PACKAGES.iter().chain(self.scripts) {
            lay(&Path::new(self.sources).join(file), &folder.join(file)).map_err(told(file))?;
        }
        for (file, name) in self.borrowed {
            fs::copy(file, folder.join(name)).map_err(told(file))?;
        }
        install(&folder)?;
        run(Command::new("node").arg(self.entry).arg(out.join(self.out)).current_dir(&folder), self.entry)
    }

    fn ways_out(&self, reason: &str) -> String {
        format!(
            "{} cannot be {}: {reason}\n\
             Either install Node {NODE_MAJOR_MIN} or newer with npm (it is needed to build, not to run; the first \
             build also needs the npm registry), or build without checking and drawing Mermaid diagrams and without pages: \
             `cargo build --no-default-features`.",
            self.what, self.done
        )
    }
}

/// Copies a file, or a folder as it is now: what an earlier build left there goes.
fn lay(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    if to.is_dir() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        lay(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
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
    match version {
        Ok(version) if major(&version).is_some_and(|major| major >= NODE_MAJOR_MIN) => Ok(()),
        Ok(version) => Err(format!("`node --version` says {version:?}")),
        Err(reason) => Err(format!("`node` cannot be run: {reason}")),
    }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|reason| format!("{what} cannot be run: {reason}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what} failed ({}):\n{}", output.status, said.trim()))
}
