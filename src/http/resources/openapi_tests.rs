//! Holds `docs/openapi.json` to the code: the route table, what each route takes, the bodies and
//! the problem codes, both ways. The linter (`tests/openapi/`) holds its examples to its schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use serde_json::Value;

use super::DOCUMENT;
use crate::http::router::{self, Route};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// Follows a `$ref`, if it is one.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect(reference),
        None => value,
    }
}

/// Method, path and description of each operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| Some((*method, path.as_str(), item.get(*method)?)))
    });
    all.collect()
}

fn route<'a>(method: &str, path: &'a str) -> Route<'a> {
    router::find(&method.to_uppercase().parse().unwrap(), path)
        .unwrap_or_else(|miss| panic!("{method} {path}: {miss:?}"))
}

fn words(values: &Value) -> BTreeSet<String> {
    values.as_array().into_iter().flatten().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// Every source of the HTTP room, without its tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, found)?;
            } else if !path.to_string_lossy().ends_with("_tests.rs") {
                let text = fs::read_to_string(&path)?;
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(&text).to_owned();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                found.push((name, code));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut found).unwrap();
    found
}

/// The text between the next quotation marks, when nothing but white space stands before them.
fn quoted_next(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

#[test]
fn it_is_of_this_version() {
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document()["openapi"], "3.1.0");
}

#[test]
fn every_operation_has_a_route_with_its_access_and_parameters() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let route = route(method, path);
        let security = operation.get("security").unwrap_or(&document["security"]);
        let schemes: Vec<usize> =
            security.as_array().unwrap().iter().map(|scheme| scheme.as_object().unwrap().len()).collect();
        let expected = match route {
            Route::Health(_) => vec![],
            // The empty one: a credential may be left out.
            Route::Open(_) => vec![0, 1, 1, 1],
            // The last one is the figures' own token.
            Route::Metrics => vec![1, 1, 1, 1],
            Route::User(_) | Route::Admin(_) => vec![1, 1, 1],
        };
        assert_eq!(schemes, expected, "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        let refused = responses.get("403").map(|refused| refused["$ref"].as_str().unwrap_or_default());
        let admins_only = refused == Some("#/components/responses/AdminsOnly");
        assert_eq!(admins_only, matches!(route, Route::Metrics | Route::Admin(_)), "{method} {path}");
        assert!(
            responses.keys().any(|status| status.starts_with('2') || status == "101"),
            "{method} {path} has no good answer"
        );

        let shared = document["paths"][path]["parameters"].as_array().into_iter().flatten();
        let own = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&Value> = shared.chain(own).map(|one| resolved(&document, one)).collect();
        let named = |place: &str| {
            let there = parameters.iter().filter(|one| one["in"] == place);
            there.map(|one| one["name"].as_str().unwrap()).collect::<BTreeSet<_>>()
        };
        if let Some(known) = route.parameters() {
            assert_eq!(named("query"), known.iter().copied().collect(), "{method} {path}");
        }
        let in_path: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named("path"), in_path, "{method} {path}");
    }
}

#[test]
fn every_route_is_an_operation() {
    let document = document();
    let operations = operations(&document);
    let rows = router::rows();
    for row in &rows {
        assert!(operations.iter().any(|(method, path, _)| row.is(method, path)), "{row:?}");
    }
    assert_eq!(rows.len(), operations.len(), "each operation is one row of the table");
}

#[test]
fn bodies_have_the_fields_that_the_code_reads() {
    let document = document();
    let schema_of = |file: &str, body: &str| match (file, body) {
        ("generate.rs", "SubmitRequest") => "GenerateRequest",
        ("validate.rs", "Question") => "ValidateRequest",
        ("pictures.rs", "Question") => "RenderRequest",
        ("tokens.rs", "TokenRequest") => "TokenRequest",
        ("users.rs", "NewUser") => "NewUser",
        ("users.rs", "Change") => "UserChange",
        ("keys.rs", "NewKey") => "NewKeyRequest",
        ("session.rs", "SignIn") => "SignInRequest",
        ("session.rs", "NewPassword") => "PasswordChange",
        ("webhooks.rs", "NewAddress") => "WebhookRequest",
        _ => panic!("{file} reads {body}, of which this test does not know"),
    };
    let mut seen = BTreeSet::new();
    for (file, code) in sources() {
        for implementation in code.split("impl JsonBody for ").skip(1) {
            let body = implementation.split(' ').next().unwrap();
            let fields = implementation.split("\n}").next().unwrap();
            let read = |how: &str| -> BTreeSet<String> {
                let calls = fields.split(how).skip(1);
                calls.map(|call| quoted_next(call.split_once(">(").unwrap().1).unwrap().to_owned()).collect()
            };
            let (required, optional) = (read("Field::required::<"), read("Field::optional::<"));
            let name = schema_of(&file, body);
            let schema = &document["components"]["schemas"][name];
            let described: BTreeSet<String> =
                schema["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(words(&schema["required"]), required, "{name}");
            assert_eq!(described, required.union(&optional).cloned().collect(), "{name}");
            assert_eq!(schema["additionalProperties"], false, "{name}: unknown fields are refused");
            seen.insert(name);
        }
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
}

/// The codes of each status that docs/api.md names.
fn documented_codes() -> BTreeMap<String, BTreeSet<String>> {
    let text = include_str!("../../../docs/api.md");
    let table = text.split("| Status | `code` |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let (status, codes) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        (status.to_owned(), codes.split('`').skip(1).step_by(2).map(str::to_owned).collect())
    })
    .collect()
}

#[test]
fn problem_codes_are_those_of_the_code_and_of_the_manual() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let listed = words(&schemas["ProblemCode"]["enum"]);

    // In the code one stands behind its status, or is given to a closure that knows the status.
    let openers = ["unavailable(", "StatusCode::"];
    let mut written = BTreeSet::new();
    for (_, code) in sources() {
        for opener in openers {
            for rest in code.split(opener).skip(1) {
                let rest = match opener {
                    "StatusCode::" => rest.split_once(',').map_or("", |(status, rest)| {
                        if status.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()) {
                            rest
                        } else {
                            ""
                        }
                    }),
                    _ => rest,
                };
                let code = quoted_next(rest)
                    .filter(|code| code.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()));
                written.extend(code.map(str::to_owned));
            }
        }
    }
    assert_eq!(written, listed);

    let examples = document["components"]["examples"].as_object().unwrap();
    let mut problems: Vec<&Value> = examples.values().map(|example| &example["value"]).collect();
    problems.extend(schemas["Problem"]["examples"].as_array().unwrap());
    let mut by_status: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for problem in problems {
        let code = problem["code"].as_str().unwrap();
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("/{code}")), "{code}");
        by_status.entry(problem["status"].to_string()).or_default().insert(code.to_owned());
    }
    assert_eq!(by_status, documented_codes(), "the examples, one of each code");
}

#[test]
fn problems_stand_under_their_own_status() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &resolved(&document, response)["content"]["application/problem+json"];
            for example in content["examples"].as_object().into_iter().flatten().map(|(_, example)| example) {
                let problem = &resolved(&document, example)["value"];
                assert_eq!(problem["status"].to_string(), *status, "{method} {path}: {}", problem["code"]);
            }
            assert!(!content.is_null() || status.as_str() < "400", "{method} {path} {status}");
        }
    }
}

#[test]
fn codes_of_failures_are_those_of_the_code() {
    use crate::domain::failure::FailureCode;
    let document = document();
    let listed = words(&document["components"]["schemas"]["Failure"]["properties"]["code"]["enum"]);
    for code in &listed {
        assert!(FailureCode::from_name(code).is_some(), "{code}");
    }
    let source = include_str!("../../domain/failure.rs");
    let names = source.split("pub const fn name").nth(1).unwrap().split("pub fn").next().unwrap();
    assert_eq!(names.matches("=> \"").count(), listed.len());
}

#[test]
fn messages_are_those_of_the_sockets() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let types = |union: &str| -> BTreeSet<String> {
        let mapping = schemas[union]["discriminator"]["mapping"].as_object().unwrap();
        assert_eq!(mapping.len(), schemas[union]["oneOf"].as_array().unwrap().len());
        for (name, schema) in mapping {
            let schema = document.pointer(schema.as_str().unwrap().trim_start_matches('#')).unwrap();
            assert_eq!(schema["properties"]["type"]["const"], **name);
        }
        mapping.keys().cloned().collect()
    };
    let manual = include_str!("../../../docs/api.md").split("## The WebSocket").nth(1).unwrap();
    let (asked, told) = manual.split_once("| `type` | Fields |").unwrap();
    let asked = asked.split("{\"type\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    assert_eq!(types("ClientMessage"), asked.collect());
    let rows = told.lines().skip(2).take_while(|line| line.starts_with("| "));
    let cells = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    assert_eq!(types("ServerMessage"), cells.map(str::to_owned).collect());

    let refusals =
        sources().into_iter().filter(|(name, _)| name == "conversation.rs" || name == "following.rs");
    let mut written = BTreeSet::new();
    for (_, code) in refusals {
        for opener in ["refuse(", "\"code\":"] {
            let codes = code.split(opener).skip(1).filter_map(quoted_next);
            written.extend(codes.map(str::to_owned));
        }
    }
    assert_eq!(words(&schemas["ErrorMessage"]["properties"]["code"]["enum"]), written);
}

#[test]
fn every_component_is_named_somewhere() {
    let document = document();
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            let reference = format!("\"#/components/{kind}/{name}\"");
            assert!(DOCUMENT.contains(&reference), "{reference}");
        }
    }
}
