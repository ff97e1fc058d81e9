//! `config show`: what is in force, secrets masked, and itself a good file.

use crate::binary::Place;

const SOME: &str = "[server]\nlisten = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n[[upstreams]]\nname = \"ours\"\nkind = \"openai\"\nbase_url = \"http://gpu.example:8000/v1/\"\nmodel = \"qwen\"\napi_key = \"sk-SECRET\"\n[tiers.pro]\nmodels = [\"qwen\"]\nmonthly_budget_usd = 12.5\nprice_usd_month = 20\n";

#[test]
fn what_is_in_force_is_shown() {
    let place = Place::with(SOME);
    insta::assert_snapshot!("show", place.run(&["config", "show"]).told());
    insta::assert_snapshot!("show_json", place.run(&["config", "show", "--json"]).told());
}

#[test]
fn what_is_shown_is_a_configuration_that_shows_the_same() {
    let place = Place::with(SOME);
    let shown = place.run(&["config", "show"]).out;
    let again = Place::with(&shown.replace("•••", "sk-OTHER"));
    assert_eq!(again.run(&["config", "show"]).out, shown);
}
