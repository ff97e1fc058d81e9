//! The built-in table of model prices, dated; a configured price wins.

use super::{LaneName, Money, Price, TokenUsage};

/// The day these prices were read off the vendor's price list.
pub const PRICES_DATED: &str = "2026-11-01";

/// A model's price; some cost more when the prompt is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelPrice {
    /// The price.
    pub base: Price,
    /// From more than this many input tokens on, every token of the call costs this instead.
    pub long: Option<(u64, Price)>,
}

impl ModelPrice {
    /// The price of a model without a long-prompt surcharge.
    pub const fn flat(base: Price) -> Self {
        Self { base, long: None }
    }

    /// The exact cost of one call.
    pub fn cost(&self, usage: &TokenUsage) -> Money {
        match self.long {
            Some((threshold, price)) if usage.total_input() > threshold => price.cost(usage),
            _ => self.base.cost(usage),
        }
    }

    /// The most a call with at most these tokens can cost: every input token at the dearest
    /// input price.
    pub fn ceiling(&self, input: u64, output: u64) -> Money {
        let dearest = |price: &Price| {
            let input_price = price.input.max(price.cache_write).max(price.cache_read);
            Price { input: input_price, ..*price }.cost(&TokenUsage {
                input,
                output,
                ..TokenUsage::default()
            })
        };
        match self.long {
            Some((threshold, price)) if input > threshold => dearest(&price),
            _ => dearest(&self.base),
        }
    }
}

/// What one upstream's calls cost.
#[derive(Clone, Debug)]
pub struct LanePricing {
    /// The upstream.
    pub lane: LaneName,
    /// Its protocol: `anthropic`, `openai` or `offline`.
    pub provider: &'static str,
    /// The model it serves by itself.
    pub model: String,
    /// The price of that model; `None`: by the built-in table.
    pub price: Option<ModelPrice>,
    /// The price of any other model it is asked for; `None`: by the built-in table.
    pub fallback: Option<ModelPrice>,
}

impl LanePricing {
    fn quote(&self, model: &str) -> Quote {
        quote(if self.model == model { self.price } else { self.fallback }, model)
    }
}

/// A price and whether it is the model's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What the call costs.
    pub price: ModelPrice,
    /// False when nobody knows the model's price: then this is the dearest of the table, so
    /// that budgets hold, and every bill made with it is marked as estimated.
    pub known: bool,
}

/// The prices of all upstreams.
#[derive(Clone, Debug, Default)]
pub struct PriceBook(pub Vec<LanePricing>);

impl PriceBook {
    /// The protocol of `lane`; empty for an upstream that is not in the book.
    pub fn provider(&self, lane: &LaneName) -> &'static str {
        self.0.iter().find(|pricing| pricing.lane == *lane).map_or("", |pricing| pricing.provider)
    }

    /// Whether `lane` drafts by rules, without a model.
    pub fn is_offline(&self, lane: &LaneName) -> bool {
        self.provider(lane) == "offline"
    }

    /// The price of a call of `model` on `lane`.
    pub fn quote(&self, lane: &LaneName, model: &str) -> Quote {
        let pricing = self.0.iter().find(|pricing| pricing.lane == *lane);
        pricing.map_or_else(|| quote(None, model), |pricing| pricing.quote(model))
    }

    /// The most that a call can cost on whichever upstream takes it: one that serves the model,
    /// or any when none does.
    pub fn ceiling(&self, model: Option<&str>, input: u64, output: u64) -> Money {
        let is_served = self.0.iter().any(|pricing| model.is_none_or(|model| pricing.model == model));
        let costs = self.0.iter().filter_map(|pricing| {
            let asked = model.unwrap_or(&pricing.model);
            let takes = !is_served || pricing.model == asked;
            takes.then(|| pricing.quote(asked).price.ceiling(input, output))
        });
        let unknown = || quote(None, model.unwrap_or_default()).price.ceiling(input, output);
        costs.max().unwrap_or_else(unknown)
    }
}

fn quote(configured: Option<ModelPrice>, model: &str) -> Quote {
    match configured.or_else(|| built_in(model)) {
        Some(price) => Quote { price, known: true },
        None => Quote { price: ModelPrice::flat(DEAREST), known: false },
    }
}

/// The dearest row of the table.
const DEAREST: Price = price(5000, 25_000, 6250, 500);

/// Nano-dollars per thousand tokens from dollars per million tokens, in thousandths.
const fn price(input: i64, output: i64, cache_write: i64, cache_read: i64) -> Price {
    Price {
        input: input * 1000,
        output: output * 1000,
        cache_write: cache_write * 1000,
        cache_read: cache_read * 1000,
    }
}

/// The built-in price of `model`; `None` for a model that the table does not know. A dated
/// name (`claude-haiku-4-5-20251001`) has the price of its family.
pub fn built_in(model: &str) -> Option<ModelPrice> {
    let family = model.strip_suffix("-latest").unwrap_or_else(|| strip_date(model));
    let flat = |p| Some(ModelPrice::flat(p));
    match family {
        "claude-opus-5-5" => flat(price(4000, 20_000, 5000, 200)),
        "claude-opus-5" | "claude-opus-4-8" | "claude-opus-4-7" | "claude-opus-4-6" | "claude-opus-4-5" => {
            flat(price(5000, 25_000, 6250, 500))
        }
        "claude-sonnet-5-5" => flat(price(2000, 10_000, 2500, 100)),
        "claude-sonnet-5" => flat(price(2000, 10_000, 2500, 200)),
        "claude-sonnet-4-6" | "claude-sonnet-4-5" => flat(price(3000, 15_000, 3750, 300)),
        "claude-haiku-5-5" => Some(ModelPrice {
            base: price(100, 500, 125, 10),
            long: Some((100_000, price(500, 2500, 625, 50))),
        }),
        "claude-haiku-4-5" => flat(price(1000, 5000, 1250, 100)),
        _ => None,
    }
}

fn strip_date(model: &str) -> &str {
    match model.rsplit_once('-') {
        Some((family, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => family,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_prompts_and_dated_names_are_priced() {
        let haiku = built_in("claude-haiku-5-5-20261001").unwrap();
        let short = TokenUsage { input: 100_000, output: 1000, ..TokenUsage::default() };
        let long = TokenUsage { input: 100_001, output: 1000, ..TokenUsage::default() };
        assert_eq!(haiku.cost(&short).to_string(), "0.010500000");
        assert_eq!(haiku.cost(&long).to_string(), "0.052500500");
        assert_eq!(built_in("gpt-oss"), None);
    }

    #[test]
    fn a_lane_that_is_free_is_free_for_whatever_model_it_is_asked() {
        let pricing = |lane: &str, model: &str, free: Option<ModelPrice>| LanePricing {
            lane: LaneName::from(lane),
            provider: "offline",
            model: model.to_owned(),
            price: free,
            fallback: free,
        };
        let free = pricing("offline", "rules", Some(ModelPrice::flat(Price::FREE)));
        let paid = pricing("main", "claude-haiku-4-5", None);
        let usage = TokenUsage { input: 1000, output: 1000, ..TokenUsage::default() };
        let book = PriceBook(vec![free.clone()]);
        let quote = book.quote(&free.lane, "llama-x");
        assert_eq!((quote.price.cost(&usage), quote.known), (Money::ZERO, true));
        assert_eq!(book.ceiling(Some("llama-x"), 1000, 1000), Money::ZERO);
        let book = PriceBook(vec![free, paid]);
        assert!(book.ceiling(Some("llama-x"), 1000, 1000) > Money::ZERO, "either may take it");
        assert_eq!(book.ceiling(Some("rules"), 1000, 1000), Money::ZERO);
        assert!(!book.quote(&LaneName::from("main"), "llama-x").known);
    }
}
