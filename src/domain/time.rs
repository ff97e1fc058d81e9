//! One instant type for rows, events and answers: milliseconds since the Unix epoch, UTC.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z. Rendered as RFC 3339 with three decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A clock, passed in wherever time matters.
pub type Clock = fn() -> Timestamp;

/// Milliseconds in one UTC hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in one UTC day (Unix time has no leap seconds).
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl Timestamp {
    /// The start of the UTC hour this instant lies in.
    pub fn hour(self) -> Self {
        Self(self.0.div_euclid(HOUR_MS) * HOUR_MS)
    }

    /// The start of the UTC day this instant lies in.
    pub fn day(self) -> Self {
        Self(self.0.div_euclid(DAY_MS) * DAY_MS)
    }

    /// The first instant of the UTC month this instant lies in.
    pub fn month(self) -> Self {
        let date = self.civil().date().first_of_month();
        Self::from_civil(date)
    }

    /// The first instant of the following UTC month.
    pub fn next_month(self) -> Self {
        let date = self.civil().date().last_of_month();
        Self(Self::from_civil(date).0 + DAY_MS)
    }

    /// This instant plus a duration; saturates instead of overflowing.
    pub fn after(self, span: Duration) -> Self {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// This instant minus a duration; saturates instead of overflowing.
    pub fn before(self, span: Duration) -> Self {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(ms))
    }

    /// This instant moved by so many milliseconds, back when negative; saturates.
    pub fn moved(self, by_ms: i64) -> Self {
        Self(self.0.saturating_add(by_ms))
    }

    /// Milliseconds from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_millis(ms.unsigned_abs())
    }

    /// Whole seconds from this instant to `later`, rounded up, at least 1: a `Retry-After` after
    /// which `later` has come.
    pub fn seconds_until(self, later: Self) -> u64 {
        later.since(self).as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
    }

    /// Parses RFC 3339; `None` when the text is not a date with a zone.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Self(parsed.as_millisecond()))
    }

    fn civil(self) -> jiff::civil::DateTime {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        jiff::tz::Offset::UTC.to_datetime(instant)
    }

    fn from_civil(date: jiff::civil::Date) -> Self {
        jiff::tz::Offset::UTC
            .to_timestamp(date.at(0, 0, 0, 0))
            .map_or(Self(i64::MAX), |instant| Self(instant.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_on_utc_boundaries() {
        let t = Timestamp::parse("2026-02-28T23:59:59.999Z").unwrap();
        assert_eq!(t.hour().to_string(), "2026-02-28T23:00:00.000Z");
        assert_eq!(t.day().to_string(), "2026-02-28T00:00:00.000Z");
        assert_eq!(t.month().to_string(), "2026-02-01T00:00:00.000Z");
        assert_eq!(t.next_month().to_string(), "2026-03-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::parse("2026-12-31T10:00:00+01:00").unwrap().next_month().to_string(),
            "2027-01-01T00:00:00.000Z"
        );
    }
}
