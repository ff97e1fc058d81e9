//! Query parameters: each at most once, unknown ones refused.

use std::borrow::Cow;
use std::str::FromStr;

use super::json::refused;
use super::problem::{FieldError, Problem};

/// The parameters of a call.
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Parameters that are unknown or given twice.
    errors: Vec<FieldError>,
}

impl<'a> Query<'a> {
    /// Takes the part of a URI after the question mark apart.
    pub fn parse(query: Option<&'a str>, known: &[&str]) -> Self {
        let pairs: Vec<_> = form_urlencoded::parse(query.unwrap_or("").as_bytes()).collect();
        let mut errors = Vec::new();
        for (index, (name, _)) in pairs.iter().enumerate() {
            let detail = if !known.contains(&name.as_ref()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                format!("There is no such parameter; known here: {known}.")
            } else if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                "Is given twice; give it once.".to_owned()
            } else {
                continue;
            };
            errors.push(FieldError { pointer: format!("/{name}"), detail });
        }
        Self { pairs, errors }
    }

    /// Reads all parameters at once: the only way to any of them.
    ///
    /// # Errors
    /// 422 with every fault there is.
    pub fn read<T>(&self, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Result<T, Problem> {
        let mut parameters = Parameters { pairs: &self.pairs, errors: self.errors.clone() };
        let value = read(&mut parameters);
        if parameters.errors.is_empty() { Ok(value) } else { Err(refused(parameters.errors)) }
    }
}

/// The parameters while they are read. What is faulty reads as if it were absent.
pub struct Parameters<'a> {
    pairs: &'a [(Cow<'a, str>, Cow<'a, str>)],
    errors: Vec<FieldError>,
}

impl<'a> Parameters<'a> {
    /// A parameter's value as `parse` makes it of its text; `detail` says what it must be.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        detail: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let (_, text) = self.pairs.iter().find(|(known, _)| known == name)?;
        let value = parse(text);
        if value.is_none() {
            self.fault(name, detail);
        }
        value
    }

    /// A parameter's value; `expected` completes "must be …".
    pub fn value<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        self.parsed(name, &format!("Must be {expected}."), |text| text.parse().ok())
    }

    /// `limit`: how many entries of a list, `1..=max`.
    pub fn limit(&mut self, default: u32, max: u32) -> u32 {
        let detail = format!("Must be a whole number from 1 to {max}.");
        let limit =
            self.parsed("limit", &detail, |text| text.parse().ok().filter(|limit| (1..=max).contains(limit)));
        limit.unwrap_or(default)
    }

    /// `cursor`: the `next` of an earlier page.
    pub fn cursor<T>(&mut self, parse: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        self.parsed("cursor", "Use the `next` of an earlier page, unchanged.", parse)
    }

    /// Notes a fault.
    pub fn fault(&mut self, name: &str, detail: &str) {
        self.errors.push(FieldError { pointer: format!("/{name}"), detail: detail.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(query: &Query<'_>) -> Vec<String> {
        let problem = query.read(|parameters| parameters.limit(20, 100)).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let query = Query::parse(Some("limit=5&status=queued"), &["limit", "status"]);
        let read =
            query.read(|all| (all.parsed("status", "", |text| Some(text.to_owned())), all.limit(20, 100)));
        assert_eq!(read.unwrap(), (Some("queued".to_owned()), 5));
        assert_eq!(pointers(&Query::parse(Some("limit=5&limit=6&x=1"), &["limit"])), ["/limit", "/x"]);
        assert_eq!(pointers(&Query::parse(Some("limit=x&foo=1"), &["limit"])), ["/foo", "/limit"]);
    }

    #[test]
    fn a_limit_keeps_its_bounds() {
        for (text, fine) in [
            ("", true),
            ("limit=100", true),
            ("limit=0", false),
            ("limit=101", false),
            ("limit=-1", false),
            ("limit=x", false),
            ("limit=", false),
            ("limit=99999999999", false),
        ] {
            let query = Query::parse(Some(text), &["limit"]);
            assert_eq!(query.read(|parameters| parameters.limit(20, 100)).is_ok(), fine, "{text}");
        }
    }
}
