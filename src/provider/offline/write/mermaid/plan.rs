//! Gantt charts.

use std::fmt::{Result, Write};

use crate::provider::offline::sketch::{Length, Plan, Start};

use super::escape::{leading, plain};

pub(super) fn write(out: &mut String, plan: &Plan, title: &str) -> Result {
    writeln!(out, "gantt\n    title {}\n    dateFormat YYYY-MM-DD", plain(title))?;
    let mut section: Option<&str> = None;
    for (index, task) in plan.tasks.iter().enumerate() {
        let own = task.section.as_deref().unwrap_or("Plan");
        if section != Some(own) {
            writeln!(out, "    section {}", plain(own))?;
            section = Some(own);
        }
        let start = match task.start {
            Start::On(day) => day.to_string(),
            Start::After(before) => format!("after t{}", before + 1),
        };
        let (mark, length) = match task.length {
            Length::Until(end) => ("", end.to_string()),
            Length::Days(days) => ("", format!("{days}d")),
            Length::Milestone => ("milestone, ", "0d".to_owned()),
        };
        writeln!(out, "    {} :{mark}t{}, {start}, {length}", leading(&task.name), index + 1)?;
    }
    Ok(())
}
