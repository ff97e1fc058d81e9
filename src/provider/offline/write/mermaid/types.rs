//! Entity relationship diagrams and class diagrams.

use std::fmt::{Result, Write};

use crate::provider::offline::sketch::{Bond, Classes, Entities, Many};

use super::escape::quoted;
use super::names;

pub(super) fn entities(out: &mut String, entities: &Entities) -> Result {
    writeln!(out, "erDiagram")?;
    let id = |at: usize| names::id(&entities.entities[at].name, 'e', at + 1);
    for (at, entity) in entities.entities.iter().enumerate() {
        let id = id(at);
        let head = if id == entity.name { id } else { format!("{id}[{}]", quoted(&entity.name)) };
        if entity.attributes.is_empty() {
            writeln!(out, "    {head}")?;
            continue;
        }
        writeln!(out, "    {head} {{")?;
        for (number, attribute) in entity.attributes.iter().enumerate() {
            let name = names::member(&attribute.name);
            // What is no plain name stands beside it.
            let comment = if name.as_ref() == Some(&attribute.name) {
                String::new()
            } else {
                format!(" {}", quoted(&attribute.name))
            };
            let name = name.unwrap_or_else(|| format!("a{}", number + 1));
            let key = match name.to_ascii_lowercase().as_str() {
                "id" => " PK",
                other if other.ends_with("_id") => " FK",
                _ => "",
            };
            writeln!(out, "        {} {name}{key}{comment}", names::kind(&attribute.kind))?;
        }
        writeln!(out, "    }}")?;
    }
    for relation in &entities.relations {
        let ends = match relation.many {
            Many::Single => "||--||",
            Many::Several => "||--o{",
            Many::Mutual => "}o--o{",
        };
        writeln!(out, "    {} {ends} {} : {}", id(relation.from), id(relation.to), quoted(&relation.label))?;
    }
    Ok(())
}

pub(super) fn classes(out: &mut String, classes: &Classes) -> Result {
    writeln!(out, "classDiagram")?;
    let id = |at: usize| names::id(&classes.classes[at].name, 'c', at + 1);
    for (at, class) in classes.classes.iter().enumerate() {
        let id = id(at);
        let head = if id == class.name { id } else { format!("{id}[{}]", quoted(&class.name)) };
        if class.fields.is_empty() && class.methods.is_empty() && class.mark.is_none() {
            writeln!(out, "    class {head}")?;
            continue;
        }
        writeln!(out, "    class {head} {{")?;
        if let Some(mark) = class.mark {
            writeln!(out, "        <<{mark}>>")?;
        }
        for field in &class.fields {
            writeln!(out, "        +{} {}", names::kind(&field.kind), word(&field.name))?;
        }
        for method in &class.methods {
            writeln!(out, "        +{}()", word(method))?;
        }
        writeln!(out, "    }}")?;
    }
    for (bond, from, to) in &classes.relations {
        let (from, to) = (id(*from), id(*to));
        match bond {
            Bond::Extends => writeln!(out, "    {to} <|-- {from}")?,
            Bond::Implements => writeln!(out, "    {to} <|.. {from}")?,
            Bond::Has => writeln!(out, "    {from} *-- {to}")?,
            Bond::Uses => writeln!(out, "    {from} --> {to}")?,
        }
    }
    Ok(())
}

/// A member's name: letters, digits and underscores of any script. Members know no entities.
fn word(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let name = name.trim_matches('_');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}
