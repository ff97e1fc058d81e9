//! The other languages.

use crate::domain::DiagramType;

use super::draws;

#[test]
fn graphviz_of_a_choice() {
    draws(
        DiagramType::Graphviz,
        "user logs in, if the password is wrong show an error otherwise open the dashboard",
        "User logs in",
        r#"
digraph G {
    rankdir=TB;
    node [shape=box, style=rounded];
    n1 [label="User logs in"];
    n2 [label="Password is wrong?", shape=diamond, style=solid];
    n3 [label="Show an error"];
    n4 [label="Open the dashboard"];
    n1 -> n2;
    n2 -> n3 [label="Yes"];
    n2 -> n4 [label="No"];
}
"#,
    );
}

#[test]
fn graphviz_of_hostile_signs() {
    draws(
        DiagramType::Graphviz,
        "\"a\\N\" & b -> c\" ; }",
        "A\\N & b",
        r#"
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="\"a\\N\" &amp; b"];
    n2 [label="C\" ; }"];
    n1 -> n2;
}
"#,
    );
}

#[test]
fn plantuml_of_a_sequence() {
    draws(
        DiagramType::Plantuml,
        "User sends \"credentials\" to API. If the credentials are valid the API returns a token to the User.",
        "User and API",
        r#"
@startuml
participant "User" as p1
participant "API" as p2
p1 -> p2 : Credentials
alt Credentials are valid
p2 --> p1 : Token
end
@enduml
"#,
    );
}

#[test]
fn plantuml_runs_no_preprocessor() {
    draws(
        DiagramType::Plantuml,
        "%getenv(\"HOME\") -> !include /etc/passwd -> <img:x>",
        "%getenv(HOME) to <img",
        r#"
@startuml
rectangle "<U+0025>getenv(<U+0022>HOME<U+0022>)" as n1
rectangle "<U+0021>include <U+002F>etc/passwd" as n2
rectangle "<U+003C>img" as n3
n1 --> n2
n2 --> n3 : X<U+003E>
@enduml
"#,
    );
}

#[test]
fn plantuml_of_a_plan() {
    draws(
        DiagramType::Plantuml,
        "Design from 2026-01-05 to 2026-01-12, Build for 2 weeks after Design",
        "Plan from Design to Build",
        r#"
@startgantt
title Plan from Design to Build
Project starts 2026-01-05
[Design] as [t1] lasts 1 days
[t1] starts 2026-01-05
[t1] ends 2026-01-12
[Build] as [t2] lasts 14 days
[t2] starts at [t1]'s end
@endgantt
"#,
    );
}

#[test]
fn d2_of_tables() {
    draws(
        DiagramType::D2,
        "ER diagram: users(id, name, label), orders(id, user_id)",
        "User and Order",
        r#"
e1: "User" {
  shape: sql_table
  "id": int {constraint: primary_key}
  "name": string
  "label_": string
}
e2: "Order" {
  shape: sql_table
  "id": int {constraint: primary_key}
  "user_id": int {constraint: foreign_key}
}
e1 <-> e2: "has" {
  source-arrowhead.shape: cf-one-required
  target-arrowhead.shape: cf-many
}
"#,
    );
}

#[test]
fn d2_of_hostile_signs() {
    draws(
        DiagramType::D2,
        "${x} -> \"a\\b\": |md y|",
        "X",
        r#"
direction: right
n1: "X"
n1.shape: diamond
n2: "\"a\\b\": |md y|"
n1 -> n2
"#,
    );
}
