//! `[alerts]`: what goes together, and what is never shown.

use crate::binary::Place;

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MAIL: &str = "[alerts.email]\nhost = \"mail.example\"\nuser = \"mailer\"\npassword = \"letmein-letmein\"\nfrom = \"diagramd <d@example.com>\"\nto = [\"ops@example.com\"]\n";

#[test]
fn every_way_to_the_operator_is_shown_without_its_secrets() {
    let webhook = "https://chat.example/T0/letmein";
    let place = Place::with(&format!(
        "[alerts]\nwebhook_url = \"{webhook}\"\nformat = \"slack\"\nsecret = \"{SIGNING}\"\nwindow = \"2h\"\ndisk_free = 0\n{MAIL}"
    ));
    let ran = place.run(&["config", "show"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    for line in [
        "window = \"2h\"",
        "disk_free = 0.0",
        "format = \"slack\"",
        "secret = \"•••\"",
        "[alerts.email]",
        "port = 587",
        "security = \"starttls\"",
        "password = \"•••\"",
        "to = [\"ops@example.com\"]",
    ] {
        assert!(ran.out.lines().any(|shown| shown == line), "{line}: {}", ran.out);
    }
    assert!(!ran.told().contains("letmein") && !ran.told().contains("MfKQ"), "{}", ran.told());
}

#[test]
fn what_does_not_go_together_is_a_fault_that_says_what_does() {
    let place = Place::with(
        "[alerts]\nwebhook_url = \"https://ntfy.sh/\"\nformat = \"ntfy\"\nsecret = \"too-short-a-secret\"\nfailure_rate = 2\nwindow = \"0s\"\n[alerts.email]\nto = [\"ops\"]\nuser = \"mailer\"\nport = 0\n",
    );
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.status, 78, "{ran:?}");
    assert!(!ran.told().contains("too-short-a-secret"), "{}", ran.told());
    insta::assert_snapshot!("faults_of_alerts", ran.told());
}

#[test]
fn a_password_in_the_clear_is_warned_of() {
    let place = Place::with(&format!("{MAIL}security = \"none\"\n"));
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.err.contains("alerts.email.security: the password is sent in the clear"), "{}", ran.err);
}
