//! A scripted Kroki server on a port of its own.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;

type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// It answers what the test says: path and source in, status and body out.
pub struct Kroki {
    pub url: String,
    asked: Asked,
}

impl Kroki {
    pub async fn start(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, answer) = (Asked::default(), Arc::new(answer));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let serve = service_fn(move |call: Request<Incoming>| {
                    let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                    async move {
                        let path = call.uri().path().to_owned();
                        let body = call.into_body().collect().await?.to_bytes();
                        let source = String::from_utf8_lossy(&body).into_owned();
                        let (status, text) = answer(&path, &source);
                        seen.lock().push((path, source));
                        let mut response = Response::new(Full::new(Bytes::from(text)));
                        *response.status_mut() = status.try_into().unwrap();
                        if status == 302 {
                            response.headers_mut().insert("location", "http://127.0.0.1:9/".parse().unwrap());
                        }
                        Ok::<_, hyper::Error>(response)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve),
                );
            }
        });
        Self { url, asked }
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().clone()
    }
}
