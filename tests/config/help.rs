//! `--help` of every verb.

use clap::CommandFactory;
use diagramd::cli::Cli;

use crate::binary::Place;

/// The path of every verb, `[]` first.
fn verbs(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for verb in command.get_subcommands() {
        verbs(verb, &[path, &[verb.get_name().to_owned()]].concat(), found);
    }
}

fn all() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    verbs(&Cli::command(), &[], &mut found);
    found
}

#[test]
fn the_help_of_every_verb() {
    let place = Place::new();
    for verb in all() {
        let arguments: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = place.run(&arguments);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{verb:?}");
        let name = if verb.is_empty() { "diagramd".to_owned() } else { verb.join("_") };
        insta::assert_snapshot!(format!("help_{name}"), ran.out);
    }
}

#[test]
fn help_fits_a_terminal_and_shows_no_secret_of_the_environment() {
    let place = Place::new();
    for verb in all() {
        let arguments: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = place.run_in(&[("DIAGRAMD_KEY", "dgd_SECRET")], &arguments);
        assert!(!ran.told().contains("SECRET"), "{verb:?}");
        for line in ran.out.lines() {
            assert!(line.chars().count() <= 100, "{verb:?}: {line}");
            assert_eq!(line, line.trim_end(), "{verb:?}");
        }
    }
}

#[test]
fn every_verb_is_completed_and_has_its_page() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = place.run(&["completions", shell]);
        assert_eq!(ran.status, 0, "{shell}");
        for verb in ["serve", "generate", "set-tier"] {
            assert!(ran.out.contains(verb), "{shell} lacks {verb}");
        }
    }
    let page = place.run(&["man"]);
    assert!(page.status == 0 && page.out.contains(".TH diagramd"), "{}", page.out);
    std::fs::create_dir(place.path("pages")).unwrap();
    assert_eq!(place.run(&["man", "--dir", "pages"]).status, 0);
    for verb in all() {
        let name =
            ["diagramd"].into_iter().chain(verb.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
        assert!(place.path(&format!("pages/{name}.1")).exists(), "{name}");
    }
}
