//! `diagramd template …`, and the operator's directory of templates.

use crate::binary::Place;

const OWN: &str = "title = \"Ours\"\ndescription = \"Our own form.\"\nprompt = \"Draw {{what}} as we do.\"\n\n[[variables]]\nname = \"what\"\ntype = \"string\"\nrequired = true\ndescription = \"What to draw.\"\n";

fn place() -> Place {
    let place = Place::with("[generation]\ntemplates_dir = \"own\"\n");
    std::fs::create_dir(place.path("own")).unwrap();
    place
}

#[test]
fn the_templates_are_listed_and_shown() {
    let place = place();
    place.write("own/ours.toml", OWN);
    place.write("own/README.md", "no template");
    let list = place.run(&["template", "list"]);
    assert_eq!((list.status, list.err.as_str()), (0, ""));
    insta::assert_snapshot!("template_list", list.out);
    let shown = place.run(&["template", "show", "ours"]);
    insta::assert_snapshot!("template_show", shown.out);
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["template", "show", "ours", "--json"]).out).unwrap();
    assert_eq!((&json["source"], &json["prompt"]), (&"operator".into(), &"Draw {{what}} as we do.".into()));
    let all: serde_json::Value =
        serde_json::from_str(&place.run(&["template", "list", "--json"]).out).unwrap();
    assert_eq!(all.as_array().unwrap().len(), list.out.lines().count() - 1);
    let unknown = place.run(&["template", "show", "our"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("did you mean ours?"), "{}", unknown.err);
}

#[test]
fn faulty_templates_are_faults_of_the_configuration_all_at_once() {
    let place = place();
    place.write("own/one.toml", "title = 5\n");
    place.write("own/Two.toml", OWN);
    place.write("own/three.toml", "title = \n");
    std::fs::write(place.path("own/four.toml"), [0xff, 0xfe]).unwrap();
    place.write("own/five.toml", &"#".repeat(70_000));
    for verb in [&["config", "check"][..], &["template", "list"], &["serve", "--listen", "127.0.0.1:0"]] {
        let ran = place.run(verb);
        assert_eq!((ran.status, ran.out.as_str()), (78, ""), "{verb:?}: {}", ran.err);
        for part in [
            "generation.templates_dir: own/one.toml: title: 5 is not text",
            "own/one.toml: description: is missing",
            "own/one.toml: prompt: is missing",
            "own/Two.toml: \"Two\" is no name for a template",
            "own/three.toml: is not TOML",
            "own/four.toml cannot be read",
            "own/five.toml: has 65537 bytes; at most 65536",
            "has 7 faults; nothing was done",
        ] {
            assert!(ran.err.contains(part), "{verb:?} {part}\n{}", ran.err);
        }
    }
    let nowhere = Place::with("[generation]\ntemplates_dir = \"nowhere\"\n").run(&["config", "check"]);
    assert_eq!(nowhere.status, 78);
    assert!(nowhere.err.contains("nowhere cannot be read"), "{}", nowhere.err);
    let more = Place::with("[queue]\nmax_attempts = 0\n[generation]\ntemplates_dir = \"nowhere\"\n");
    let both = more.run(&["config", "check"]);
    for part in ["queue.max_attempts: 0 is not", "nowhere cannot be read", "has 2 faults"] {
        assert!(both.err.contains(part), "values and files at once: {part}\n{}", both.err);
    }
}
