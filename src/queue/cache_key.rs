//! What makes two requests equal: everything that decides what a model is asked, and for whom.
//!
//! Called as a request is accepted. Pure; the key is a digest and tells nothing of the prompt.

use sha2::{Digest, Sha256};

use crate::domain::{Brief, UserId};

use super::Rules;
use super::request::Checked;

/// The SHA-256 of a request's parts, each with its length before it; `None` when the request is to
/// bypass the cache, or equal requests share nothing: neither kept answers nor calls.
pub(super) fn cache_key(user: UserId, checked: &Checked, rules: &Rules) -> Option<[u8; 32]> {
    if checked.bypasses_cache || (rules.cache.is_none() && !rules.coalesce) {
        return None;
    }
    let is_shared = rules.cache.is_some_and(|cache| cache.shared);
    let mut key = Key(Sha256::new());
    key.part(&rules.prompt_version.to_be_bytes());
    key.part(&if is_shared { Vec::new() } else { user.0.to_be_bytes().to_vec() });
    key.part(checked.diagram_type.name().as_bytes());
    key.part(&checked.max_tokens.to_be_bytes());
    match &checked.model {
        Some(model) => key.part(model.as_bytes()),
        // Whichever upstream has room answers with its own model: another list, another answer.
        None => {
            key.part(b"");
            key.count(rules.prices.0.len());
            for upstream in &rules.prices.0 {
                key.part(upstream.provider.as_bytes());
                key.part(upstream.model.as_bytes());
            }
        }
    }
    let Brief { prompt, template, base_source, metadata: _ } = &checked.brief;
    key.part(normalised(prompt).as_bytes());
    key.count(template.iter().len());
    if let Some(filled) = template {
        key.part(filled.name.as_bytes());
        key.part(filled.kind.as_deref().unwrap_or_default().as_bytes());
        key.part(filled.prompt.as_bytes());
        key.count(filled.values.len());
        for value in &filled.values {
            key.part(value.name.as_bytes());
            key.part(value.text.as_bytes());
            key.part(&[u8::from(value.is_data)]);
        }
    }
    key.count(base_source.iter().len());
    key.part(base_source.as_deref().unwrap_or_default().as_bytes());
    Some(key.0.finalize().into())
}

struct Key(Sha256);

impl Key {
    /// Its length goes before it: no two lists of parts read alike.
    fn part(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, count: usize) {
        self.0.update(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }
}

/// The prompt without what says nothing: blanks around it and at the ends of lines, the kind of
/// line ends, and runs of blanks inside of a line. Indentation stays: it may be an outline's.
fn normalised(prompt: &str) -> String {
    let mut out = String::with_capacity(prompt.len());
    for line in prompt.trim().lines() {
        let words = line.trim_start_matches([' ', '\t']);
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&line[..line.len() - words.len()]);
        for (index, word) in words.split([' ', '\t']).filter(|word| !word.is_empty()).enumerate() {
            if index > 0 {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_that_say_nothing_make_no_other_prompt() {
        for same in ["a b\nc", "  a b\nc\n", "a  \t b \r\nc", "a b\r\nc"] {
            assert_eq!(normalised(same), "a b\nc", "{same:?}");
        }
        for other in ["a b c", "a b\n c", "a b\n\nc", "A b\nc", "ab\nc"] {
            assert_ne!(normalised(other), "a b\nc", "{other:?}");
        }
    }

    #[test]
    fn parts_never_run_into_each_other() {
        let key = |parts: &[&str]| {
            let mut key = Key(Sha256::new());
            parts.iter().for_each(|part| key.part(part.as_bytes()));
            key.0.finalize()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["", "a"]), key(&["a", ""]));
    }
}
