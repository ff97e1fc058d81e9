//! What one user owes for one UTC month, and what it cost the operator.
//!
//! Made by the store of what is written down as it happens; shown by the command line and by HTTP.
//! Nothing here depends on the present once the month is over.

use super::{Money, Timestamp, TokenUsage, UserId};

mod lines;
mod view;

pub use lines::{Held, Line, Priced, lines};
pub use view::{View, columns};

/// A UTC month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant of the next one.
    pub to: Timestamp,
}

impl Month {
    /// The month in which this instant lies.
    pub fn of(at: Timestamp) -> Self {
        Self { from: at.month(), to: at.next_month() }
    }

    /// The one before.
    pub fn before(self) -> Self {
        Self::of(self.from.moved(-1))
    }

    /// Reads `2026-10`; `None` when it is no month.
    pub fn parse(text: &str) -> Option<Self> {
        // The first instant's own text tells apart what is only nearly a month.
        let from = Timestamp::parse(&format!("{text}-01T00:00:00Z"))?;
        from.to_string().starts_with(&format!("{text}-01T")).then(|| Self::of(from))
    }

    /// As it is written: `2026-10`.
    pub fn name(self) -> String {
        self.from.to_string().chars().take(7).collect()
    }
}

/// Requests of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Accepted in it.
    pub accepted: u64,
    /// Whose unit went back in it: they failed, were cancelled or expired without having cost any.
    pub returned: u64,
}

/// What was used of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    /// Its name; `None`: it was not written down at the time.
    pub model: Option<String>,
    /// Tokens.
    pub tokens: TokenUsage,
    /// What the upstream asks for them.
    pub cost: Money,
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its user's row.
    pub user: UserId,
    /// Its user's name.
    pub name: String,
    /// Its month.
    pub month: Month,
    /// Whether it stays as it is. Until then it says what there is so far.
    pub is_closed: bool,
    /// Whether part of the month was before this was written down, so that the user's tier and its
    /// price are taken to have been what they were first known to be.
    pub is_assumed: bool,
    /// What the tiers cost.
    pub lines: Vec<Line>,
    /// Requests.
    pub requests: Requests,
    /// Tokens by model, the names in order.
    pub models: Vec<ModelUse>,
    /// Answers from the cache.
    pub cache_hits: u64,
    /// What these would have cost the operator.
    pub saved: Money,
}

impl Invoice {
    /// The number under which it is known: no other has it.
    pub fn number(&self) -> String {
        format!("{}-{}", self.month.name(), self.user.0)
    }

    /// What the user owes: the sum of the lines.
    pub fn total(&self) -> Money {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// Tokens of all models.
    pub fn tokens(&self) -> TokenUsage {
        self.models.iter().fold(TokenUsage::default(), |mut sum, of| {
            sum += of.tokens;
            sum
        })
    }

    /// What the upstreams ask for them.
    pub fn cost(&self) -> Money {
        self.models.iter().map(|of| of.cost).sum()
    }

    /// What is left of the total for the operator; negative when the user cost more.
    pub fn margin(&self) -> Money {
        self.total() - self.cost()
    }

    /// Whether there is nothing to say: nothing is owed and nothing was used.
    pub fn is_empty(&self) -> bool {
        self.total() == Money::ZERO
            && self.requests == Requests::default()
            && self.models.is_empty()
            && self.cache_hits == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_and_written_alike() {
        let month = Month::parse("2026-02").unwrap();
        assert_eq!(month.to.to_string(), "2026-03-01T00:00:00.000Z");
        assert_eq!((month.name(), month.before().name()), ("2026-02".to_owned(), "2026-01".to_owned()));
        for bad in ["", "2026", "2026-13", "2026-2", "2026-02-01", "feb", "02-2026", "+002026-02"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }
}
