//! The templates that come with the program, written like an operator's own.

use super::parse::parse;
use super::{Source, Template};

const FILES: [(&str, &str); 11] = [
    ("architecture", include_str!("../templates/architecture.toml")),
    ("c4-container", include_str!("../templates/c4-container.toml")),
    ("c4-context", include_str!("../templates/c4-context.toml")),
    ("er-from-sql", include_str!("../templates/er-from-sql.toml")),
    ("gantt-from-tasks", include_str!("../templates/gantt-from-tasks.toml")),
    ("git-history", include_str!("../templates/git-history.toml")),
    ("mindmap-from-notes", include_str!("../templates/mindmap-from-notes.toml")),
    ("org-chart", include_str!("../templates/org-chart.toml")),
    ("sequence-from-api", include_str!("../templates/sequence-from-api.toml")),
    ("state-machine", include_str!("../templates/state-machine.toml")),
    ("user-journey", include_str!("../templates/user-journey.toml")),
];

/// All of them; that each parses is held by a test.
pub(super) fn all() -> Vec<Template> {
    FILES.iter().filter_map(|(name, text)| parse(name, text, Source::BuiltIn).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_is_without_fault() {
        for (name, text) in FILES {
            let template =
                parse(name, text, Source::BuiltIn).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            assert_eq!(template.name, name);
            assert!(template.variables.iter().any(|variable| variable.required), "{name}");
            assert!(template.variables.iter().all(|variable| !variable.description.is_empty()), "{name}");
        }
        assert_eq!(all().len(), FILES.len());
    }
}
