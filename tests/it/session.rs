//! Signing in with a browser: passwords, one-time links, the cookie, and what other pages may not.

use reqwest::Method;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, link, read, set_password, sign_in, token};
use crate::printing::Printing;
use crate::server::Server;
use crate::socket::Socket;

fn admin_server(config: &str) -> Server {
    let server = Server::start(config);
    set_password(&server, "root", &["--admin"]);
    server
}

async fn code(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_password_opens_a_session_that_does_what_the_user_may() {
    let server = admin_server("");
    let root = Browser::with_password(&server, "root").await;
    assert_eq!(root.session["user"], "root");
    assert_eq!((&root.session["role"], &root.session["hasPassword"]), (&json!("admin"), &json!(true)));
    assert!(
        root.set_cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"),
        "{}",
        root.set_cookie
    );
    assert_eq!(root.get(&server, "/api/auth/session").await, (200, root.session.clone()));
    assert_eq!(root.get(&server, "/api/admin/users").await.0, 200);
    let made = root.post(&server, "/api/admin/users", &json!({ "name": "ann", "tier": "pro" })).await;
    assert_eq!(made.0, 201);

    set_password(&server, "ann", &[]);
    let ann = Browser::with_password(&server, "ann").await;
    assert_eq!((&ann.session["role"], &ann.session["tier"]), (&json!("user"), &json!("pro")));
    assert_eq!(ann.get(&server, "/api/admin/users").await.0, 403);
    assert_eq!(ann.get(&server, "/api/diagram/usage").await.1["user"], "ann");
    let accepted = ann.post(&server, "/api/diagram/generate", &json!({ "prompt": "A -> B" })).await;
    assert_eq!(accepted.0, 202);
    assert_eq!(ann.post(&server, "/api/auth/token", &json!({})).await.0, 403, "a session makes no token");
}

#[tokio::test]
async fn wrong_passwords_are_refused_alike_and_at_last_not_looked_at() {
    let server = admin_server("[server]\nanonymous_requests_per_minute = 60\n");
    server.key("ann", "free", &[]);
    let wrong = json!({ "user": "root", "password": "wrong horse battery" });
    let mut told = Vec::new();
    for user in ["root", "nobody", "ann", "a/b"] {
        let answer = sign_in(&server, &json!({ "user": user, "password": "wrong horse battery" })).await;
        assert!(answer.headers().get(SET_COOKIE).is_none());
        let mut problem: Value = answer.json().await.unwrap();
        problem["traceId"] = Value::Null;
        told.push(problem);
    }
    assert_eq!(told[0]["code"], "unauthorized");
    assert!(told.iter().all(|problem| *problem == told[0]), "{told:?}");
    let mut last = code(sign_in(&server, &wrong).await).await;
    for _ in 0..5 {
        last = code(sign_in(&server, &wrong).await).await;
    }
    assert_eq!(last, (429, "rate_limited".to_owned()));
    let right = json!({ "user": "root", "password": PASSWORD });
    assert_eq!(code(sign_in(&server, &right).await).await.0, 429, "not even looked at");
    for body in
        [json!({}), json!({ "user": "root" }), json!({ "user": "root", "password": "x", "link": "y" })]
    {
        let server = Server::start("");
        assert_eq!(code(sign_in(&server, &body).await).await.0, 422, "{body}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_lets_a_password_be_set() {
    let server = Server::start("");
    let key = server.key("ann", "basic", &[]);
    let made = link(&server, "ann");
    assert!(made.contains("/#link="), "{made}");
    let ann = Browser::of(&server, json!({ "link": token(&made) })).await;
    assert_eq!((&ann.session["user"], &ann.session["hasPassword"]), (&json!("ann"), &json!(false)));
    let again = code(sign_in(&server, &json!({ "link": token(&made) })).await).await;
    assert_eq!(again, (401, "unauthorized".to_owned()), "used");
    assert_eq!(code(sign_in(&server, &json!({ "link": "x" })).await).await.0, 401);

    let other = Browser::of(&server, json!({ "link": token(&link(&server, "ann")) })).await;
    let unused = link(&server, "ann");
    let path = "/api/auth/password";
    assert_eq!(ann.post(&server, path, &json!({ "password": "short" })).await.0, 422);
    let (status, session) = ann.post(&server, path, &json!({ "password": PASSWORD })).await;
    assert_eq!((status, &session["hasPassword"]), (200, &json!(true)));
    assert_eq!(other.get(&server, "/api/auth/session").await.0, 401, "other sessions end");
    assert_eq!(code(sign_in(&server, &json!({ "link": token(&unused) })).await).await.0, 401, "links, too");
    assert_eq!(ann.get(&server, "/api/auth/session").await.0, 200);

    let by_password = Browser::with_password(&server, "ann").await;
    let change = |current: Value| json!({ "password": "another horse battery", "currentPassword": current });
    assert_eq!(
        by_password.post(&server, path, &change(Value::Null)).await.0,
        422,
        "the one before is asked for"
    );
    assert_eq!(by_password.post(&server, path, &change(json!("wrong horse battery"))).await.0, 401);
    assert_eq!(by_password.post(&server, path, &change(json!(PASSWORD))).await.0, 200);
    let by_key = server.client.post(format!("{}{path}", server.url)).header("x-api-key", key);
    assert_eq!(read(by_key.json(&json!({ "password": PASSWORD }))).await.0, 401, "a key is no session");
}

#[tokio::test]
async fn a_link_is_over_after_half_an_hour_and_a_session_after_twelve() {
    let server = admin_server("");
    let made = link(&server, "root");
    assert!(made.contains("/admin#link="), "{made}");
    let root = Browser::with_password(&server, "root").await;
    // Instead of waiting: what was to end later ended just now.
    let database = Connection::open(server.dir.path().join("data/diagramd.db")).unwrap();
    let left = database.query_row(
        "SELECT max(expires_at - created_at), min(expires_at - created_at) FROM session",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    );
    assert_eq!(left.unwrap(), (12 * 3_600_000, 30 * 60_000));
    database.execute("UPDATE session SET expires_at = created_at", []).unwrap();
    assert_eq!(code(sign_in(&server, &json!({ "link": token(&made) })).await).await.0, 401);
    assert_eq!(root.get(&server, "/api/auth/session").await.0, 401);
}

#[tokio::test]
async fn a_call_of_another_page_changes_nothing() {
    let server = admin_server("");
    let root = Browser::with_password(&server, "root").await;
    let pause = || root.bare(&server, Method::POST, "/api/admin/queue/pause");
    let own = server.url.as_str();
    let refused = [
        pause(),
        pause().header(ORIGIN, own),
        pause().header("x-csrf-token", root.csrf()),
        pause().header("x-csrf-token", "wrong").header(ORIGIN, own),
        pause().header("x-csrf-token", root.csrf()).header(ORIGIN, "https://evil.example"),
        pause().header("x-csrf-token", root.csrf()).header(ORIGIN, "null"),
        pause().header("x-csrf-token", root.csrf()).header(ORIGIN, own).header("sec-fetch-site", "same-site"),
    ];
    for (number, call) in refused.into_iter().enumerate() {
        let (status, problem) = read(call).await;
        assert_eq!((status, &problem["code"]), (403, &json!("csrf_failed")), "{number}");
    }
    assert_eq!(root.get(&server, "/api/diagram/queue/status").await.1["paused"], false);
    let good = pause().header("x-csrf-token", root.csrf()).header("sec-fetch-site", "same-origin");
    assert_eq!(read(good).await.0, 200);
    let looks = root.bare(&server, Method::GET, "/api/admin/users").header(ORIGIN, "https://evil.example");
    assert_eq!(
        read(looks).await.0,
        200,
        "who only looks needs no token: the answer is not for the other page"
    );

    let forged = server.client.post(format!("{own}/api/auth/session")).header(ORIGIN, "https://evil.example");
    let (status, problem) = read(forged.json(&json!({ "user": "root", "password": PASSWORD }))).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("csrf_failed")),
        "nobody is signed in by another page"
    );
    // A key needs none of it, and comes before the cookie.
    let key = server.key("ann", "free", &[]);
    let both = root.bare(&server, Method::POST, "/api/auth/ws-ticket").header("x-api-key", &key);
    assert_eq!(read(both).await.0, 200);
    let both = root.bare(&server, Method::GET, "/api/diagram/usage").header("x-api-key", &key);
    assert_eq!(read(both).await.1["user"], "ann");
}

#[tokio::test]
async fn a_socket_by_cookie_is_opened_by_our_own_page_only_and_ends_with_the_session() {
    let server = admin_server("");
    let root = Browser::with_password(&server, "root").await;
    let open = async |origin: Option<&str>| {
        let cookie = ("cookie", root.cookie.as_str());
        let headers: Vec<_> = [cookie].into_iter().chain(origin.map(|origin| ("origin", origin))).collect();
        Socket::open_with_headers(&server, "/ws", &headers).await
    };
    for origin in [None, Some("https://evil.example"), Some("null")] {
        assert_eq!(open(origin).await.err(), Some(403), "{origin:?}");
    }
    let mut socket = open(Some(&server.url)).await.unwrap();
    socket.send(json!({ "type": "subscribe", "scope": "queue" })).await;
    assert_eq!(socket.next().await["type"], "queue");
    let answer = root.call(&server, Method::DELETE, "/api/auth/session").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(socket.closed().await.0, 1008);
    assert_eq!(root.get(&server, "/api/auth/session").await.0, 401);
    assert_eq!(root.get(&server, "/api/admin/users").await.0, 401);
}

#[tokio::test]
async fn sessions_survive_a_restart_and_end_with_their_user() {
    let server = admin_server("");
    let root = Browser::with_password(&server, "root").await;
    let server = Server::on(server.terminate().await);
    assert_eq!(root.get(&server, "/api/admin/users").await.0, 200);
    server.key("ann", "free", &[]);
    set_password(&server, "ann", &[]);
    let ann = Browser::with_password(&server, "ann").await;
    let change = |body: Value| root.call(&server, Method::PATCH, "/api/admin/users/ann").json(&body);
    assert_eq!(read(change(json!({ "disabled": true }))).await.0, 200);
    assert_eq!(ann.get(&server, "/api/auth/session").await.0, 401);
    assert_eq!(code(sign_in(&server, &json!({ "user": "ann", "password": PASSWORD })).await).await.0, 401);
    assert_eq!(read(change(json!({ "disabled": false }))).await.0, 200);
    assert_eq!(ann.get(&server, "/api/auth/session").await.0, 401, "it does not come back");
    set_password(&server, "root", &[]);
    assert_eq!(root.get(&server, "/api/auth/session").await.0, 401, "nor with another password");
}

#[tokio::test]
async fn an_admin_key_makes_an_admin_for_as_long_as_it_is_good() {
    let server = Server::start("");
    let key = server.key("ops", "pro", &["--admin"]);
    set_password(&server, "ops", &[]);
    let ops = Browser::with_password(&server, "ops").await;
    assert_eq!(ops.session["role"], "admin");
    let keys = server.get(&key, "/api/admin/keys").await.1;
    let id = keys["keys"][0]["id"].as_str().unwrap();
    assert_eq!(server.delete(&key, &format!("/api/admin/keys/{id}")).await.0, 200);
    assert_eq!(ops.get(&server, "/api/admin/users").await.0, 403);
    assert_eq!(ops.get(&server, "/api/auth/session").await.1["role"], "user");
}

#[tokio::test]
async fn the_first_start_offers_a_link_that_makes_the_admin() {
    let mut server = Printing::start("", &[]);
    let first = server.link();
    let (_, dir) = server.stop();
    let mut server = Printing::on(dir, &[]);
    let second = server.link();
    assert!(second.starts_with(&format!("{}/admin#link=", server.url)), "{second}");
    let client = reqwest::Client::new();
    let url = server.url.clone();
    let open = async |link: &str| {
        let sent = client.post(format!("{url}/api/auth/session")).header(ORIGIN, &url);
        sent.json(&json!({ "link": token(link) })).send().await.unwrap()
    };
    assert_eq!(open(&first).await.status(), 401, "the one of a later start takes its place");
    let answer = open(&second).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session: Value = answer.json().await.unwrap();
    assert_eq!((&session["user"], &session["role"]), (&json!("admin"), &json!("admin")));
    assert_eq!(session["hasPassword"], false);
    assert_eq!(open(&second).await.status(), 401, "once");
    let set = client.post(format!("{url}/api/auth/password")).header(ORIGIN, &url).header(COOKIE, cookie);
    let set = set.header("x-csrf-token", session["csrfToken"].as_str().unwrap());
    assert_eq!(set.json(&json!({ "password": PASSWORD })).send().await.unwrap().status(), 200);
    let (_, dir) = server.stop();
    let (printed, _) = Printing::on(dir, &[]).stop();
    assert_eq!(printed, "", "there is an operator now");
}

#[test]
fn a_password_that_is_too_short_makes_nobody_admin() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    assert!(!key.is_empty());
    let data = server.dir.path().join("data");
    let verb = |arguments: &[&str], input: &str| {
        let all = [arguments, &["--data-dir", data.to_str().unwrap()]].concat();
        crate::verb::run(server.dir.path(), &all, input)
    };
    for user in ["ann", "ops"] {
        let (status, _, told) = verb(&["user", "set-password", user, "--admin"], "short\n");
        assert_eq!(status, 1, "{told}");
    }
    let (_, users, _) = verb(&["user", "list", "--json"], "");
    let users: Value = serde_json::from_slice(&users).unwrap();
    let known: Vec<_> = users.as_array().unwrap().iter().map(|user| (&user["name"], &user["role"])).collect();
    assert_eq!(known, [(&json!("ann"), &json!("user"))]);
}

#[tokio::test]
async fn in_development_the_operators_page_is_one_link_away() {
    let mut server = Printing::start("", &["--dev"]);
    let link = server.link();
    let sent = reqwest::Client::new().post(format!("{}/api/auth/session", server.url));
    let session: Value =
        sent.json(&json!({ "link": token(&link) })).send().await.unwrap().json().await.unwrap();
    assert_eq!(session["role"], "admin");
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_browser_speaks_https() {
    let server = admin_server("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let body = json!({ "user": "root", "password": PASSWORD });
    let sent =
        server.client.post(format!("{}/api/auth/session", server.url)).header("x-forwarded-proto", "https");
    let answer = sent.json(&body).send().await.unwrap();
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    let public = admin_server("[server]\npublic_url = \"https://d.example\"\n");
    let sent =
        public.client.post(format!("{}/api/auth/session", public.url)).header(ORIGIN, "https://d.example");
    let answer = sent.json(&body).send().await.unwrap();
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    assert!(link(&public, "root").starts_with("https://d.example/admin#link="));
}
