//! `[upstreams.price]`: US dollars per million tokens, as exact integers.

use super::reader::Section;
use crate::domain::prices::{ModelPrice, built_in};
use crate::domain::{Money, Price};

/// The highest price, in nano-dollars per million tokens: 10,000 dollars.
const NANO_PER_MILLION_MAX: i64 = 10_000 * 1_000_000_000;

/// Reads the section; `None` when no price is set. Parts that are not given come from the
/// built-in price of `model`; for a model that the table does not know, input and output must be
/// given, a cache read costs as much as input and a cache write a quarter more.
pub(super) fn read(section: &Section<'_>, model: &str) -> Option<ModelPrice> {
    let [input, output, cache_read, cache_write] =
        ["input", "output", "cache_read", "cache_write"].map(|key| part(section, key));
    if !section.is_present() {
        return None;
    }
    let known = built_in(model).map(|price| price.base);
    // A model that is missing is a fault of its own.
    if known.is_none() && !model.is_empty() {
        for key in ["input", "output"].into_iter().filter(|key| !section.is_set(key)) {
            section
                .fault(key, format!("is missing; there is no built-in price of {model:?} to take it from"));
        }
    }
    let input = input.or(known.map(|price| price.input)).unwrap_or_default();
    Some(ModelPrice::flat(Price {
        input,
        output: output.or(known.map(|price| price.output)).unwrap_or_default(),
        cache_read: cache_read.or(known.map(|price| price.cache_read)).unwrap_or(input),
        cache_write: cache_write.or(known.map(|price| price.cache_write)).unwrap_or(input + input / 4),
    }))
}

/// Nano-dollars per thousand tokens.
fn part(section: &Section<'_>, key: &str) -> Option<i64> {
    let expected = "a price; expected US dollars per million tokens from 0 to 10000, with at most six digits after the point";
    let text = section.decimal(key, expected)?;
    let exact = |money: &Money| money.0 % 1000 == 0 && money.0 <= NANO_PER_MILLION_MAX;
    match Money::parse_dollars(&text).filter(exact) {
        Some(per_million) => Some(per_million.0 / 1000),
        None => {
            section.fault(key, format!("{} is not {expected}", section.shown(key)));
            None
        }
    }
}
