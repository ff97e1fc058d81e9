//! The templates in force: the built-in ones, and the operator's from `generation.templates_dir`.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::config::{Config, Fault, Faults};
use crate::diagram::template::{FILE_BYTES_MAX, Source, TEMPLATES_MAX, Template, Templates, parse};
use crate::domain::DiagramType;
use crate::domain::job::FilledTemplate;
use crate::queue;

const KEY: &str = "generation.templates_dir";

/// Reads the templates.
///
/// # Errors
/// Every fault of every file at once: a directory or a file that cannot be read, too many or too
/// large ones, and whatever is wrong inside.
pub fn templates(config: &Config) -> Result<Templates, Faults> {
    let built_in = Templates::built_in();
    let Some(dir) = &config.generation.templates_dir else { return Ok(built_in) };
    let mut faults = Vec::new();
    let own = read(dir, &mut faults);
    if faults.is_empty() { Ok(built_in.with(own)) } else { Err(Faults::new(faults)) }
}

fn read(dir: &Path, faults: &mut Vec<Fault>) -> Vec<Template> {
    let mut fault = |message: String| faults.push(Fault { path: KEY.to_owned(), message, origin: None });
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(reason) => {
            fault(format!("{} cannot be read: {reason}", dir.display()));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if entry.path().extension().is_some_and(|extension| extension == "toml") => {
                files.push(entry.path())
            }
            Ok(_) => {}
            Err(reason) => fault(format!("{} cannot be read: {reason}", dir.display())),
        }
        if files.len() > TEMPLATES_MAX {
            fault(format!("{} has more than {TEMPLATES_MAX} templates", dir.display()));
            return Vec::new();
        }
    }
    files.sort();
    let mut own = Vec::new();
    for file in files {
        let shown = file.display();
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let text = match text(&file) {
            Ok(text) => text,
            Err(reason) => {
                fault(format!("{shown} cannot be read: {reason}"));
                continue;
            }
        };
        match parse(name, &text, Source::Operator) {
            Ok(template) => own.push(template),
            Err(wrong) => {
                for one in wrong {
                    let separator = if one.path.is_empty() { "" } else { ": " };
                    fault(format!("{shown}{separator}{}: {}", one.path, one.message));
                }
            }
        }
    }
    own
}

/// A file's text; no more is read of it than a template may have.
fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(FILE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    std::fs::File::open(file)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

/// The templates as the queue asks for them.
#[derive(Debug)]
pub(super) struct Filling(pub(super) std::sync::Arc<Templates>);

impl queue::FillTemplate for Filling {
    fn fill(
        &self,
        name: &str,
        diagram_type: DiagramType,
        variables: &Map<String, Value>,
    ) -> Result<FilledTemplate, Vec<queue::Fault>> {
        let Some(template) = self.0.get(name) else {
            let meant =
                self.0.nearest(name).map_or(String::new(), |meant| format!(" did you mean {meant:?}?"));
            let detail = format!(
                "There is no template of this name;{meant} GET /api/diagram/templates lists them all."
            );
            return Err(vec![queue::Fault { pointer: "/template".into(), detail }]);
        };
        template.fill(diagram_type, variables).map_err(|faults| {
            let fault = |fault: crate::diagram::template::VariableFault| queue::Fault {
                pointer: fault.pointer.into(),
                detail: fault.detail,
            };
            faults.into_iter().map(fault).collect()
        })
    }
}
