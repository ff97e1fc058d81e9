//! JSON bodies to types. What is not JSON is 400; what is JSON but breaks the shape is 422, with
//! a pointer to every fault.
//!
//! A good body is parsed once, straight into its type. Only a bad one is walked field by field.

use std::collections::BTreeMap;
use std::fmt;
use std::str::Utf8Error;

use hyper::StatusCode;
use serde::Deserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{FieldError, Problem};

/// Levels of nesting; nothing here needs more than a few.
const DEPTH_MAX: usize = 64;

/// A field that a body may have.
pub struct Field {
    name: &'static str,
    required: bool,
    expected: &'static str,
    fits: fn(&str) -> bool,
}

impl Field {
    /// A field that must be there and hold a `T`; `expected` completes "must be …".
    pub const fn required<T: DeserializeOwned>(name: &'static str, expected: &'static str) -> Self {
        Self { name, required: true, expected, fits: fits::<T> }
    }

    /// A field that may be absent.
    pub const fn optional<T: DeserializeOwned>(name: &'static str, expected: &'static str) -> Self {
        Self { name, required: false, expected, fits: fits::<T> }
    }
}

fn fits<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok()
}

/// A body that a call may send: a JSON object with these fields and no others.
pub trait JsonBody: DeserializeOwned {
    /// The fields, for the words of a refusal.
    const FIELDS: &'static [Field];
}

/// Reads a body.
///
/// # Errors
/// 400 `invalid_json` or 422 `validation_failed`.
pub fn decode<T: JsonBody>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|reason| not_utf8(bytes, reason))?;
    if is_too_deep(bytes) {
        return Err(invalid(format!("The body is nested more than {DEPTH_MAX} deep; make it flatter.")));
    }
    // To serde a list of the fields' values, in their order, is as good as the object.
    let parsed = match text.trim_start().starts_with('[') {
        true => Err(serde::de::Error::custom("a list is no object")),
        false => serde_json::from_str(text),
    };
    match parsed {
        Ok(body) => Ok(body),
        Err(reason) => Err(explain(text, T::FIELDS, &reason)),
    }
}

/// As [`decode`], but of a body whose shape has faults also the rest is held against the rules,
/// so that all faults are told at once. `rules` gives a pointer and a sentence for each.
///
/// # Errors
/// As [`decode`].
pub fn decode_and<T: JsonBody>(bytes: &[u8], rules: impl FnOnce(T) -> Vec<FieldError>) -> Result<T, Problem> {
    let problem = match decode(bytes) {
        Ok(body) => return Ok(body),
        Err(problem) if problem.errors.is_empty() => return Err(problem),
        Err(problem) => problem,
    };
    let Some(rest) = rest_of::<T>(bytes) else { return Err(problem) };
    let mut errors = problem.errors;
    for fault in rules(rest) {
        if errors.iter().all(|known| known.pointer != fault.pointer) {
            errors.push(fault);
        }
    }
    Err(refused(errors))
}

/// What a body with faults says without them. Every required field is a string; where it is
/// faulty an empty one stands for it, for its fault is told already.
fn rest_of<T: JsonBody>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    let members = serde_json::Deserializer::from_str(text).deserialize_map(Members).ok()?;
    let empty: &RawValue = serde_json::from_str("\"\"").ok()?;
    let required = T::FIELDS.iter().filter(|field| field.required);
    let mut good: BTreeMap<&str, &RawValue> = required.map(|field| (field.name, empty)).collect();
    for (name, value) in &members {
        if T::FIELDS.iter().any(|field| field.name == name && (field.fits)(value.get())) {
            good.insert(name, value);
        }
    }
    serde_json::from_str(&serde_json::to_string(&good).ok()?).ok()
}

/// The 422 for these faults.
pub fn refused(errors: Vec<FieldError>) -> Problem {
    let detail = match errors.as_slice() {
        [one] => format!("{}: {}", one.pointer, one.detail),
        many => format!("{} fields need another value; see errors.", many.len()),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail).with_errors(errors)
}

/// The 422 for one fault.
pub fn refused_field(pointer: &str, detail: impl Into<String>) -> Problem {
    refused(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", detail)
}

fn not_utf8(bytes: &[u8], reason: Utf8Error) -> Problem {
    let before = &bytes[..reason.valid_up_to()];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    invalid(format!("The body is not UTF-8 at line {line} column {column}."))
}

/// Whether brackets outside of strings nest too deep. The parser itself would not overflow, but
/// whoever reads a deeply nested `metadata` later might.
fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

fn explain(text: &str, fields: &[Field], reason: &serde_json::Error) -> Problem {
    // A wrong type may stand before a broken bracket: whether it is JSON at all comes first.
    if let Err(reason) = serde_json::from_str::<&RawValue>(text) {
        return invalid(format!("The body is not valid JSON: {reason}."));
    }
    let Ok(members) = serde_json::Deserializer::from_str(text).deserialize_map(Members) else {
        return invalid("The body must be a JSON object at line 1 column 1.".into());
    };
    let errors = faults(fields, &members);
    if errors.is_empty() {
        return refused_field("", format!("Does not have the expected form: {reason}."));
    }
    refused(errors)
}

fn faults(fields: &[Field], members: &[(String, &RawValue)]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut fault = |name: &str, detail: String| errors.push(FieldError { pointer: pointer(name), detail });
    for (index, (name, value)) in members.iter().enumerate() {
        if members[..index].iter().any(|(earlier, _)| earlier == name) {
            fault(name, "Is given twice; give it once.".into());
            continue;
        }
        match fields.iter().find(|field| field.name == name) {
            None => fault(name, "There is no such field; leave it out.".into()),
            Some(field) if !(field.fits)(value.get()) => fault(name, format!("Must be {}.", field.expected)),
            Some(_) => {}
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        if !members.iter().any(|(name, _)| name == field.name) {
            fault(field.name, format!("Is missing; it must be {}.", field.expected));
        }
    }
    errors
}

/// A JSON pointer to a member (RFC 6901).
fn pointer(name: &str) -> String {
    let shown: String = name.chars().take(100).collect();
    format!("/{}", shown.replace('~', "~0").replace('/', "~1"))
}

/// The members of an object in order, duplicates included.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        text: String,
        #[serde(default)]
        count: Option<u64>,
    }

    impl JsonBody for Sample {
        const FIELDS: &'static [Field] = &[
            Field::required::<String>("text", "a string"),
            Field::optional::<Option<u64>>("count", "a whole number"),
        ];
    }

    fn refusal(body: &[u8]) -> (&'static str, Vec<String>, String) {
        let problem = decode::<Sample>(body).unwrap_err();
        let pointers = problem.errors.iter().map(|error| error.pointer.clone()).collect();
        (problem.code, pointers, problem.detail)
    }

    #[test]
    fn good_bodies_pass() {
        let sample: Sample = decode(br#" {"text":"a","count":null} "#).unwrap();
        assert_eq!((sample.text.as_str(), sample.count), ("a", None));
    }

    #[test]
    fn what_is_not_json_is_told_by_its_place() {
        for body in [
            &b""[..],
            b"{",
            b"nonsense",
            b"[]",
            b"[\"a\",1]",
            b"\"text\"",
            b"null",
            b"{\"text\":\"a\"} x",
            b"{\"text\":1,",
            b"{\"text\":\"\xff\"}",
        ] {
            let (code, pointers, detail) = refusal(body);
            assert_eq!((code, pointers.len()), ("invalid_json", 0), "{body:?}");
            assert!(detail.contains("line 1 column "), "{detail}");
        }
    }

    #[test]
    fn every_fault_of_the_shape_is_pointed_at() {
        let (code, pointers, _) = refusal(br#"{"count":-1,"a/b~c":{},"count":2}"#);
        assert_eq!(code, "validation_failed");
        assert_eq!(pointers, ["/count", "/a~1b~0c", "/count", "/text"]);
        assert_eq!(refusal(br#"{"text":null}"#).1, ["/text"]);
        assert_eq!(refusal(br#"{"text":"\ud800"}"#).1, ["/text"], "half a surrogate pair is no text");
        assert_eq!(refusal(br#"{"text":"a","count":1.5}"#).1, ["/count"]);
        assert_eq!(refusal(br#"{"text":"a","count":99999999999999999999}"#).1, ["/count"]);
    }

    #[test]
    fn the_rest_of_a_body_with_faults_is_held_against_the_rules() {
        let told = |body: &[u8]| {
            let rules = |sample: Sample| {
                let text = FieldError { pointer: "/text".into(), detail: format!("{:?}", sample.text) };
                let count = FieldError { pointer: "/count".into(), detail: format!("{:?}", sample.count) };
                vec![text, count]
            };
            let problem = decode_and::<Sample>(body, rules).unwrap_err();
            problem.errors.into_iter().map(|error| error.pointer + " " + &error.detail).collect::<Vec<_>>()
        };
        assert_eq!(told(br#"{"text":"a","count":-1}"#), ["/count Must be a whole number.", "/text \"a\""]);
        assert_eq!(
            told(br#"{"count":3,"x":1}"#),
            [
                "/x There is no such field; leave it out.",
                "/text Is missing; it must be a string.",
                "/count Some(3)"
            ]
        );
    }

    #[test]
    fn nesting_is_bounded_but_brackets_in_strings_are_free() {
        let deep = format!("{{\"text\":{}", "[".repeat(100_000));
        assert_eq!(refusal(deep.as_bytes()).0, "invalid_json");
        let text = format!(r#"{{"text":"\"{}"}}"#, "[".repeat(1000));
        assert!(decode::<Sample>(text.as_bytes()).is_ok());
    }
}
