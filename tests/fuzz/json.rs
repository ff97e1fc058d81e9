//! Damaged bodies, and sound ones of the wrong shape.

use serde_json::{Value, json};

use crate::bytes::{Damage, tries};
use crate::server::Server;

fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/api/diagram/generate",
            json!({ "prompt": "A -> B", "diagramType": "d2", "maxTokens": 500, "model": "m", "template": "t", "variables": {"a": [1]},
                    "baseRequestId": "req_00000000000000000000000000000000", "deadlineSeconds": 60, "cache": "bypass",
                    "webhookUrl": "https://a.example/x", "metadata": {"k": "v"} }),
        ),
        ("/api/diagram/generate", json!({ "prompt": "A -> B", "baseSource": "flowchart TD\n A --> B" })),
        ("/api/auth/token", json!({ "ttlSeconds": 60 })),
        ("/api/admin/users", json!({ "name": "bob", "tier": "pro" })),
        (
            "/api/admin/keys",
            json!({ "user": "bob", "role": "user", "tier": "pro", "expiresAt": "2030-01-01T00:00:00Z" }),
        ),
        ("/api/diagram/validate", json!({ "source": "flowchart TD\n A --> B", "diagramType": "mermaid" })),
        (
            "/api/diagram/render",
            json!({ "source": "flowchart TD\n A --> B", "diagramType": "mermaid", "format": "svg" }),
        ),
    ]
}

/// Another value in one place of the body.
fn reshaped(damage: &mut Damage, mut body: Value) -> Value {
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5e300),
        json!(u64::MAX),
        json!(""),
        json!("\0"),
        json!("x".repeat(5000)),
        json!("\u{202e}\u{feff}🏳️‍🌈"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"__proto__": {"a": 1}}),
    ];
    if let Some(fields) = body.as_object_mut() {
        let names: Vec<String> = fields.keys().cloned().collect();
        let name = &names[damage.below(names.len())];
        let value = odd[damage.below(odd.len())].clone();
        if damage.below(4) == 0 {
            drop(fields.remove(name))
        } else {
            drop(fields.insert(name.clone(), value))
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_json_gets_a_problem_with_a_code() {
    let server =
        Server::start("[server]\napi_requests_per_minute = 0\n[tiers.enterprise]\nmax_queued = 1000000\n");
    let key = server.key("ann", "enterprise", &["--admin"]);
    let bodies = bodies();
    let mut damage = Damage::new(2);
    for n in 0..tries(1500) {
        let (path, body) = bodies[n % bodies.len()].clone();
        let bytes = match damage.below(2) {
            0 => damage.of(body.to_string().as_bytes()),
            _ => reshaped(&mut damage, body).to_string().into_bytes(),
        };
        let sent = server.client.post(format!("{}{path}", server.url)).header("x-api-key", &key);
        let answer =
            sent.header("content-type", "application/json").body(bytes.clone()).send().await.unwrap();
        let (status, kind) = (answer.status().as_u16(), answer.headers().get("content-type").cloned());
        let text = answer.text().await.unwrap();
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(status < 500 || (status == 501 && text.contains("code")), "{path} {shown}\n{status} {text}");
        if status >= 400 {
            assert_eq!(kind.unwrap(), "application/problem+json", "{path} {shown}");
            let problem: Value = serde_json::from_str(&text).unwrap();
            assert!(problem["code"].is_string() && problem["detail"].is_string(), "{path} {shown}\n{text}");
        }
    }
    assert_eq!(server.get("", "/healthz").await.0, 200);
    assert_eq!(server.panics(), Vec::<String>::new());
}
