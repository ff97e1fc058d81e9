//! Query parameters: each at most once, unknown ones refused.

use std::borrow::Cow;
use std::str::FromStr;

use super::json::{refused, refused_field};
use super::problem::{FieldError, Problem};

/// The parameters of a call.
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// Reads the part of a URI after the question mark.
    ///
    /// # Errors
    /// 422 with every parameter that is unknown or given twice.
    pub fn parse(query: Option<&'a str>, known: &[&str]) -> Result<Self, Problem> {
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
        if errors.is_empty() { Ok(Self { pairs }) } else { Err(refused(errors)) }
    }

    /// A parameter's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// A parameter's value; `expected` completes "must be …".
    ///
    /// # Errors
    /// 422 when the text is no `T`.
    pub fn value<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let parse = |text: &str| {
            text.parse().map_err(|_| refused_field(&format!("/{name}"), format!("Must be {expected}.")))
        };
        self.text(name).map(parse).transpose()
    }

    /// `limit`: how many entries of a list, `1..=max`.
    ///
    /// # Errors
    /// 422 when it is out of bounds.
    pub fn limit(&self, default: u32, max: u32) -> Result<u32, Problem> {
        let expected = format!("a whole number from 1 to {max}");
        let limit = self.value("limit", &expected)?.unwrap_or(default);
        if (1..=max).contains(&limit) {
            return Ok(limit);
        }
        Err(refused_field("/limit", format!("Must be {expected}.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_doubled_parameters_are_refused() {
        let query = Query::parse(Some("limit=5&status=queued"), &["limit", "status"]).ok().unwrap();
        assert_eq!((query.text("status"), query.limit(20, 100).unwrap()), (Some("queued"), 5));
        let refused = Query::parse(Some("limit=5&limit=6&x=1"), &["limit"]).err().unwrap();
        let pointers: Vec<_> = refused.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limit", "/x"]);
    }

    #[test]
    fn a_limit_keeps_its_bounds() {
        for (text, fine) in [("", true), ("limit=100", true), ("limit=0", false), ("limit=101", false)] {
            let query = Query::parse(Some(text), &["limit"]).ok().unwrap();
            assert_eq!(query.limit(20, 100).is_ok(), fine, "{text}");
        }
        for text in ["limit=-1", "limit=x", "limit=", "limit=99999999999"] {
            assert!(Query::parse(Some(text), &["limit"]).ok().unwrap().limit(20, 100).is_err(), "{text}");
        }
    }
}
