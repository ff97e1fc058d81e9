//! Pictures that are drawn in the process: over HTTP, on the command line, and of sources that mean
//! harm.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::pictures::{BINARY, GOOD, POLICY, RENDER, completed, draw, fenced, get, header};
use crate::server::Server;
use crate::verb;

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n", "it is a PNG");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn mermaid_is_drawn_in_this_process() {
    let (server, key, id, _upstream) = completed(&fenced("mermaid", GOOD.trim_end()), "mermaid", "").await;
    let svg = get(&server, &key, &format!("/api/diagram/svg/{id}")).await;
    assert_eq!((svg.status().as_u16(), header(&svg, "content-security-policy")), (200, POLICY));
    assert!(svg.text().await.unwrap().contains("Order arrives"));
    for (query, width) in [("?width=300", 300), ("?width=64&theme=dark", 64)] {
        let png = get(&server, &key, &format!("/api/diagram/png/{id}{query}")).await;
        assert_eq!((png.status().as_u16(), header(&png, "content-type")), (200, "image/png"));
        assert_eq!(size(&png.bytes().await.unwrap()).0, width);
    }
    for width in ["15", "4097", "-1", "x", ""] {
        let (status, problem) = server.get(&key, &format!("/api/diagram/png/{id}?width={width}")).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/width")), "{problem}");
    }
}

#[tokio::test]
async fn a_source_is_drawn_as_it_is_asked_for() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    let svg = draw(&server, &key, json!({"source": GOOD})).await;
    assert_eq!((svg.status().as_u16(), header(&svg, "cache-control")), (200, "no-store"));
    assert_eq!(header(&svg, "content-security-policy"), POLICY);
    let body =
        json!({"source": GOOD, "diagramType": "mermaid", "format": "png", "width": 200, "theme": "forest"});
    let png = draw(&server, &key, body).await;
    assert_eq!((png.status().as_u16(), header(&png, "content-type")), (200, "image/png"));
    assert_eq!(size(&png.bytes().await.unwrap()).0, 200);
    let (status, problem) =
        server.post_to(&key, RENDER, json!({"source": "flowchart TD\n  a[\"x --> b"})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")));
    assert_eq!(problem["errors"][0]["pointer"], "/source");
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 0, "a picture costs no unit");
}

#[tokio::test]
async fn what_a_browser_does_not_draw_is_not_valid() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    let source = "C4Context\n Rel(nobody, nowhere, \"x\")";
    let (status, verdict) = server.post_to(&key, "/api/diagram/validate", json!({"source": source})).await;
    assert_eq!((status, &verdict["valid"]), (200, &json!(false)), "{verdict}");
    assert_eq!(verdict["kind"], "c4");
}

#[test]
fn the_command_line_writes_pictures() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("a.mmd"), GOOD).unwrap();
    let (status, out, err) = render(&[&path("a.mmd"), "-o", &path("a.svg")], "");
    assert_eq!((status, out.as_slice(), err.as_str()), (0, &b""[..], ""));
    assert!(std::fs::read_to_string(path("a.svg")).unwrap().starts_with("<svg"));
    let (status, _, err) =
        render(&["-", "--output", &path("a.png"), "--width", "200", "--theme", "dark"], GOOD);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(size(&std::fs::read(path("a.png")).unwrap()).0, 200);
    let (status, out, _) = render(&["-"], GOOD);
    assert_eq!((status, out.starts_with(b"<svg")), (0, true));
    let (status, out, _) = render(&["-", "-f", "png", "-o", "-"], GOOD);
    assert_eq!((status, size(&out).0 > 50), (0, true));
    for (arguments, input, code, words) in [
        (vec!["-", "-o", "a.gif"], GOOD, 2, "ends in .svg or .png"),
        (vec!["-", "-o", "a.svg", "-f", "png"], GOOD, 2, "different things"),
        (vec!["-", "--width", "9"], GOOD, 2, "16"),
        (vec!["-", "--width", "99"], GOOD, 2, "--width is for a PNG"),
        (vec!["-", "--theme", "pink"], GOOD, 2, "expected default"),
        (vec!["none.mmd"], "", 1, "none.mmd cannot be read"),
        (vec!["-"], "flowchart TD\n  a[\"x --> b", 1, "- cannot be drawn\n-:2"),
        (vec!["-"], "flowchart TD\n  a[Order (new)] --> b", 1, "in double quotes"),
        (vec!["-"], "", 1, "-:1"),
        (vec!["-", "-t", "d2"], "a -> b", 1, "kroki_url"),
        (vec!["-", "-o", "/no/such/place/a.svg"], GOOD, 1, "/no/such/place/a.svg cannot be written"),
    ] {
        let (status, out, err) = render(&arguments, input);
        assert_eq!((status, out.as_slice()), (code, &b""[..]), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}

#[test]
fn a_generated_diagram_is_written_as_a_picture() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("a.png");
    let ran = Command::new(BINARY)
        .args(["generate", "Order arrives; if in stock ship it, otherwise back-order", "-o"])
        .arg(&file)
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .current_dir(dir.path())
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(size(&std::fs::read(file).unwrap()).0 > 100);
    assert_eq!(ran.stdout, b"");
}

/// Sources that mean harm, each with what may come of it at the most in the way of time.
fn hostile() -> Vec<(&'static str, String)> {
    let list = |count: usize| (0..count).map(|at| format!("a{at}")).collect::<Vec<_>>().join(" & ");
    let alias = |name: char, of: char| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
    let bomb: String = ('b'..='i').map(|name| alias(name, char::from(name as u8 - 1))).collect();
    vec![
        ("a million newlines", "\n".repeat(1_000_000)),
        ("newlines within the limit", "\n".repeat(49_000)),
        ("a label of 49 KB", format!("flowchart TD\n a[\"{}\"]", "x".repeat(49_000))),
        ("a label of 200 KB", format!("flowchart TD\n a[\"{}\"]", "x".repeat(200_000))),
        ("2,000 x 2,000 edges", format!("flowchart TD\n{0} --> {0}", list(2_000))),
        ("120 x 120 edges", format!("flowchart TD\n{0} --> {0}", list(120))),
        ("40 x 40 edges", format!("flowchart TD\n{0} --> {0}", list(40))),
        (
            "900 subgraphs in one another",
            format!("flowchart TD\n{}a-->b\n{}", "subgraph s\n".repeat(900), "end\n".repeat(900)),
        ),
        ("20,000 brackets", format!("flowchart TD\n a{}", "[".repeat(20_000))),
        ("20,000 parentheses", format!("flowchart TD\n a{}x{}", "(".repeat(20_000), ")".repeat(20_000))),
        ("a YAML bomb", format!("---\na: &a [x,x,x,x,x,x,x,x,x]\n{bomb}---\nflowchart TD\n a-->b")),
        (
            "deep YAML",
            format!("---\nconfig: {}{}\n---\nflowchart TD\n a-->b", "[".repeat(20_000), "]".repeat(20_000)),
        ),
        (
            "deep settings",
            format!("%%{{init: {}1{}}}%%\nflowchart TD\n a-->b", "{\"a\":".repeat(8_000), "}".repeat(8_000)),
        ),
        (
            "900 alternatives",
            format!("sequenceDiagram\n{}a->>b: m\n{}", "alt x\n".repeat(900), "end\n".repeat(900)),
        ),
        ("a packet of four billion bits", "packet-beta\n 0-4000000000: \"x\"".to_owned()),
        ("a block of many columns", "block-beta\n columns 100000000\n a b c".to_owned()),
        (
            "ten thousand years",
            "gantt\n dateFormat YYYY\n tickInterval 1millisecond\n section s\n a: 0001, 9999-01-01"
                .to_owned(),
        ),
    ]
}

#[tokio::test]
async fn hostile_sources_cost_bounded_time_and_memory_and_the_server_goes_on() {
    let server = Server::start("");
    let (mallory, ann) = (server.key("mallory", "free", &[]), server.key("ann", "free", &[]));
    for (what, source) in hostile() {
        for format in ["svg", "png"] {
            let begin = Instant::now();
            let drawn = draw(&server, &mallory, json!({"source": source, "format": format})).await;
            let status = drawn.status().as_u16();
            assert!(matches!(status, 200 | 413 | 422 | 503), "{what}: {status}");
            // Two deadlines with their grace, and a slow machine.
            assert!(begin.elapsed() < Duration::from_secs(20), "{what} took {:?}", begin.elapsed());
        }
        let good = draw(&server, &ann, json!({"source": GOOD, "width": 100, "format": "png"})).await;
        assert_eq!(good.status(), 200, "after {what}");
    }
    assert_eq!(server.panics(), Vec::<String>::new());
    let peak = server.peak_memory_kib();
    assert!(peak < 1_500_000, "{peak} KiB at the most");
}

#[tokio::test]
async fn one_callers_hostile_sources_delay_nobody_else_for_long() {
    let server = Server::start("");
    let (mallory, ann) = (server.key("mallory", "free", &[]), server.key("ann", "free", &[]));
    let source =
        format!("flowchart LR\n {}", (0..1_500).map(|at| format!("n{at}")).collect::<Vec<_>>().join("-->"));
    let attack = (0..20).map(|at| draw(&server, &mallory, json!({"source": format!("{source}{at}")})));
    let begin = Instant::now();
    let asked = async {
        let drawn = draw(&server, &ann, json!({"source": GOOD})).await;
        (drawn.status().as_u16(), begin.elapsed())
    };
    let (attacked, (status, took)) = tokio::join!(futures_util::future::join_all(attack), asked);
    assert_eq!(status, 200);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(attacked.iter().any(|answer| answer.status() == 503), "more than one caller may have");
    for answer in attacked.iter().filter(|answer| answer.status() == 503) {
        assert!(header(answer, "retry-after").parse::<u64>().is_ok());
    }
}

/// Runs `render` with this on standard input.
fn render(arguments: &[&str], input: &str) -> (i32, Vec<u8>, String) {
    let dir = tempfile::TempDir::new().unwrap();
    verb::run(dir.path(), &[&["render"], arguments].concat(), input)
}

#[tokio::test]
async fn a_file_that_is_no_font_and_a_program_that_is_none_are_named_and_cost_no_picture() {
    let dir = tempfile::TempDir::new().unwrap();
    let fonts = dir.path().join("fonts");
    std::fs::create_dir(&fonts).unwrap();
    std::fs::write(fonts.join("broken.ttf"), "<html>Log in</html>").unwrap();
    let file = dir.path().join("config.toml");
    let config = format!("[render]\nfonts_dir = {:?}\ndot = \"/no/such/dot\"\n", fonts.display().to_string());
    std::fs::write(&file, &config).unwrap();
    let ran =
        Command::new(BINARY).args(["config", "check", "--config"]).arg(&file).stdin(Stdio::null()).output();
    let ran = ran.unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    for words in [
        "warning: render.fonts_dir: ",
        "broken.ttf: it is no font; pictures are drawn without it",
        "warning: render.dot: /no/such/dot is no program that can be run",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let server = Server::start(&config);
    let key = server.key("ann", "free", &[]);
    let body = json!({"source": "flowchart TD\n a --> b", "format": "svg"});
    let (status, answer) = server.post_to(&key, "/api/diagram/render", body).await;
    assert_eq!(status, 200, "{answer}");
}
