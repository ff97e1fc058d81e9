//! The templates as the command line shows them.

use serde_json::{Value, json};

use crate::config::{Config, Faults};
use crate::diagram::template::{Template, Templates, VariableType};

/// Every template in force.
pub struct Shelf(Templates);

/// Reads the templates.
///
/// # Errors
/// Every fault of every file.
pub fn shelf(config: &Config) -> Result<Shelf, Faults> {
    super::templates::templates(config).map(Shelf)
}

impl Shelf {
    /// All as the API lists them, without their instructions.
    pub fn list(&self) -> Value {
        json!(self.0.all())
    }

    /// Name, title, languages and variables of each.
    pub fn rows(&self) -> Vec<[String; 4]> {
        let row = |template: &Template| {
            let variable = |variable: &crate::diagram::template::Variable| {
                if variable.required { variable.name.clone() } else { format!("[{}]", variable.name) }
            };
            let variables: Vec<String> = template.variables.iter().map(variable).collect();
            [template.name.clone(), template.title.clone(), types(template), variables.join(" ")]
        };
        self.0.all().iter().map(row).collect()
    }

    /// The name that was probably meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        self.0.nearest(name)
    }

    /// One with its instruction, as JSON.
    pub fn one(&self, name: &str) -> Option<Value> {
        let template = self.0.get(name)?;
        let mut value = json!(template);
        value["prompt"] = template.prompt.as_str().into();
        Some(value)
    }

    /// One for people.
    pub fn page(&self, name: &str) -> Option<String> {
        let template = self.0.get(name)?;
        let mut page = format!(
            "{}: {}\n{}\nDrawn as: {}\n\nVariables:\n",
            template.name,
            template.title,
            template.description,
            types(template)
        );
        for variable in &template.variables {
            let needed = if variable.required { "required" } else { "optional" };
            page.push_str(&format!(
                "  {} ({}, {needed})\n      {}\n",
                variable.name,
                shape(&variable.holds),
                variable.description
            ));
            if let Some(default) = &variable.default {
                page.push_str(&format!("      Default: {default}\n"));
            }
        }
        page.push_str(&format!("\nInstruction:\n  {}\n", template.prompt.trim().replace('\n', "\n  ")));
        Some(page)
    }
}

fn types(template: &Template) -> String {
    let names: Vec<&str> = template.diagram_types.iter().map(|diagram_type| diagram_type.name()).collect();
    names.join(", ")
}

fn shape(holds: &VariableType) -> String {
    match holds {
        VariableType::String { max_length } => format!("one line of at most {max_length} characters"),
        VariableType::Text { max_length } => format!("text of at most {max_length} characters"),
        VariableType::List { max_items, max_length } => {
            format!("list of at most {max_items} texts of at most {max_length} characters")
        }
        VariableType::Enum { options } => format!("one of {}", options.join(", ")),
        VariableType::Number { min, max } => match (min, max) {
            (Some(min), Some(max)) => format!("number from {min} to {max}"),
            (Some(min), None) => format!("number of at least {min}"),
            (None, Some(max)) => format!("number of at most {max}"),
            (None, None) => "number".to_owned(),
        },
    }
}
