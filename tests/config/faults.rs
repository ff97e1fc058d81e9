//! All faults at once, each with its key, what is wrong, what is right, and where it came from.

use crate::binary::Place;

/// One of each kind of fault, in every layer.
const BAD: &str = r#"
[server]
listen = "nowhere"
public_url = "ftp://a.example"
cors_origins = ["*", "https://a.example/"]
trusted_proxies = ["10.0.0.0/99"]
max_body = "17MiB"
max_connections = 0
shutdown_grace = "twenty seconds"
websocket_require_auth = "yes"
lisen = "127.0.0.1:1"

[storage]
url = "postgres://db.example/diagramd"

[queue]
max_attempts = 1000
retry_base = "10m"
retry_cap = "5m"

[generation]
default_max_tokens = 9000
timeout = 120
timeout_seconds = 5

[[upstreams]]
kind = "claude"
plan = "50x"

[[upstreams]]
kind = "openai"
name = "anthropic"
base_url = "localhost"
requests_per_minute = -1
[upstreams.price]
input = "cheap"

[tiers.free]
requests_per_hour = 5.5
max_concurrent = "one"
models = ["has space"]
monthly_budget_usd = "a lot"

[tiers.gold]
weight = 1

[cache]
ttl = "1 fortnight"

[auth.jwt]
issuer = "https://a.example"

[alerts]
thresholds = [0.9, 0.5, 7]

[webhooks]
retries = ["5s", "1d", "1d", "12h"]

[log]
format = "xml"
level = "loud"

[metrics]
listen = "9090"

[retention]
finished = "0s"
"#;

#[test]
fn all_faults_of_all_layers_come_at_once() {
    let place = Place::with(BAD);
    let environment = [
        ("DIAGRAMD_QUEUE__MAX_QUEUED", "many"),
        ("DIAGRAMD_ALERTS__QUEUE_AGE", "soon"),
        ("DIAGRAMD_TIERS__PRO__WIEGHT", "3"),
        // Not ours: what a container platform sets beside a service of this name.
        ("DIAGRAMD_PORT", "tcp://10.0.0.1:3000"),
        ("DIAGRAMD_SERVICE_HOST", "10.0.0.1"),
    ];
    let ran = place.run_in(&environment, &["config", "check"]);
    insta::assert_snapshot!("every_fault", ran.told());
    for verb in [&["serve"][..], &["key", "list"], &["generate", "x"], &["tier", "list"], &["config", "show"]]
    {
        let again = place.run_in(&environment, verb);
        assert_eq!((again.status, &again.err), (78, &ran.err), "{verb:?}: every verb says the same");
    }
    assert!(!place.path("diagramd-data").exists(), "nothing was made");
}

#[test]
fn a_flags_fault_names_the_flag() {
    let ran = Place::new().run(&["serve", "--listen", "here"]);
    insta::assert_snapshot!("flag_fault", ran.told());
}

#[test]
fn what_is_no_toml_is_told_by_line_without_quoting_it() {
    let ran =
        Place::with("[server]\nlisten = \n\n[metrics]\ntoken = \"sk-SECRET\n").run(&["config", "check"]);
    assert!(!ran.err.contains("SECRET"), "{}", ran.err);
    insta::assert_snapshot!("not_toml", ran.told());
    for (text, word) in [("a = 1\na = 2", "duplicate"), ("[server]\n[server]", "duplicate")] {
        let ran = Place::with(text).run(&["config", "check"]);
        assert_eq!(ran.status, 78);
        assert!(ran.err.contains(word) && ran.err.contains("config.toml:2"), "{}", ran.err);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let place = Place::new();
    std::fs::create_dir(place.path("dir.toml")).unwrap();
    std::fs::write(place.path("latin.toml"), b"# caf\xe9").unwrap();
    std::fs::write(place.path("huge.toml"), vec![b'#'; 2 << 20]).unwrap();
    for (file, word) in [("dir.toml", "directory"), ("latin.toml", "UTF-8"), ("huge.toml", "bytes")] {
        let ran = place.run(&["config", "check", "--config", file]);
        assert_eq!(ran.status, 78, "{file}");
        assert!(ran.err.contains(file) && ran.err.contains(word), "{}", ran.err);
    }
}

#[test]
fn a_good_configuration_is_called_good_with_its_warnings() {
    let quiet = Place::with("[[upstreams]]\nkind = \"openai\"\nmodel = \"llama3.2\"\n");
    insta::assert_snapshot!("good", quiet.run(&["config", "check"]).told());
    let loud =
        Place::with("[[upstreams]]\nkind = \"anthropic\"\nmodel = \"unheard-of\"\ntokens_per_minute = 100\n");
    insta::assert_snapshot!("good_with_warnings", loud.run(&["config", "check"]).told());
    insta::assert_snapshot!("good_without_file", Place::new().run(&["config", "check"]).told());
}
