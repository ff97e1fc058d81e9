//! Classes: "Dog extends Animal", "class Order has id, total".

use crate::provider::offline::sketch::{Classes, ELEMENTS_MAX};
use crate::provider::offline::words;

const BASES: &[&str] =
    &["extends", "inherits from", "inherits", "implements", "derives from", "is a kind of"];

/// The classes of a text; `None` when it names neither a base nor a class with members.
pub(super) fn read(prompt: &str) -> Option<Classes> {
    let mut classes = Classes::default();
    for sentence in words::sentences(prompt) {
        for clause in sentence.split(" and ").filter(|clause| words::split_at_word(clause, BASES).is_some()) {
            base(clause, &mut classes);
        }
        members(&sentence, &mut classes);
    }
    (!classes.classes.is_empty()).then_some(classes)
}

fn base(clause: &str, classes: &mut Classes) {
    let Some((derived, base)) = words::split_at_word(clause, BASES) else { return };
    let (derived, base) = (
        name(derived.split_whitespace().next_back()),
        name(base.split_whitespace().find(|word| !["a", "an", "the"].contains(word))),
    );
    if derived.is_empty() || base.is_empty() || classes.classes.len() + 2 > ELEMENTS_MAX {
        return;
    }
    let pair = (classes.class(&derived), classes.class(&base));
    if !classes.bases.contains(&pair) {
        classes.bases.push(pair);
    }
}

/// "class Order has id, total and a method pay".
fn members(sentence: &str, classes: &mut Classes) {
    let Some((_, rest)) = words::split_at_word(sentence, &["class"]) else { return };
    let Some((head, list)) = words::split_at_word(rest, &["has", "with"]) else { return };
    let class = name(head.split_whitespace().next());
    if class.is_empty() || classes.classes.len() >= ELEMENTS_MAX {
        return;
    }
    let class = classes.class(&class);
    let names = list.split([',', ';']).flat_map(|part| part.split(" and "));
    for member in names {
        let is_method = words::find_word(member, "method").is_some() || member.contains("()");
        let member = name(member.split_whitespace().next_back());
        if !member.is_empty() && classes.classes[class].1.len() < 20 {
            classes.classes[class].1.push(if is_method { format!("{member}()") } else { member });
        }
    }
}

fn name(word: Option<&str>) -> String {
    word.unwrap_or_default().chars().filter(|c| c.is_alphanumeric() || *c == '_').take(40).collect()
}
