//! `--var NAME=VALUE` of `generate`: the variables of a template, each in the form that the
//! template wants.

use std::io::Read;

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::exit::UsageError;

/// Bytes of a file that is a variable's value: more than any server takes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// One `--var`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    name: String,
    value: String,
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// When there is no `=`, or nothing before it.
pub(super) fn given(text: &str) -> Result<Given, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(Given { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// The variables of `template`, one of `templates` as the API lists them: numbers are numbers, a
/// list has an item for each line and each time that it is given, the rest is text. `@FILE` is
/// what stands in the file, `@@` a single `@`.
///
/// # Errors
/// A file that cannot be read, or text that is given twice. What the template does not have or
/// take is left to who fills it.
pub(super) fn values(
    template: &str,
    given: &[Given],
    templates: &Value,
) -> anyhow::Result<Map<String, Value>> {
    let mut values = Map::new();
    for Given { name, value } in given {
        let text = text(value).with_context(|| format!("--var {name}"))?;
        match kind(templates, template, name) {
            Some("list") => {
                let items = text.lines().filter(|line| !line.trim().is_empty()).map(Value::from);
                let list = values.entry(name.as_str()).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().into_iter().for_each(|list| list.extend(items.clone()));
                continue;
            }
            _ if values.contains_key(name) => {
                return Err(UsageError(format!("--var {name} is given twice, and is no list")).into());
            }
            Some("number") => {
                values.insert(name.clone(), text.trim().parse().map_or(Value::String(text), Value::Number));
            }
            _ => {
                values.insert(name.clone(), Value::String(text));
            }
        }
    }
    Ok(values)
}

/// The type of a template's variable.
fn kind<'a>(templates: &'a Value, template: &str, name: &str) -> Option<&'a str> {
    let named = |list: &'a Value, name: &str| list.as_array()?.iter().find(|one| one["name"] == name);
    named(&named(templates, template)?["variables"], name)?["type"].as_str()
}

fn text(value: &str) -> anyhow::Result<String> {
    let Some(file) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    if file.starts_with('@') {
        return Ok(file.to_owned());
    }
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(|| format!("{file} cannot be read"))?;
    opened
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{file} cannot be read"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        bail!("{file} has more than {FILE_BYTES_MAX} bytes");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(texts: &[&str]) -> anyhow::Result<Map<String, Value>> {
        let templates = json!([{"name": "t", "variables": [
            {"name": "ddl", "type": "text"}, {"name": "tables", "type": "list"}, {"name": "max", "type": "number"},
        ]}]);
        let given: Vec<Given> = texts.iter().map(|text| given(text).unwrap()).collect();
        values("t", &given, &templates)
    }

    #[test]
    fn values_take_the_form_that_the_template_wants() {
        let read = all(&["ddl=a=b", "tables=x", "tables=y\n\nz", "max= 5", "odd=1"]).unwrap();
        assert_eq!(
            Value::Object(read),
            json!({"ddl": "a=b", "tables": ["x", "y", "z"], "max": 5, "odd": "1"})
        );
        assert_eq!(
            Value::Object(all(&["max=five", "ddl=@@x"]).unwrap()),
            json!({"max": "five", "ddl": "@x"})
        );
        assert!(all(&["ddl=a", "ddl=b"]).unwrap_err().is::<UsageError>());
        assert!(given("ddl").is_err() && given("=x").is_err());
        assert_eq!(given("ddl=").unwrap().value, "");
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("a.sql");
        std::fs::write(&file, "CREATE TABLE a;\n").unwrap();
        let read = all(&[&format!("ddl=@{}", file.display())]).unwrap();
        assert_eq!(read["ddl"], "CREATE TABLE a;\n");
        let missing = all(&["ddl=@/nowhere/a.sql"]).unwrap_err();
        assert!(format!("{missing:#}").contains("--var ddl: /nowhere/a.sql cannot be read"), "{missing:#}");
        std::fs::write(&file, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(all(&[&format!("ddl=@{}", file.display())]).is_err());
    }
}
