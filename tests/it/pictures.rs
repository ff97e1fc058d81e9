//! Pictures through the real binary, as every build draws them: by Graphviz and by a Kroki server;
//! and what is refused.

use std::process::{Command, Stdio};

use reqwest::Response;
use serde_json::{Value, json};

use crate::flow::config;
use crate::kroki::Kroki;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

pub const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");
pub const RENDER: &str = "/api/diagram/render";
pub const GOOD: &str = "flowchart TD\n  a[Order arrives] --> b{In stock?}\n";
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub async fn get(server: &Server, key: &str, path: &str) -> Response {
    server.client.get(format!("{}{path}", server.url)).header("x-api-key", key).send().await.unwrap()
}

pub async fn draw(server: &Server, key: &str, body: Value) -> Response {
    let call = server.client.post(format!("{}{RENDER}", server.url)).header("x-api-key", key);
    call.json(&body).send().await.unwrap()
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A server with one request of ann's that ended with this source.
pub async fn completed(answer: &str, diagram_type: &str, more: &str) -> (Server, String, String, Upstream) {
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

pub fn fenced(language: &str, source: &str) -> String {
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
async fn what_would_cost_graphviz_gigabytes_is_refused_as_too_much() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    let edges: String = (0..100).map(|n| format!("a{n} -> b{n} [minlen=1000000]\n")).collect();
    for source in [format!("digraph {{ {edges} }}"), "digraph { a [image=x] }".to_owned()] {
        let body = json!({ "source": source, "diagramType": "graphviz" });
        let (status, problem) = server.post_to(&key, "/api/diagram/render", body).await;
        assert_eq!((status, &problem["code"]), (422, &json!("not_drawable")), "{problem}");
    }
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
        (json!({"source": "digraph {}", "format": "gif", "width": 5}), vec!["/format", "/width"]),
        (json!({"source": "digraph {}", "width": 500}), vec!["/width"]),
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

    let dark =
        draw(&server, &key, json!({"source": "good", "diagramType": "plantuml", "theme": "dark"})).await;
    assert_eq!(dark.text().await.unwrap(), svg, "the server's own colours, which are for white");
    let times = kroki.asked().iter().filter(|(path, _)| path == "/plantuml/svg").count();
    assert_eq!(times, 1, "it is the same picture, kept");

    let path = "/api/diagram/validate";
    let (_, good) = server.post_to(&key, path, ask("plantuml", "good")).await;
    assert_eq!((&good["valid"], &good["errors"]), (&json!(true), &json!([])));
    let (_, bad) = server.post_to(&key, path, ask("d2", "bad")).await;
    assert_eq!(
        (&bad["valid"], &bad["errors"][0]["line"], &bad["errors"][0]["column"]),
        (&json!(false), &json!(2), &json!(7))
    );
    let (status, silent) = server.post_to(&key, path, ask("d2", "other")).await;
    assert_eq!(
        (status, &silent["code"]),
        (503, &json!("check_unavailable")),
        "no verdict is no \"not valid\""
    );
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
