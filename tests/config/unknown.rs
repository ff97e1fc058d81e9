//! Unknown keys are faults, each with the key that was probably meant.

use crate::binary::Place;

#[test]
fn an_unknown_key_is_told_with_what_was_meant() {
    for (text, path, meant) in [
        ("[server]\nlisen = \"x\"", "server.lisen", "server.listen"),
        ("[servre]\nlisten = \"x\"", "servre", "server"),
        ("[tiers.free]\nrequest_per_hour = 5", "tiers.free.request_per_hour", "tiers.free.requests_per_hour"),
        ("[tiers.entreprise]\nweight = 5", "tiers.entreprise", "tiers.enterprise"),
        (
            "[[upstreams]]\nkind = \"offline\"\nmax_concurent = 5",
            "upstreams[0].max_concurent",
            "upstreams[0].max_concurrent",
        ),
        ("[upstream]\nkind = \"offline\"", "upstream", "upstreams"),
        ("max_queued = 5", "max_queued", "queue.max_queued"),
    ] {
        let ran = Place::with(text).run(&["config", "check"]);
        assert_eq!(ran.status, 78, "{text}");
        let line = format!("{path}: unknown key; did you mean {meant}?");
        assert!(ran.err.contains(&line), "{line:?} is not in {:?}", ran.err);
    }
}

#[test]
fn a_variables_suggestion_is_a_variable() {
    let ran = Place::new().run_in(&[("DIAGRAMD_SERVER__LISEN", "x")], &["config", "check"]);
    assert_eq!(ran.status, 78);
    assert!(ran.err.contains("did you mean DIAGRAMD_SERVER__LISTEN?"), "{}", ran.err);
    assert!(ran.err.contains("from environment DIAGRAMD_SERVER__LISEN"), "{}", ran.err);
    let ran = Place::new().run_in(&[("DIAGRAMD_LISTEN", "x")], &["config", "check"]);
    assert!(
        ran.err.contains("DIAGRAMD_SERVER__LISTEN") || ran.err.contains("DIAGRAMD_METRICS__LISTEN"),
        "{}",
        ran.err
    );
}

#[test]
fn what_resembles_nothing_is_sent_to_the_list_and_values_are_never_quoted() {
    let ran = Place::with("[metrics]\ntokne = \"sk-SECRET\"\nqqq = \"sk-SECRET\"").run(&["config", "check"]);
    assert_eq!(ran.status, 78);
    assert!(ran.err.contains("metrics.qqq: unknown key; [metrics] takes listen, token"), "{}", ran.err);
    let top = Place::with("qqq = 1").run(&["config", "check"]).err;
    assert!(top.contains("qqq: unknown key; see `diagramd config default`"), "{top}");
    assert!(ran.err.contains("did you mean metrics.token?"), "{}", ran.err);
    assert!(!ran.err.contains("SECRET"), "{}", ran.err);
}
