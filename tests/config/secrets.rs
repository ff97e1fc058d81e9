//! Secrets: by value, file or variable, never two at once, never shown.

use crate::binary::Place;

const SECRET: &str = "sk-SECRET-0123456789abcdef0123456789abcdef";

#[test]
fn a_secret_comes_by_value_file_or_variable() {
    let place = Place::new();
    place.write("key", &format!("{SECRET}\n"));
    for line in [
        format!("api_key = \"{SECRET}\""),
        "api_key_file = \"key\"".to_owned(),
        "api_key_env = \"MY_KEY\"".to_owned(),
    ] {
        place.write("config.toml", &format!("[[upstreams]]\nkind = \"anthropic\"\n{line}\n"));
        let ran = place.run_in(&[("MY_KEY", SECRET)], &["config", "show"]);
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        assert!(ran.out.contains("api_key = \"•••\""), "{line}: {}", ran.out);
        assert!(!ran.told().contains("SECRET"), "{line}: {}", ran.told());
        let json = place.run_in(&[("MY_KEY", SECRET)], &["config", "show", "--json"]);
        assert!(json.out.contains("\"api_key\": \"•••\"") && !json.told().contains("SECRET"), "{}", json.out);
    }
    let variable = [("DIAGRAMD_UPSTREAMS__0__API_KEY", SECRET)];
    place.write("config.toml", "[[upstreams]]\nkind = \"anthropic\"\n");
    let ran = place.run_in(&variable, &["config", "show"]);
    assert!(ran.out.contains("api_key = \"•••\"") && !ran.told().contains("SECRET"), "{}", ran.told());
}

#[test]
fn two_at_once_are_a_fault_that_names_both_and_shows_neither() {
    let place = Place::new();
    place.write("key", SECRET);
    let both = format!(
        "[[upstreams]]\napi_key = \"{SECRET}\"\napi_key_file = \"key\"\n[metrics]\ntoken_file = \"key\"\ntoken_env = \"MY_KEY\"\n"
    );
    place.write("config.toml", &both);
    let ran = place.run_in(&[("MY_KEY", SECRET)], &["config", "check"]);
    assert!(!ran.told().contains("SECRET"), "{}", ran.told());
    insta::assert_snapshot!("two_secrets_at_once", ran.told());
}

#[test]
fn a_secret_that_is_not_there_is_a_fault() {
    let place = Place::with(
        "[[upstreams]]\napi_key_file = \"none\"\n[metrics]\ntoken_env = \"NOT_SET\"\n[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nhs256_secret_file = \"short\"\n",
    );
    place.write("short", "SECRET");
    let ran = place.run(&["config", "check"]);
    assert!(!ran.told().contains("SECRET"), "{}", ran.told());
    insta::assert_snapshot!("secrets_that_are_not_there", ran.told());
}

#[test]
fn a_secret_where_its_file_or_variable_should_be_named_is_not_shown() {
    let place = Place::with(&format!(
        "[[upstreams]]\napi_key_env = \"{SECRET}\"\n[metrics]\ntoken_file = \"{SECRET}\"\n"
    ));
    let ran = place.run(&["config", "check"]);
    assert!(!ran.told().contains("SECRET"), "{}", ran.told());
    insta::assert_snapshot!("secrets_in_the_wrong_place", ran.told());
}

#[test]
fn no_secret_of_any_section_is_ever_shown() {
    let place = Place::new();
    place.write("hs256", SECRET);
    place.write(
        "config.toml",
        &format!(
            "[[upstreams]]\napi_key = \"{SECRET}\"\n[metrics]\ntoken = \"{SECRET}\"\n[alerts]\nwebhook_url = \"https://chat.example/{SECRET}\"\n[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\nhs256_secret_file = \"hs256\"\n"
        ),
    );
    for arguments in [&["config", "show"][..], &["config", "show", "--json"], &["config", "check"]] {
        let ran = place.run(arguments);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(!ran.told().contains("SECRET"), "{}", ran.told());
    }
    assert_eq!(place.run(&["config", "show"]).out.matches("•••").count(), 4);
    place.write("config.toml", &format!("[metrics]\ntoken = [\"{SECRET}\"]\n[[upstreams]]\napi_key = 5\nbase_url = \"https://user:{SECRET}@a.example\"\n"));
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.status, 78);
    assert!(!ran.told().contains("SECRET"), "{}", ran.told());
}

#[test]
fn a_key_file_that_everybody_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with("[[upstreams]]\napi_key_file = \"key\"\n");
    let key = place.write("key", SECRET);
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(place.run(&["config", "check"]).err.contains("chmod 600 key"));
    mode(0o600);
    assert!(!place.run(&["config", "check"]).err.contains("chmod"));
}

#[test]
fn the_environments_key_goes_to_its_owner_only() {
    let key = [("ANTHROPIC_API_KEY", SECRET)];
    for (base_url, mark) in
        [("https://api.anthropic.com", "api_key = \"•••\""), ("https://proxy.example", "api_key = \"\"")]
    {
        let place = Place::with(&format!("[[upstreams]]\nkind = \"anthropic\"\nbase_url = \"{base_url}\"\n"));
        let ran = place.run_in(&key, &["config", "show"]);
        assert!(ran.out.contains(mark), "{base_url}: {}", ran.out);
        assert!(!ran.told().contains("SECRET"));
    }
}
