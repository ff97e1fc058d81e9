//! The route table, and docs/api.md held to it.

use super::*;

fn found(method: &str, path: &'static str) -> Result<Route<'static>, Miss> {
    find(&method.parse().unwrap(), path)
}

#[test]
fn paths_are_found_with_their_access() {
    assert_eq!(found("GET", "/"), Ok(Route::Open(Open::Home)));
    assert_eq!(found("GET", "/healthz"), Ok(Route::Health(Health::Alive)));
    assert_eq!(found("HEAD", "/readyz"), Ok(Route::Health(Health::Ready)));
    assert_eq!(found("GET", "/metrics"), Ok(Route::Metrics));
    assert_eq!(found("POST", "/api/diagram/generate"), Ok(Route::User(ForUser::Generate)));
    assert_eq!(found("GET", "/api/diagram/status/x"), Ok(Route::User(ForUser::Status("x"))));
    assert_eq!(found("GET", "/api/diagram/stats"), Ok(Route::Admin(ForAdmin::Stats)));
    assert_eq!(found("DELETE", "/api/admin/users/a%40b"), Ok(Route::Admin(ForAdmin::DisableUser("a%40b"))));
    assert_eq!(found("POST", "/api/admin/requests/x/retry"), Ok(Route::Admin(ForAdmin::Retry("x"))));
}

/// Method, path and access of each row of docs/api.md's table of paths.
fn documented() -> Vec<(&'static str, &'static str, &'static str)> {
    let text = include_str!("../../docs/api.md");
    let rows = text.lines().filter(|line| line.starts_with("| ")).filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some((cells.next()?, cells.next()?.split(',').next()?))
    });
    let calls = rows.flat_map(|(calls, access)| calls.split(", ").map(move |call| (call, access)));
    calls
        .filter_map(|(call, access)| {
            let mut words = call.strip_prefix("and ").unwrap_or(call).split(' ');
            let (method, path) = (words.next()?, words.next()?);
            path.starts_with('/').then_some((method, path, access))
        })
        .collect()
}

#[test]
fn the_document_lists_the_table_and_nothing_else() {
    let documented = documented();
    for (method, path, access) in &documented {
        let route = found(method, path).unwrap_or_else(|_| panic!("{method} {path} has no route"));
        let needed = match route {
            Route::Health(_) | Route::Open(_) => "open",
            Route::User(_) => "user",
            Route::Metrics | Route::Admin(_) => "admin",
        };
        assert_eq!(*access, needed, "{method} {path}");
    }
    let rows = rows();
    for row in &rows {
        let listed = documented.iter().any(|(method, path, _)| row.is(method, path));
        assert!(listed, "docs/api.md does not list {row:?}");
    }
    assert_eq!(rows.len(), documented.len(), "each is listed once");
}

#[test]
fn wrong_methods_are_told_which_are_right() {
    assert_eq!(found("PUT", "/api/admin/users/a"), Err(Miss::Method("GET, HEAD, PATCH, DELETE".into())));
    assert_eq!(found("HEAD", "/api/diagram/generate"), Err(Miss::Method("POST".into())));
    assert_eq!(found("OPTIONS", "/healthz"), Err(Miss::Method("GET, HEAD".into())));
    assert_eq!(found("get", "/healthz"), Err(Miss::Method("GET, HEAD".into())), "methods have case");
}

#[test]
fn other_paths_are_unknown() {
    for path in ["/healthz/", "//healthz", "/HEALTHZ", "/api", "/metrics/", "/a/b/c/d/e/f/g/h", "*"] {
        assert_eq!(found("GET", path), Err(Miss::Path), "{path}");
    }
}

#[test]
fn every_admin_path_is_the_operators_known_or_not() {
    for (path, is_admin) in [
        ("/api/admin", true),
        ("/api/admin/", true),
        ("/api/admin/users", true),
        ("/api/admin/no/such/path", true),
        ("/api/administration", false),
        ("/api/diagram/stats", false),
    ] {
        assert_eq!(is_admin_path(path), is_admin, "{path}");
    }
    for (method, _) in METHODS {
        for path in ["users", "keys", "config", "alerts"] {
            if let Some(found) = route(method, &["api", "admin", path]) {
                assert!(matches!(found, Route::Admin(_)), "{method} {path}");
            }
        }
    }
}
