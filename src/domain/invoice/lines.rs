//! What the tiers of a month cost: a pure function of who held what and of what it cost when.
//!
//! Each UTC day counts once, for the highest tier held on it, at the price in force at its end. Days
//! of one tier at one price are one line: its price by the month, times its days, by the days of the
//! month, rounded half up to a cent. A line of all the month's days is the price itself.

use crate::domain::time::DAY_MS;
use crate::domain::{Money, Tier, Timestamp};

use super::Month;

/// A hundredth of a dollar, in nano-dollars.
const CENT: i128 = 10_000_000;

/// Which tier a user held from an instant on; `None`: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// From then on.
    pub at: Timestamp,
    /// The tier.
    pub tier: Option<Tier>,
}

/// What a tier cost a month from an instant on; `None`: it had no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// From then on; the first one of a tier also before.
    pub at: Timestamp,
    /// The tier.
    pub tier: Tier,
    /// The price.
    pub price: Option<Money>,
}

/// Days of one tier at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The tier.
    pub tier: Tier,
    /// Its price a month; `None`: it had none, and the days cost nothing.
    pub price: Option<Money>,
    /// Days of it.
    pub days: u32,
    /// Days of the month.
    pub days_of_month: u32,
    /// What they cost.
    pub amount: Money,
}

/// The lines of a month, the lowest tier first, then in the order of the days. `held` and `prices`
/// are in the order of time. Of a month that is not over, the days that begin before `until`.
pub fn lines(month: Month, until: Timestamp, held: &[Held], prices: &[Priced]) -> Vec<Line> {
    let days_of_month = (month.to.0 - month.from.0) / DAY_MS;
    let mut lines: Vec<Line> = Vec::new();
    for day in 0..days_of_month {
        let (begin, end) = (month.from.moved(day * DAY_MS), month.from.moved((day + 1) * DAY_MS));
        if begin >= until {
            break;
        }
        let Some(tier) = highest(held, begin, end) else { continue };
        let price = price_of(prices, tier, end);
        match lines.iter_mut().find(|line| line.tier == tier && line.price == price) {
            Some(line) => line.days += 1,
            None => lines.push(Line {
                tier,
                price,
                days: 1,
                days_of_month: u32::try_from(days_of_month).unwrap_or(u32::MAX),
                amount: Money::ZERO,
            }),
        }
    }
    lines.sort_by_key(|line| line.tier);
    lines.iter_mut().for_each(|line| line.amount = amount(line));
    lines
}

/// The highest tier held at any instant of a day.
fn highest(held: &[Held], begin: Timestamp, end: Timestamp) -> Option<Tier> {
    let at_begin = held.iter().rfind(|held| held.at <= begin).and_then(|held| held.tier);
    let later = held.iter().filter(|held| begin < held.at && held.at < end).filter_map(|held| held.tier);
    later.chain(at_begin).max()
}

/// The price in force at the end of a day.
fn price_of(prices: &[Priced], tier: Tier, end: Timestamp) -> Option<Money> {
    let of_tier = || prices.iter().filter(|priced| priced.tier == tier);
    let in_force = of_tier().rfind(|priced| priced.at < end).or_else(|| of_tier().next());
    in_force.and_then(|priced| priced.price)
}

fn amount(line: &Line) -> Money {
    let price = line.price.unwrap_or_default();
    if line.days == line.days_of_month {
        return price;
    }
    let (parts, cents) = (i128::from(price.0) * i128::from(line.days), CENT * i128::from(line.days_of_month));
    let rounded = (parts + cents / 2).div_euclid(cents) * CENT;
    Money(i64::try_from(rounded).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn dollars(text: &str) -> Money {
        Money::parse_dollars(text).unwrap()
    }

    fn october() -> Month {
        Month::parse("2026-10").unwrap()
    }

    fn held(changes: &[(&str, Option<Tier>)]) -> Vec<Held> {
        changes.iter().map(|(text, tier)| Held { at: at(text), tier: *tier }).collect()
    }

    fn priced(changes: &[(&str, Tier, Option<&str>)]) -> Vec<Priced> {
        let priced = |(text, tier, price): &(&str, Tier, Option<&str>)| Priced {
            at: at(text),
            tier: *tier,
            price: price.map(dollars),
        };
        changes.iter().map(priced).collect()
    }

    /// Tier, days and amount of each line.
    fn shown(lines: &[Line]) -> Vec<(Tier, u32, String)> {
        lines.iter().map(|line| (line.tier, line.days, line.amount.to_string())).collect()
    }

    #[test]
    fn a_day_on_which_the_tier_changed_counts_once_for_the_higher_one() {
        let prices = priced(&[
            ("2026-01-01T00:00:00Z", Tier::Basic, Some("9")),
            ("2026-01-01T00:00:00Z", Tier::Pro, Some("29")),
        ]);
        let held = held(&[
            ("2026-05-05T05:00:00Z", Some(Tier::Basic)),
            ("2026-10-10T12:00:00Z", Some(Tier::Pro)),
            ("2026-10-20T00:00:00.001Z", Some(Tier::Basic)),
        ]);
        // The 10th to the 20th are eleven days of pro: 29 * 11 / 31 = 10.2903.
        assert_eq!(
            shown(&lines(october(), october().to, &held, &prices)),
            [(Tier::Basic, 20, "5.810000000".to_owned()), (Tier::Pro, 11, "10.290000000".to_owned())]
        );
    }

    #[test]
    fn whole_months_cost_the_price_to_its_last_digit_and_what_has_no_price_nothing() {
        let prices = priced(&[("2026-01-01T00:00:00Z", Tier::Pro, Some("0.123456789"))]);
        let pro = held(&[("2026-09-30T23:59:59Z", Some(Tier::Pro))]);
        assert_eq!(
            shown(&lines(october(), october().to, &pro, &prices)),
            [(Tier::Pro, 31, "0.123456789".to_owned())]
        );
        let free = held(&[("2026-10-30T10:00:00Z", Some(Tier::Free))]);
        assert_eq!(
            shown(&lines(october(), october().to, &free, &prices)),
            [(Tier::Free, 2, "0.000000000".to_owned())]
        );
    }

    #[test]
    fn who_is_disabled_pays_until_that_day() {
        let prices = priced(&[("2026-01-01T00:00:00Z", Tier::Pro, Some("31"))]);
        let held = held(&[
            ("2026-10-01T00:00:00Z", Some(Tier::Pro)),
            ("2026-10-03T08:00:00Z", None),
            ("2026-10-31T23:59:59.999Z", Some(Tier::Pro)),
        ]);
        assert_eq!(
            shown(&lines(october(), october().to, &held, &prices)),
            [(Tier::Pro, 4, "4.000000000".to_owned())]
        );
    }

    #[test]
    fn another_price_counts_from_the_day_on_which_it_is_set() {
        let prices = priced(&[
            ("2026-10-05T00:00:00Z", Tier::Pro, Some("31")),
            ("2026-10-11T09:00:00Z", Tier::Pro, Some("62")),
        ]);
        let held = held(&[("2026-01-01T00:00:00Z", Some(Tier::Pro))]);
        assert_eq!(
            shown(&lines(october(), october().to, &held, &prices)),
            [(Tier::Pro, 10, "10.000000000".to_owned()), (Tier::Pro, 21, "42.000000000".to_owned())]
        );
        // On the twelfth there were twelve days so far.
        let so_far = lines(october(), at("2026-10-12T01:00:00Z"), &held, &prices);
        assert_eq!(so_far.iter().map(|line| line.days).sum::<u32>(), 12);
    }

    fn tier() -> impl Strategy<Value = Option<Tier>> {
        prop::sample::select(vec![
            None,
            Some(Tier::Free),
            Some(Tier::Basic),
            Some(Tier::Pro),
            Some(Tier::Enterprise),
        ])
    }

    proptest! {
        /// Whatever happened: every day counts at most once, the total is what its days cost to within
        /// half a cent a line, and none costs more than the dearest price by the month.
        #[test]
        fn every_day_is_paid_once(
            changes in prop::collection::vec((0..70_i64 * 24, tier()), 0..12),
            prices in prop::collection::vec((0..70_i64 * 24, 0..4_usize, prop::option::of(0..100_000_000_000_i64)), 0..12),
            year in 2024..2028_i32,
            number in 1..=12_u32,
        ) {
            let month = Month::parse(&format!("{year}-{number:02}")).unwrap();
            let begin = month.from.moved(-20 * DAY_MS);
            let mut held: Vec<Held> = changes.iter().map(|(hours, tier)| Held { at: begin.moved(hours * 3_600_000), tier: *tier }).collect();
            // The store keeps one change of an instant.
            held.sort_by_key(|held| held.at);
            held.dedup_by_key(|held| held.at);
            let mut priced: Vec<Priced> = prices.iter().map(|(hours, tier, price)| Priced {
                at: begin.moved(hours * 3_600_000), tier: Tier::ALL[*tier], price: price.map(Money),
            }).collect();
            priced.sort_by_key(|priced| priced.at);
            let lines = lines(month, month.to, &held, &priced);

            let days = (month.to.0 - month.from.0) / DAY_MS;
            let mut exact = 0_i128;
            let mut held_days = 0;
            for day in 0..days {
                let (from, to) = (month.from.moved(day * DAY_MS), month.from.moved((day + 1) * DAY_MS));
                // Told apart by every hour of the day instead of by the changes in it.
                let at_hour = |hour: i64| {
                    let now = from.moved(hour * 3_600_000);
                    held.iter().rfind(|held| held.at <= now).and_then(|held| held.tier)
                };
                let Some(tier) = (0..24).filter_map(at_hour).max() else { continue };
                held_days += 1;
                let of_tier: Vec<&Priced> = priced.iter().filter(|priced| priced.tier == tier).collect();
                let before = of_tier.iter().rfind(|priced| priced.at < to);
                let price = before.or(of_tier.first()).and_then(|priced| priced.price);
                exact += i128::from(price.unwrap_or_default().0);
            }
            prop_assert_eq!(lines.iter().map(|line| i64::from(line.days)).sum::<i64>(), held_days);
            let total: i128 = lines.iter().map(|line| i128::from(line.amount.0)).sum();
            let off = (total * i128::from(days) - exact).abs();
            prop_assert!(off <= CENT / 2 * i128::from(days) * lines.len() as i128, "{total} of {exact}/{days}");
            for line in &lines {
                prop_assert!(line.amount >= Money::ZERO && line.days > 0);
                let is_whole = line.days == line.days_of_month;
                prop_assert!(is_whole || i128::from(line.amount.0) % CENT == 0);
                prop_assert!(!is_whole || line.amount == line.price.unwrap_or_default());
            }
        }
    }
}
