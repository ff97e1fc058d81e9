//! A browser of a test: keeps the cookie, sends what a page of our own sends.

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::server::Server;

pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
pub struct Browser {
    /// `Set-Cookie` as it came.
    pub set_cookie: String,
    /// `name=token`, as it is sent back.
    pub cookie: String,
    /// The answer to the sign-in.
    pub session: Value,
}

/// A call of the sign-in page.
pub async fn sign_in(server: &Server, body: &Value) -> Response {
    let call = server.client.post(format!("{}/api/auth/session", server.url)).header(ORIGIN, &server.url);
    call.json(body).send().await.unwrap()
}

impl Browser {
    /// Signs in with this; fails when that is refused.
    pub async fn of(server: &Server, body: Value) -> Self {
        let answer = sign_in(server, &body).await;
        assert_eq!(answer.status(), 200, "{body}");
        let set_cookie = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        let cookie = set_cookie.split(';').next().unwrap().to_owned();
        Self { set_cookie, cookie, session: answer.json().await.unwrap() }
    }

    pub async fn with_password(server: &Server, user: &str) -> Self {
        Self::of(server, json!({ "user": user, "password": PASSWORD })).await
    }

    pub fn csrf(&self) -> &str {
        self.session["csrfToken"].as_str().unwrap()
    }

    /// A call with the cookie and nothing else.
    pub fn bare(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        server.client.request(method, format!("{}{path}", server.url)).header(COOKIE, &self.cookie)
    }

    /// A call as our own page makes it.
    pub fn call(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        let call = self.bare(server, method, path).header(ORIGIN, &server.url);
        call.header("x-csrf-token", self.csrf())
    }

    pub async fn get(&self, server: &Server, path: &str) -> (u16, Value) {
        read(self.call(server, Method::GET, path)).await
    }

    pub async fn post(&self, server: &Server, path: &str, body: &Value) -> (u16, Value) {
        read(self.call(server, Method::POST, path).json(body)).await
    }
}

/// Status and body.
pub async fn read(call: RequestBuilder) -> (u16, Value) {
    let answer = call.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// Sets a user's password by the command line; with `more`, its options.
pub fn set_password(server: &Server, user: &str, more: &[&str]) {
    let data = server.dir.path().join("data");
    let arguments = [&["user", "set-password", user, "--data-dir", data.to_str().unwrap()], more].concat();
    let (status, _, told) = crate::verb::run(server.dir.path(), &arguments, &format!("{PASSWORD}\n"));
    assert_eq!(status, 0, "{told}");
}

/// A link of a user by the command line.
pub fn link(server: &Server, user: &str) -> String {
    let data = server.dir.path().join("data");
    let arguments = ["user", "link", user, "--data-dir", data.to_str().unwrap()];
    let (status, out, told) = crate::verb::run(server.dir.path(), &arguments, "");
    assert_eq!(status, 0, "{told}");
    String::from_utf8(out).unwrap().trim().to_owned()
}

/// What stands behind `#link=`.
pub fn token(link: &str) -> &str {
    link.split_once("#link=").unwrap().1
}
