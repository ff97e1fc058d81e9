//! Sequence diagrams.

use std::fmt::{Result, Write};

use crate::provider::offline::sketch::{Message, Part, Sequence};

use super::escape::plain;
use super::names;

/// Names that are drawn as people.
const PEOPLE: &[&str] = &[
    "user", "customer", "client", "admin", "person", "visitor", "operator", "buyer", "seller", "alice",
    "bob", "patient", "doctor", "student", "teacher", "employee", "manager",
];

pub(super) fn write(out: &mut String, sequence: &Sequence) -> Result {
    writeln!(out, "sequenceDiagram")?;
    for (index, name) in sequence.participants.iter().enumerate() {
        let kind = if PEOPLE.contains(&name.to_lowercase().as_str()) { "actor" } else { "participant" };
        let id = names::id(name, 'p', index + 1);
        if id == *name {
            writeln!(out, "    {kind} {id}")?;
        } else {
            writeln!(out, "    {kind} {id} as {}", plain(name))?;
        }
    }
    for part in &sequence.parts {
        match part {
            Part::Message(said) => message(out, sequence, said, 4)?,
            Part::Choice { condition, yes, no } => {
                writeln!(out, "    {} {}", if no.is_empty() { "opt" } else { "alt" }, plain(condition))?;
                yes.iter().try_for_each(|said| message(out, sequence, said, 8))?;
                if !no.is_empty() {
                    writeln!(out, "    else Otherwise")?;
                    no.iter().try_for_each(|said| message(out, sequence, said, 8))?;
                }
                writeln!(out, "    end")?;
            }
        }
    }
    Ok(())
}

fn message(out: &mut String, sequence: &Sequence, message: &Message, indent: usize) -> Result {
    let arrow = if message.is_reply { "-->>" } else { "->>" };
    let id = |at: usize| names::id(sequence.participants.get(at).map_or("", |name| name), 'p', at + 1);
    writeln!(
        out,
        "{}{}{arrow}{}: {}",
        " ".repeat(indent),
        id(message.from),
        id(message.to),
        plain(&message.text)
    )
}
