//! Money as integer nano-dollars, and what a model's tokens cost.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TokenUsage;

/// An amount in nano-dollars (10^-9 US dollars). Rendered with nine digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Reads a decimal amount of dollars exactly (`"12"`, `"0.000412"`); `None` when it is not a
    /// number, is negative, or has more than nine digits after the point.
    pub fn parse_dollars(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
        Some(Self(whole.checked_mul(1_000_000_000)?.checked_add(fraction)?))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:09}", amount / 1_000_000_000, amount % 1_000_000_000)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_dollars(&text).ok_or_else(|| serde::de::Error::custom("not an amount of dollars"))
    }
}

/// What a model costs, in nano-dollars per thousand tokens. One dollar a million tokens is
/// 1,000,000 here, so a price may have six digits after the point and stay an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Uncached input.
    pub input: i64,
    /// Output, thinking included.
    pub output: i64,
    /// Input written to the prompt cache (5 minutes).
    pub cache_write: i64,
    /// Input read from the prompt cache.
    pub cache_read: i64,
}

impl Price {
    /// A model that costs nothing (the offline lane, a local server).
    pub const FREE: Self = Self { input: 0, output: 0, cache_write: 0, cache_read: 0 };

    /// The exact cost of `usage`, in nano-dollars, rounded half up at the last nano-dollar.
    pub fn cost(&self, usage: &TokenUsage) -> Money {
        let part = |tokens: u64, price: i64| i128::from(tokens) * i128::from(price);
        let thousandths = part(usage.input, self.input)
            + part(usage.output, self.output)
            + part(usage.cache_write, self.cache_write)
            + part(usage.cache_read, self.cache_read);
        Money(i64::try_from((thousandths + 500).div_euclid(1000)).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vector of the upstream's billing documentation: 3/15 dollars a million, writes 3.75.
    #[test]
    fn golden_vector() {
        let price =
            Price { input: 3_000_000, output: 15_000_000, cache_write: 3_750_000, cache_read: 300_000 };
        let usage = TokenUsage { input: 3, output: 550, cache_read: 0, cache_write: 12_304 };
        assert_eq!(price.cost(&usage).to_string(), "0.054399000");
    }

    #[test]
    fn dollars_are_read_exactly() {
        assert_eq!(Money::parse_dollars("0.000412"), Some(Money(412_000)));
        assert_eq!(Money::parse_dollars("25"), Some(Money(25_000_000_000)));
        assert_eq!(Money::parse_dollars("0.0000000001"), None);
        assert_eq!(Money::parse_dollars("-1"), None);
        assert_eq!(Money::parse_dollars("1e3"), None);
    }
}
