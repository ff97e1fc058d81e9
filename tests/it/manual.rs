//! The commands of a page of `docs/`, run as they stand there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The blocks of shell commands under a title (of the whole page with ""), in order.
pub fn blocks(page: &str, title: &str) -> Vec<String> {
    let section = match title {
        "" => page,
        _ => page.split("\n## ").find(|section| section.starts_with(title)).unwrap(),
    };
    let mut blocks: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in section.lines().map(str::trim_start) {
        match line {
            "```sh" => {
                blocks.push(String::new());
                is_inside = true;
            }
            "```" => is_inside = false,
            _ if is_inside => blocks.last_mut().unwrap().extend([line, "\n"]),
            _ => {}
        }
    }
    assert!(!blocks.is_empty(), "{title}");
    blocks
}

/// A shell in which commands find this program. What one of them exports, the next ones see.
pub struct Shell {
    folder: PathBuf,
}

impl Shell {
    pub fn new(folder: &Path) -> Self {
        let shell = Self { folder: folder.to_owned() };
        let program = Path::new(env!("CARGO_BIN_EXE_diagramd")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        shell.set(&[("PATH", &path), ("DIAGRAMD_SERVER__DATA_DIR", "data")]);
        shell
    }

    /// Exports variables.
    pub fn set(&self, variables: &[(&str, &str)]) {
        let mut exports = std::fs::read_to_string(self.exports()).unwrap_or_default();
        variables.iter().for_each(|(name, value)| exports.push_str(&format!("export {name}='{value}'\n")));
        std::fs::write(self.exports(), exports).unwrap();
    }

    /// Runs commands, each of which must succeed; what they print.
    pub fn run(&self, commands: &str) -> String {
        let exports = self.exports();
        let exports = exports.display();
        let script = format!("set -e\n. '{exports}'\n{commands}\nexport -p > '{exports}'\n");
        let ran = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&self.folder)
            .env_remove("ANTHROPIC_API_KEY")
            .output()
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{commands}{printed}{told}");
        println!("$ {commands}{printed}");
        printed
    }

    fn exports(&self) -> PathBuf {
        self.folder.join("exports.sh")
    }
}
