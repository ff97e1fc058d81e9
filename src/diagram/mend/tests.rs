//! What each mend makes of its mistake. The real parser stands behind these forms: every mended
//! text here is one that Mermaid 12.3 accepts, every source one that it refuses.

use proptest::prelude::*;

use super::*;

/// A source is mended into exactly this, by exactly these mends.
fn mended(source: &str, wanted: &str, what: &[&str]) {
    let wanted = wanted.trim_end();
    let found = mend(source, |candidate| candidate.trim_end() == wanted);
    let found = found.unwrap_or_else(|| {
        let mut shown = Vec::new();
        mend(source, |candidate| {
            shown.push(candidate.to_owned());
            false
        });
        panic!("{source:?} is not mended into {wanted:?} but into {shown:#?}")
    });
    assert_eq!(found.what, what, "{source:?}");
}

fn flow(source: &str, wanted: &str, what: &str) {
    mended(&format!("flowchart TD\n{source}"), &format!("flowchart TD\n{wanted}"), &[what]);
}

#[test]
fn labels_with_signs_are_quoted() {
    for (source, wanted) in [
        ("A[Call f(x)] --> B{Is it [ok]?}", "A[\"Call f(x)\"] --> B{\"Is it [ok]?\"}"),
        ("A(Start (now)) --> B((End (x)))", "A(\"Start (now)\") --> B((\"End (x)\"))"),
        (
            "A[say \"hi\" now] --> B[\"x \"y\" z\"]",
            "A[\"say #quot;hi#quot; now\"] --> B[\"x #quot;y#quot; z\"]",
        ),
        ("A -->|yes (ok)| B -->|\"no\"| C", "A -->|\"yes (ok)\"| B -->|\"no\"| C"),
        ("A -- a [b] --> B", "A -->|\"a [b]\"| B"),
        (
            "A[list[0]] --> B[(DB (main))] & C[[Sub (x)]]",
            "A[\"list[0]\"] --> B[(\"DB (main)\")] & C[[\"Sub (x)\"]]",
        ),
        ("subgraph My Group (x)\nA-->B\nend", "subgraph My_Group_x[\"My Group (x)\"]\nA-->B\nend"),
        ("A[O(n)] --> B[f: a -> b]", "A[\"O(n)\"] --> B[\"f: a -> b\"]"),
    ] {
        flow(source, wanted, "put labels in quotes");
    }
}

#[test]
fn arrows_of_flowcharts_are_mended() {
    for (source, wanted) in [
        ("A -> B => C", "A --> B ==> C"),
        ("A ->> B ..> C", "A --> B -.-> C"),
        ("A -->|yes|> B", "A -->|yes| B"),
        ("A --|ok| B", "A -->|ok| B"),
        ("A --> |x| --> B", "A --> |x| B"),
        ("A --> B -->", "A --> B"),
        ("A <-> B - -> C", "A <--> B --> C"),
    ] {
        flow(source, wanted, "mended the arrows");
    }
    flow("A → B ⇒ C — D", "A --> B ==> C — D", "wrote arrows in ASCII");
    flow("A —> B", "A --> B", "wrote arrows in ASCII");
    flow("A[x → y] → B", "A[x → y] --> B", "wrote arrows in ASCII");
}

#[test]
fn ids_of_flowcharts_are_mended() {
    let renamed = "renamed reserved ids";
    flow("A --> end\nend --> B", "A --> endNode[\"end\"]\nendNode --> B", renamed);
    flow("class --> default[Def]", "classNode[\"class\"] --> defaultNode[Def]", renamed);
    flow("subgraph x\nA --> graph\nend", "subgraph x\nA --> graphNode[\"graph\"]\nend", renamed);
    let named = "gave names with blanks an id";
    flow("User Login --> Home", "User_Login[\"User Login\"] --> Home", named);
    flow("Web Server[Nginx] --> \"My DB\"", "Web_Server[Nginx] --> My_DB[\"My DB\"]", named);
}

#[test]
fn other_mistakes_of_flowcharts_are_mended() {
    flow("A[x] --> B[y] : go now", "A[x] -->|\"go now\"| B[y]", "put edge labels between bars");
    flow("A-->B\nstyle A\nclassDef x", "A-->B", "left out bare style lines");
    flow("subgraph a\nsubgraph b\nA-->B", "subgraph a\nsubgraph b\nA-->B\nend\nend", "closed open blocks");
    flow("A-->B\nend", "A-->B", "closed open blocks");
    flow("A --&gt; B", "A --> B", "turned HTML entities into signs");
    flow("A-->B;;", "A-->B", "took out semicolons");
    flow("A-->B\nstyle A fill=red", "A-->B", "left out bare style lines");
    flow("A[x\u{200b}] -->\u{a0}B", "A[x] --> B", "made special blanks plain");
}

#[test]
fn first_lines_are_mended() {
    let spelled = "spelled the first line right";
    for (first, wanted) in [
        ("Flowchart td", "flowchart TD"),
        ("flow chart: LTR", "flowchart LR"),
        ("graph-TB", "flowchart TB"),
        ("flowchart \"LR\"", "flowchart LR"),
    ] {
        mended(&format!("{first}\nA-->B"), &format!("{wanted}\nA-->B"), &[spelled]);
    }
    mended("sequence diagram\nA->>B: x", "sequenceDiagram\nA->>B: x", &[spelled]);
    mended("ERDiagram:\nA ||--o{ B : x", "erDiagram\nA ||--o{ B : x", &[spelled]);
    mended("%% c\nStateDiagram\n[*] --> A", "%% c\nstateDiagram-v2\n[*] --> A", &[spelled]);
    mended("gitGraph LR\ncommit", "gitGraph LR:\ncommit", &[spelled]);
    let added = "added the missing first line";
    mended("mermaid\nA-->B", "flowchart TD\nA-->B", &[added]);
    mended("A->>B: x", "sequenceDiagram\nA->>B: x", &[added]);
    mended("[*] --> A", "stateDiagram-v2\n[*] --> A", &[added]);
    mended("A <|-- B", "classDiagram\nA <|-- B", &[added]);
    mended("class A {\n+x()\n}", "classDiagram\nclass A {\n+x()\n}", &[added]);
    mended("ORDER {\nint id\n}", "erDiagram\nORDER {\nint id\n}", &[added]);
    mended("a{{Text}}", "flowchart TD\na{{Text}}", &[added]);
}

#[test]
fn what_stands_around_is_taken_out() {
    mended("```\ntreemap-beta\n\"A\": 1\n```", "treemap-beta\n\"A\": 1", &["took the code fences out"]);
    mended("```mermaid\npie\n\"A\": 1\n```\n", "pie\n\"A\": 1", &["took the code fences out"]);
    let before = "took out text before the diagram";
    mended("Sure:\n%%{init: {}}%%\npie\n\"A\": 1", "%%{init: {}}%%\npie\n\"A\": 1", &[before]);
    mended("---\ntitle: x\n---\nSure:\npie\n\"A\": 1", "---\ntitle: x\n---\npie\n\"A\": 1", &[before]);
    let straight = "straightened the front matter";
    mended("---\n  title: x\n  ---\npie\n\"A\": 1", "---\n  title: x\n---\npie\n\"A\": 1", &[straight]);
    flow("A-->B\n\nThis shows how it goes.", "A-->B", "took out text behind the diagram");
    flow("A-->B\nTitle: How it goes", "A-->B", "took out text behind the diagram");
    flow("A-->B\n</pre>\n<p>x</p>", "A-->B", "took out markup behind the diagram");
}

#[test]
fn sequence_diagrams_are_mended() {
    let case = |source: &str, wanted: &str, what: &str| {
        mended(&format!("sequenceDiagram\n{source}"), &format!("sequenceDiagram\n{wanted}"), &[what]);
    };
    let messages = "mended the messages";
    case("A=>B: x\nB--->A: y", "A->>B: x\nB-->>A: y", messages);
    case("A->>B hello you", "A->>B: hello you", messages);
    case("A -->|hi| B", "A -->B: hi", messages);
    case("Note over A, B text", "Note over A, B: text", messages);
    case("A→B: x", "A->>B: x", "wrote arrows in ASCII");
    case("A->>B: a; b #5", "A->>B: a, b no. 5", "took signs out of messages");
    case("participant end\nA->>end: x", "participant End\nA->>End: x", "renamed reserved participants");
    case("A->>-B: x\ndeactivate C", "A->>B: x", "left out activations");
    case("loop x\nalt y\nA->>B: z\nend", "loop x\nalt y\nA->>B: z\nend\nend", "closed open blocks");
}

#[test]
fn entity_diagrams_are_mended() {
    let case = |source: &str, wanted: &str, what: &str| {
        mended(&format!("erDiagram\n{source}"), &format!("erDiagram\n{wanted}"), &[what]);
    };
    let relations = "mended the cardinalities";
    for (source, wanted) in [
        ("A ||--o< B : has", "A ||--o{ B : has"),
        ("A 1--N B : has", "A ||--|{ B : has"),
        ("A --> B : has many", "A ||--o{ B : \"has many\""),
        ("A ||-o{ B", "A ||--o{ B : \"\""),
        ("A ||--|| B is one", "A ||--|| B : \"is one\""),
        ("A }--|| B : x;", "A }|--|| B : x"),
        ("Order Item }o..|{ B : x", "Order_Item }o..|{ B : x"),
    ] {
        case(source, wanted, relations);
    }
    let attributes = "mended the attributes";
    case("A {\nid: int,\n+string first name\n}", "A {\nint id\nstring first_name\n}", attributes);
    case("A {\nint id PRIMARY KEY NOT NULL\ndecimal(10,2) p\n}", "A {\nint id PK\ndecimal p\n}", attributes);
    case("A {\nint id \"the id\" PK\n}", "A {\nint id PK \"the id\"\n}", attributes);
    case("A {\nint id\nA ||--o{ B : x", "A {\nint id\n}\nA ||--o{ B : x", "closed open blocks");
    case("A { int id, string name }", "A {\n    int id\n    string name\n}", attributes);
}

#[test]
fn state_and_class_diagrams_are_mended() {
    let state = |source: &str, wanted: &str| {
        let what = ["mended the transitions"];
        mended(&format!("stateDiagram-v2\n{source}"), &format!("stateDiagram-v2\n{wanted}"), &what);
    };
    state("[*] -> A", "[*] --> A");
    state("\"In Review\" --> Done : a: b", "state \"In Review\" as In_Review\nIn_Review --> Done : a - b");
    state("A -- go --> B", "A --> B : go");
    state("state A as \"x\"\nnote right of A text", "state \"x\" as A\nnote right of A : text");
    let class = |source: &str, wanted: &str, what: &str| {
        mended(&format!("classDiagram\n{source}"), &format!("classDiagram\n{wanted}"), &[what]);
    };
    let relations = "mended the relations of classes";
    class("A -|> B", "A --|> B", relations);
    class("interface A {\n+x()\n}", "class A {\n  <<interface>>\n+x()\n}", relations);
    class("class A extends B {\n}", "B <|-- A\nclass A {\n}", relations);
    class("A 1 --> * B", "A \"1\" --> \"*\" B", relations);
    class("class List<T> {\n+x()\n}", "class List~T~ {\n+x()\n}", "mended the members of classes");
    class("class A {\n+int x", "class A {\n+int x\n}", "closed open blocks");
    class(
        "class A {\n+int x\nclass B {\n}\nA --> B",
        "class A {\n+int x\n}\nclass B {\n}\nA --> B",
        "closed open blocks",
    );
}

#[test]
fn lists_are_mended() {
    let what = ["mended the lines of the list"];
    mended(
        "gantt\nT: one: a, 2024-01-01, 5d",
        "gantt\nT - one :a, 2024-01-01, 5d".replace(":a", ": a").as_str(),
        &what,
    );
    mended("pie\nA: 40%\n- B = 60", "pie\n\"A\" : 40\n\"B\" : 60", &what);
    mended("pie\nA: 1,200\n- B = 60", "pie\n\"A\" : 1200\n\"B\" : 60", &what);
    for other in ["-1", "1,5", "1-2"] {
        assert_eq!(mend(&format!("pie\n\"A\" : {other}"), |_| true), None, "{other} is no other number");
    }
    mended("mindmap\n  Root\n    a (b) c\nX", "mindmap\n  Root\n    n1[\"a (b) c\"]\n    X", &what);
    mended(
        "gitGraph\ncommit id: a\nmerge x into main",
        "gitGraph\ncommit id: \"a\"\ncheckout main\nmerge x",
        &what,
    );
    mended("C4Context\nPerson(my user, User)", "C4Context\nPerson(my_user, \"User\")", &what);
    mended("quadrantChart\nA (x): (0.1, 0.2)", "quadrantChart\n\"A (x)\": [0.1, 0.2]", &what);
}

#[test]
fn mistakes_on_top_of_each_other_are_mended_together() {
    mended(
        "Here you go:\nFlowchart td\nA[f(x)] -> end\nsubgraph s\nB",
        "flowchart TD\nA[\"f(x)\"] --> endNode[\"end\"]\nsubgraph s\nB\nend",
        &[
            "spelled the first line right",
            "closed open blocks",
            "mended the arrows",
            "put labels in quotes",
            "renamed reserved ids",
        ],
    );
}

#[test]
fn needless_mends_are_taken_back() {
    // The special blank and the curly quotes are legal; only the arrow is not.
    let source = "flowchart TD\nA[\u{201c}x\u{a0}y\u{201d}] -> B";
    let found = mend(source, |candidate| candidate.contains("--> B")).unwrap();
    assert_eq!(found.what, ["mended the arrows"]);
    assert_eq!(found.source, "flowchart TD\nA[\u{201c}x\u{a0}y\u{201d}] --> B\n");
}

#[test]
fn the_parser_is_asked_a_bounded_number_of_times_and_never_about_the_source() {
    let source = "```\n---\ntitle: x\n ---\nHi:\nFlowchart td;\nA[“f(x)”]\u{a0}→ end => C : x --&gt; y z;\nstyle A\nsubgraph s\n</p>";
    let mut asked = 0;
    assert_eq!(
        mend(source, |candidate| {
            asked += 1;
            assert_ne!(candidate, source);
            false
        }),
        None
    );
    assert!((5..=CANDIDATES_MAX).contains(&asked), "{asked}");
    assert_eq!(mend(&"A -> B\n".repeat(10_000), |_| true), None);
}

#[test]
fn an_awaited_parser_mends_alike() {
    let mut asked = Vec::new();
    let mending = mend_with("flowchart TD\nA -> B", |candidate| {
        asked.push(candidate.clone());
        std::future::ready(Some(candidate.contains("-->")))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(mending).unwrap().what, ["mended the arrows"]);
    assert_eq!(asked, ["flowchart TD\nA --> B\n"]);
}

proptest! {
    #[test]
    fn nothing_stops_the_mends(
        first in "(flowchart TD|sequenceDiagram|erDiagram|stateDiagram-v2|classDiagram|gantt|pie|mindmap|gitGraph|quadrantChart|C4Context|kanban|journey|.{0,9})",
        body in "([A-Za-z \t\n\"'|:;,<>=.~@%#&*+/\\\\\\[\\](){}→—“é-]|-->|->>|\\|\\|--|class |end|note |subgraph |\n){0,120}",
    ) {
        let source = format!("{first}\n{body}");
        let mut asked = 0;
        let found = mend(&source, |_| {
            asked += 1;
            false
        });
        prop_assert!(found.is_none());
        prop_assert!(asked <= CANDIDATES_MAX);
    }
}
