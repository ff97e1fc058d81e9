//! Flags over environment over file over defaults.

use diagramd::config::{Config, LoadOptions, Override, show_json};
use serde_json::{Value, json};

use crate::binary::Place;

/// A key, its default, and what file, variable and flag set it to.
struct Key {
    path: &'static str,
    pointer: &'static str,
    default: Value,
    file: (&'static str, Value),
    variable: (&'static str, &'static str, Value),
    flag: (&'static str, Value),
}

fn keys() -> Vec<Key> {
    let key =
        |path, pointer, default, file, variable, flag| Key { path, pointer, default, file, variable, flag };
    vec![
        key(
            "server.listen",
            "/server/listen",
            json!("127.0.0.1:3000"),
            ("[server]\nlisten = \"127.0.0.1:1\"", json!("127.0.0.1:1")),
            ("DIAGRAMD_SERVER__LISTEN", "unix:/run/d.sock", json!("unix:/run/d.sock")),
            ("[::1]:3", json!("[::1]:3")),
        ),
        key(
            "server.max_body",
            "/server/max_body",
            json!("256KiB"),
            ("[server]\nmax_body = \"1MiB\"", json!("1MiB")),
            ("DIAGRAMD_SERVER__MAX_BODY", "2MiB", json!("2MiB")),
            ("3MiB", json!("3MiB")),
        ),
        key(
            "server.cors_origins",
            "/server/cors_origins",
            json!([]),
            ("[server]\ncors_origins = [\"https://a.example\"]", json!(["https://a.example"])),
            (
                "DIAGRAMD_SERVER__CORS_ORIGINS",
                "https://b.example, https://c.example",
                json!(["https://b.example", "https://c.example"]),
            ),
            ("", Value::Null),
        ),
        key(
            "server.websocket_require_auth",
            "/server/websocket_require_auth",
            json!(false),
            ("[server]\nwebsocket_require_auth = true", json!(true)),
            ("DIAGRAMD_SERVER__WEBSOCKET_REQUIRE_AUTH", "false", json!(false)),
            ("true", json!(true)),
        ),
        key(
            "queue.retry_base",
            "/queue/retry_base",
            json!("1s"),
            ("[queue]\nretry_base = \"2s\"", json!("2s")),
            ("DIAGRAMD_QUEUE__RETRY_BASE", "3s", json!("3s")),
            ("4s", json!("4s")),
        ),
        key(
            "tiers.free.requests_per_hour",
            "/tiers/free/requests_per_hour",
            json!(5),
            ("[tiers.free]\nrequests_per_hour = 6", json!(6)),
            ("DIAGRAMD_TIERS__FREE__REQUESTS_PER_HOUR", "7", json!(7)),
            ("8", json!(8)),
        ),
        key(
            "tiers.pro.monthly_budget_usd",
            "/tiers/pro/monthly_budget_usd",
            json!(0.0),
            ("[tiers.pro]\nmonthly_budget_usd = 1.5", json!(1.5)),
            ("DIAGRAMD_TIERS__PRO__MONTHLY_BUDGET_USD", "2.25", json!(2.25)),
            ("3", json!(3.0)),
        ),
        key(
            "alerts.thresholds",
            "/alerts/thresholds",
            json!([0.8, 0.95]),
            ("[alerts]\nthresholds = [0.5]", json!([0.5])),
            ("DIAGRAMD_ALERTS__THRESHOLDS", "[0.1, 0.2]", json!([0.1, 0.2])),
            ("", Value::Null),
        ),
        key(
            "log.level",
            "/log/level",
            json!("info"),
            ("[log]\nlevel = \"warn\"", json!("warn")),
            ("DIAGRAMD_LOG__LEVEL", "info,diagramd::http=debug", json!("info,diagramd::http=debug")),
            ("trace", json!("trace")),
        ),
    ]
}

#[test]
fn every_layer_wins_over_the_ones_below() {
    for key in keys() {
        let place = Place::new();
        let value = |place: &Place, variable: bool, flag: bool| {
            let (name, text, _) = key.variable;
            let environment = variable.then(|| (name.to_owned(), text.to_owned()));
            let overrides =
                flag.then(|| Override { path: key.path, value: key.flag.0.to_owned(), flag: "--flag" });
            let loaded = Config::load(LoadOptions {
                fallback_file: Some(place.path("config.toml")),
                environment: environment.into_iter().collect(),
                overrides: overrides.into_iter().collect(),
                ..LoadOptions::default()
            });
            let shown = show_json(&loaded.unwrap_or_else(|faults| panic!("{faults}")).config);
            shown.pointer(key.pointer).unwrap().clone()
        };
        let flagged = !key.flag.1.is_null();
        assert_eq!(value(&place, false, false), key.default, "{}", key.path);
        place.write("config.toml", key.file.0);
        assert_eq!(value(&place, false, false), key.file.1, "{}: file over default", key.path);
        assert_eq!(value(&place, true, false), key.variable.2, "{}: variable over file", key.path);
        if flagged {
            assert_eq!(value(&place, true, true), key.flag.1, "{}: flag over variable", key.path);
            assert_eq!(value(&place, false, true), key.flag.1, "{}: flag over file", key.path);
        }
    }
}

#[test]
fn the_file_is_the_flags_or_the_variables_or_the_directorys() {
    let hour = |place: &Place, environment: &[(&str, &str)], arguments: &[&str]| {
        let arguments = [arguments, &["config", "show", "--json"]].concat();
        let ran = place.run_in(environment, &arguments);
        assert_eq!(ran.status, 0, "{ran:?}");
        let shown: Value = serde_json::from_str(&ran.out).unwrap();
        shown["tiers"]["free"]["requests_per_hour"].as_u64().unwrap()
    };
    let place = Place::new();
    assert_eq!(hour(&place, &[], &[]), 5);
    place.write("config.toml", "[tiers.free]\nrequests_per_hour = 1");
    place.write("variable.toml", "[tiers.free]\nrequests_per_hour = 2");
    place.write("flag.toml", "[tiers.free]\nrequests_per_hour = 3");
    let variable = [("DIAGRAMD_CONFIG", "variable.toml")];
    assert_eq!(hour(&place, &[], &[]), 1);
    assert_eq!(hour(&place, &variable, &[]), 2);
    assert_eq!(hour(&place, &variable, &["--config", "flag.toml"]), 3);
    assert_eq!(hour(&place, &[("DIAGRAMD_CONFIG", "")], &[]), 1, "an empty variable names no file");
    for missing in
        [&["--config", "none.toml", "config", "check"][..], &["config", "check", "--config=none.toml"]]
    {
        let ran = place.run(missing);
        assert_eq!(ran.status, 78, "a file that was named must be there");
        assert!(ran.err.contains("none.toml"), "{ran:?}");
    }
}

#[test]
fn the_data_directory_of_the_flag_wins() {
    let place = Place::with("[server]\ndata_dir = \"of-the-file\"");
    let dir = |environment: &[(&str, &str)], arguments: &[&str]| {
        let shown = place.run_in(environment, &[arguments, &["config", "show", "--json"]].concat());
        let shown: Value = serde_json::from_str(&shown.out).unwrap();
        shown["server"]["data_dir"].as_str().unwrap().to_owned()
    };
    let variable = [("DIAGRAMD_SERVER__DATA_DIR", "of-the-variable")];
    assert_eq!(dir(&[], &[]), "of-the-file");
    assert_eq!(dir(&variable, &[]), "of-the-variable");
    assert_eq!(dir(&variable, &["--data-dir", "of-the-flag"]), "of-the-flag");
}

#[test]
fn variables_change_single_keys_of_upstreams_and_add_the_next_one() {
    let place =
        Place::with("[[upstreams]]\nname = \"one\"\nkind = \"openai\"\nmodel = \"m\"\nmax_concurrent = 3\n");
    let variables = [
        ("DIAGRAMD_UPSTREAMS__0__MODEL", "n"),
        ("DIAGRAMD_UPSTREAMS__1__KIND", "offline"),
        ("DIAGRAMD_UPSTREAMS__1__NAME", "two"),
    ];
    let ran = place.run_in(&variables, &["config", "show", "--json"]);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    let upstreams = &shown["upstreams"];
    assert_eq!((&upstreams[0]["model"], &upstreams[0]["max_concurrent"]), (&json!("n"), &json!(3)));
    assert_eq!((&upstreams[1]["name"], &upstreams[1]["kind"]), (&json!("two"), &json!("offline")));
    let whole = [("DIAGRAMD_UPSTREAMS", "[{\"name\":\"json\",\"kind\":\"offline\"}]")];
    let shown: Value =
        serde_json::from_str(&place.run_in(&whole, &["config", "show", "--json"]).out).unwrap();
    assert_eq!(
        (&shown["upstreams"][0]["name"], shown["upstreams"].as_array().unwrap().len()),
        (&json!("json"), 1)
    );
    let both = place.run_in(&[whole[0], variables[0]], &["config", "check"]);
    assert_eq!(both.status, 78);
    assert!(both.err.contains("is set both as a whole and key by key"), "{}", both.err);
    let gap = place.run_in(&[("DIAGRAMD_UPSTREAMS__5__KIND", "offline")], &["config", "check"]);
    assert_eq!(gap.status, 78);
    assert!(gap.err.contains("the next index is 1"), "{}", gap.err);
}
