//! Pictures through the real binary: of requests, of sources, on the command line; from a Kroki
//! server; and sources that mean harm.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};

use crate::flow::config;
use crate::kroki::Kroki;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");
const RENDER: &str = "/api/diagram/render";
const GOOD: &str = "flowchart TD\n  a[Order arrives] --> b{In stock?}\n";
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

async fn get(server: &Server, key: &str, path: &str) -> Response {
    server.client.get(format!("{}{path}", server.url)).header("x-api-key", key).send().await.unwrap()
}

async fn draw(server: &Server, key: &str, body: Value) -> Response {
    let call = server.client.post(format!("{}{RENDER}", server.url)).header("x-api-key", key);
    call.json(&body).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n", "it is a PNG");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// A server with one request of ann's that ended with this source.
async fn completed(answer: &str, diagram_type: &str, more: &str) -> (Server, String, String, Upstream) {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::answer(answer));
    let server = Server::start(&config(&upstream, more));
    let key = server.key("ann", "free", &[]);
    let body = json!({"prompt": "draw it", "diagramType": diagram_type});
    let (status, accepted) = server.post(&key, body).await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["requestId"].as_str().unwrap().to_owned();
    let ended = server.ended(&key, &id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(ended["links"]["svg"].as_str().unwrap().ends_with(&format!("/api/diagram/svg/{id}")));
    (server, key, id, upstream)
}

fn fenced(language: &str, source: &str) -> String {
    format!("```{language}\n{source}\n```\nTitle: Orders")
}

#[tokio::test]
async fn graphviz_of_a_completed_request_is_drawn_once_for_all_that_ask() {
    let source = "digraph { order [label=\"Größe\"]; order -> {ship; wait} }";
    let (server, key, id, _upstream) = completed(&fenced("dot", source), "graphviz", "").await;
    let path = format!("/api/diagram/svg/{id}");
    let svg = get(&server, &key, &path).await;
    assert_eq!(
        (svg.status(), header(&svg, "content-type")),
        (200.try_into().unwrap(), "image/svg+xml; charset=utf-8")
    );
    assert_eq!(header(&svg, "content-security-policy"), POLICY);
    assert_eq!(header(&svg, "x-content-type-options"), "nosniff");
    assert!(header(&svg, "cache-control").starts_with("private, max-age="), "{:?}", svg.headers());
    let tag = header(&svg, "etag").to_owned();
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    let text = svg.text().await.unwrap();
    assert!(text.starts_with("<svg xmlns=") && text.contains("Größe"), "{text}");

    let call = server.client.get(format!("{}{path}", server.url)).header("x-api-key", &key);
    let unchanged = call.header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, tag.as_str()));
    assert_eq!(unchanged.text().await.unwrap(), "");
    let dark = get(&server, &key, &format!("{path}?theme=dark")).await;
    assert_ne!(header(&dark, "etag"), tag);

    let stranger = server.key("bob", "free", &[]);
    let unknown = format!("/api/diagram/svg/req_{}", "0".repeat(32));
    for (key, path, status, code) in [
        (stranger.as_str(), path.as_str(), 404, "not_found"),
        (&key, &unknown, 404, "not_found"),
        ("", &path, 401, "unauthorized"),
        (&key, &format!("{path}?theme=pink"), 422, "validation_failed"),
        (&key, &format!("{path}?colour=red"), 422, "validation_failed"),
    ] {
        let (said, problem) = server.get(key, path).await;
        assert_eq!((said, &problem["code"]), (status, &json!(code)), "{path}: {problem}");
    }
}

#[tokio::test]
async fn what_has_no_result_has_no_picture() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.push(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "free", &[]);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    let id = accepted["requestId"].as_str().unwrap().to_owned();
    for format in ["svg", "png"] {
        let (status, problem) = server.get(&key, &format!("/api/diagram/{format}/{id}")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("not_completed")), "{problem}");
    }
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{id}")).await.0, 200);
    let (status, problem) = server.get(&key, &format!("/api/diagram/png/{id}")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_completed")), "{problem}");
    gate.open();
}

#[tokio::test]
async fn a_result_that_cannot_be_drawn_says_why() {
    let (server, key, id, _upstream) =
        completed(&fenced("dot", "digraph {\n a -> [\n}"), "graphviz", "[generation]\nrepair_attempts = 0\n")
            .await;
    let (status, problem) = server.get(&key, &format!("/api/diagram/svg/{id}")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")), "{problem}");
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/result");
    assert!(error["detail"].as_str().unwrap().starts_with("Line 2, column "), "{problem}");
}

#[tokio::test]
async fn what_this_server_does_not_draw_says_what_would() {
    let (server, key, id, _upstream) = completed(&fenced("d2", "a -> b"), "d2", "").await;
    let (status, problem) = server.get(&key, &format!("/api/diagram/svg/{id}")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")));
    assert!(problem["detail"].as_str().unwrap().contains("kroki_url"), "{problem}");
    let (status, problem) =
        server.post_to(&key, RENDER, json!({"source": "a -> b", "diagramType": "d2"})).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/diagramType")), "{problem}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_every_fault() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    for (body, pointers) in [
        (json!({}), vec!["/source"]),
        (json!({"source": "digraph {}", "format": "gif"}), vec!["/format"]),
        (json!({"source": "digraph {}", "size": 3}), vec!["/size"]),
        (
            json!({"source": "x", "diagramType": "plantuml", "theme": "pink", "width": 5}),
            vec!["/theme", "/width", "/diagramType"],
        ),
    ] {
        let (status, problem) = server.post_to(&key, RENDER, body).await;
        let said: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!((status, said), (422, pointers), "{problem}");
    }
    assert_eq!(server.post_to("", RENDER, json!({"source": GOOD})).await.0, 401);
    assert_eq!(server.get(&key, RENDER).await.0, 405);
}

#[cfg(feature = "render")]
mod drawn_here {
    use super::*;

    #[tokio::test]
    async fn mermaid_is_drawn_in_this_process() {
        let (server, key, id, _upstream) =
            completed(&fenced("mermaid", GOOD.trim_end()), "mermaid", "").await;
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
        let body = json!({"source": GOOD, "diagramType": "mermaid", "format": "png", "width": 200, "theme": "forest"});
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
        let (status, verdict) =
            server.post_to(&key, "/api/diagram/validate", json!({"source": source})).await;
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
        let alias =
            |name: char, of: char| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
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
                format!(
                    "---\nconfig: {}{}\n---\nflowchart TD\n a-->b",
                    "[".repeat(20_000),
                    "]".repeat(20_000)
                ),
            ),
            (
                "deep settings",
                format!(
                    "%%{{init: {}1{}}}%%\nflowchart TD\n a-->b",
                    "{\"a\":".repeat(8_000),
                    "}".repeat(8_000)
                ),
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
        let source = format!(
            "flowchart LR\n {}",
            (0..1_500).map(|at| format!("n{at}")).collect::<Vec<_>>().join("-->")
        );
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
}

#[tokio::test]
async fn plantuml_and_d2_are_drawn_and_checked_by_a_kroki_server() {
    let kroki = Kroki::start(|path, source| match (path, source) {
        ("/plantuml/svg", "good") => (
            200,
            "<?plantuml 1?><svg><a href=\"http://x\"><text>Bob</text></a><script>x</script></svg>".into(),
        ),
        ("/d2/svg", "bad") => (400, "Error 400: -:2:7: connection missing destination".into()),
        ("/d2/svg", "huge") => (200, format!("<svg>{}</svg>", "<g/>".repeat(3 << 20))),
        ("/d2/svg", "html") => (200, "<html>hello</html>".into()),
        ("/d2/svg", "redirect") => (302, String::new()),
        _ => (500, "what?".into()),
    })
    .await;
    let server = Server::start(&format!("[render]\nkroki_url = \"{}/\"\n", kroki.url));
    let key = server.key("ann", "free", &[]);
    let ask = |diagram_type: &str, source: &str| json!({"source": source, "diagramType": diagram_type});

    let drawn = draw(&server, &key, ask("plantuml", "good")).await;
    assert_eq!((drawn.status().as_u16(), header(&drawn, "content-security-policy")), (200, POLICY));
    let svg = drawn.text().await.unwrap();
    assert!(
        svg.contains("<text>Bob</text>") && !svg.contains("script") && !svg.contains("http://x"),
        "{svg}"
    );

    let (status, problem) = server.post_to(&key, RENDER, ask("d2", "bad")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")));
    assert_eq!(problem["errors"][0]["detail"], "Line 2, column 7: -:2:7: connection missing destination");
    let (status, problem) = server.post_to(&key, RENDER, ask("d2", "huge")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")), "{problem}");
    for source in ["html", "redirect", "other"] {
        let call = draw(&server, &key, ask("d2", source)).await;
        assert!(header(&call, "retry-after").parse::<u64>().is_ok(), "{source}");
        assert_eq!(call.status(), 503, "{source}");
        let problem: Value = serde_json::from_str(&call.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], "drawing_unavailable");
    }

    let path = "/api/diagram/validate";
    let (_, good) = server.post_to(&key, path, ask("plantuml", "good")).await;
    assert_eq!((&good["valid"], &good["errors"]), (&json!(true), &json!([])));
    let (_, bad) = server.post_to(&key, path, ask("d2", "bad")).await;
    assert_eq!(
        (&bad["valid"], &bad["errors"][0]["line"], &bad["errors"][0]["column"]),
        (&json!(false), &json!(2), &json!(7))
    );
    let (_, silent) = server.post_to(&key, path, ask("d2", "other")).await;
    assert_eq!((&silent["valid"], silent["errors"].as_array().unwrap().len()), (&json!(false), 1));
    assert!(kroki.asked().iter().all(|(path, _)| path.starts_with("/plantuml/") || path.starts_with("/d2/")));
}

#[tokio::test]
async fn a_kroki_server_that_is_gone_or_silent_is_told_as_such() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = |listener: &tokio::net::TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (silent_url, gone_url) = (address(&silent), address(&gone));
    drop(gone);
    for (url, status, code) in [(silent_url, 422, "not_drawable"), (gone_url, 503, "drawing_unavailable")] {
        let server = Server::start(&format!("[render]\nkroki_url = \"{url}\"\nkroki_timeout = \"300ms\"\n"));
        let key = server.key("ann", "free", &[]);
        let (said, problem) =
            server.post_to(&key, RENDER, json!({"source": "a -> b", "diagramType": "d2"})).await;
        assert_eq!((said, &problem["code"]), (status, &json!(code)), "{problem}");
        assert!(
            !problem.to_string().contains(&url),
            "the operator's address is nobody's business: {problem}"
        );
    }
}

/// Runs `render` with this on standard input.
fn render(arguments: &[&str], input: &str) -> (i32, Vec<u8>, String) {
    let dir = tempfile::TempDir::new().unwrap();
    let mut child = Command::new(BINARY)
        .arg("render")
        .args(arguments)
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A verb that refuses its arguments reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    (ended.status.code().unwrap(), ended.stdout, String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn fonts_that_are_not_there_are_a_fault_of_the_configuration() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "[render]\nfonts_dir = \"/no/such/fonts\"\n").unwrap();
    for verb in [vec!["config", "check"], vec!["render", "-"]] {
        let ran = Command::new(BINARY)
            .args(&verb)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(78), "{verb:?}: {said}");
        assert!(said.contains("render.fonts_dir: /no/such/fonts cannot be read"), "{said}");
    }
}
