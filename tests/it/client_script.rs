//! `/client.js`: the very file of `clients/js`, with what browsers need to take it as a module.

use crate::server::Server;

#[tokio::test]
async fn the_server_gives_its_own_client_as_a_module() {
    let server = Server::start("[server]\ncors_origins = [\"https://app.example\"]\n");
    let url = format!("{}/client.js", server.url);
    let ask = || server.client.get(&url).header("origin", "https://app.example");
    let first = ask().send().await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(first.headers()["cache-control"], "public, no-cache");
    assert_eq!(first.headers()["x-content-type-options"], "nosniff");
    assert_eq!(first.headers()["access-control-allow-origin"], "https://app.example");
    let etag = first.headers()["etag"].clone();
    assert_eq!(first.text().await.unwrap(), include_str!("../../clients/js/index.js"));

    let again = ask().header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &etag));
    assert_eq!(again.text().await.unwrap(), "");

    let head = server.client.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["etag"]), (200, &etag));
    assert_eq!(server.client.post(&url).send().await.unwrap().status(), 405);
}
