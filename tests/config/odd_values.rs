//! Every key with every odd value: taken, or refused in one line that names the key and its place.

use diagramd::config::{Config, Fault, Faults, LoadOptions, Loaded, Origin, known_keys, show, show_json};

use crate::binary::Place;

/// Values as TOML writes them; the secret stands in some, for what must never be shown.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "1.5",
    "nan",
    "-inf",
    "true",
    "1979-05-27T07:32:00Z",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"1s\"",
    "\"99999999999999999999d\"",
    "\"1MiB\"",
    "\"ä…\\u0000\\n\"",
    "\"http://u:sk-HUSH-HUSH@a.example\"",
    "\"/dev/null\"",
    "\"/\"",
    "[]",
    "[1]",
    "[\"\"]",
    "[[]]",
    "{}",
    "{ a = 1 }",
    "[{}]",
];

/// A file that sets `key`, and the line it stands on.
fn file(key: &str, value: &str) -> (String, usize) {
    let last = key.rsplit(['.', ']']).next().unwrap();
    let (head, name) = match key.split_once("[*].") {
        Some((list, rest)) => match rest.rsplit_once('.') {
            Some((section, name)) => (format!("[[{list}]]\n[{list}.{section}]\n"), name),
            None => (format!("[[{list}]]\n"), rest),
        },
        None => match key.rsplit_once('.') {
            Some((section, name)) => (format!("[{section}]\n"), name),
            None => (String::new(), last),
        },
    };
    let line = head.matches('\n').count() + 1;
    (format!("{head}{name} = {value}\n"), line)
}

fn load(place: &Place, environment: &[(String, String)]) -> Result<Loaded, Faults> {
    Config::load(LoadOptions {
        fallback_file: Some(place.path("config.toml")),
        environment: environment.iter().cloned().collect(),
        ..LoadOptions::default()
    })
}

fn check(fault: &Fault, what: &str) {
    let text = fault.to_string();
    assert!(!text.contains("HUSH-HUSH"), "{what}: {text}");
    assert!(!text.contains(['\n', '\0']) && text.len() < 400, "{what}: {text}");
    assert!(fault.message.contains(' '), "{what}: {text}");
}

#[test]
fn every_odd_value_of_every_key_in_the_file() {
    let place = Place::new();
    let (mut taken, mut refused) = (0, 0);
    for key in known_keys() {
        let path = key.replace("[*]", "[0]");
        for value in VALUES {
            let (text, line) = file(&key, value);
            place.write("config.toml", &text);
            match load(&place, &[]) {
                Ok(loaded) => {
                    taken += 1;
                    assert!(show_json(&loaded.config).is_object(), "{text}");
                    // A name may be anything; a secret or an address may not be shown with one.
                    if ["url", "key", "token"].iter().any(|part| key.contains(part)) {
                        assert!(!show(&loaded.config).contains("HUSH-HUSH"), "{text}");
                    }
                }
                Err(faults) => {
                    refused += 1;
                    for fault in faults.all() {
                        check(fault, &text);
                    }
                    let own = faults.all().iter().filter(|fault| fault.path.starts_with(&path));
                    let is_placed = own.clone().any(
                        |fault| matches!(&fault.origin, Some(Origin::File { line: at, .. }) if *at == line),
                    );
                    let is_missing = faults.all().iter().any(|fault| fault.message.contains("is missing"));
                    assert!(is_placed || is_missing, "{text}: no fault is at line {line}: {faults}");
                }
            }
        }
    }
    assert!(taken > 200 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn every_odd_value_of_every_key_in_the_environment() {
    let place = Place::new();
    for key in known_keys() {
        let name = key.replace("[*]", "__0").replace('.', "__").to_uppercase();
        for value in [
            "",
            " ",
            "-1",
            "x",
            "[",
            "[1, 2",
            "{}",
            "null",
            "99999999999999999999",
            "http://u:sk-HUSH-HUSH@a",
        ] {
            let variable = (format!("DIAGRAMD_{name}"), value.to_owned());
            if let Err(faults) = load(&place, std::slice::from_ref(&variable)) {
                for fault in faults.all() {
                    check(fault, &format!("{variable:?}"));
                }
                let names = |fault: &Fault| fault.origin == Some(Origin::Environment(variable.0.clone()));
                let is_missing = |fault: &Fault| fault.message.contains("is missing");
                assert!(faults.all().iter().any(|f| names(f) || is_missing(f)), "{variable:?}: {faults}");
            }
        }
    }
}
