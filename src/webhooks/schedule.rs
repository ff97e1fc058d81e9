//! When a message is tried again, and when no more: pure rules.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::webhook::Then;

use super::desk::Health;
use super::send::{Answer, SendError};

/// A message is given up this long after its schedule began, whatever is left of that: its place was
/// not well for all the time. The longest schedule that may be configured takes no longer.
pub const AGE_MAX: Duration = Duration::from_secs(3 * 24 * 3600);
/// The part of a pause that is added at random at most, so that what failed together is not tried
/// together.
const JITTER: f64 = 0.2;
/// A place that asks to be left alone is, for so long at most.
const BUSY_MAX: Duration = Duration::from_secs(600);

/// What one try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What becomes of the message.
    pub then: Then,
    /// How its place is.
    pub health: Health,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub error: Option<String>,
}

/// What a try that ended at `at` came to. `tries` are those before it, `pauses` the waits after the
/// first failure, the second and so on, `random` is in 0..1.
pub fn judge(
    sent: &Result<Answer, SendError>,
    tries: u32,
    pauses: &[Duration],
    at: Timestamp,
    random: f64,
) -> Outcome {
    let pause = pauses.get(usize::try_from(tries).unwrap_or(usize::MAX));
    let again = |asked: Option<Duration>| match pause {
        None => Then::GivenUp,
        Some(pause) => {
            let pause = pause.mul_f64(1.0 + JITTER * random);
            Then::Again(at.after(pause.max(asked.unwrap_or_default())))
        }
    };
    match sent {
        Ok(answer) if answer.is_taken() => {
            Outcome { then: Then::Done, health: Health::Well, status: Some(answer.status), error: None }
        }
        Ok(answer) if answer.is_gone() => Outcome {
            then: Then::Gone,
            health: Health::Well,
            status: Some(answer.status),
            error: Some("the receiver answered 410: it wants nothing more".to_owned()),
        },
        Ok(answer) => {
            let health = match (answer.status, answer.retry_after) {
                (429 | 503, Some(wait)) => Health::Busy(at.after(wait.min(BUSY_MAX))),
                (500.., _) => Health::Trouble,
                _ => Health::Well,
            };
            let error = match answer.status {
                300..400 => {
                    format!("the receiver answered {}, and redirects are not followed", answer.status)
                }
                status => format!("the receiver answered {status}"),
            };
            Outcome {
                then: again(answer.retry_after),
                health,
                status: Some(answer.status),
                error: Some(error),
            }
        }
        // Ours is the refusal, and it would be the same in an hour.
        Err(SendError::Forbidden) => Outcome {
            then: Then::GivenUp,
            health: Health::Trouble,
            status: None,
            error: Some(SendError::Forbidden.to_string()),
        },
        Err(reason) => Outcome {
            then: again(None),
            health: Health::Trouble,
            status: None,
            error: Some(reason.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_000_000);
    const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];

    fn answered(status: u16, retry_after: Option<u64>, tries: u32, random: f64) -> Outcome {
        let answer = Answer { status, retry_after: retry_after.map(Duration::from_secs) };
        judge(&Ok(answer), tries, &PAUSES, AT, random)
    }

    #[test]
    fn any_2xx_is_taken_and_all_else_is_tried_again_until_the_schedule_ends() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                (answered(status, None, 0, 0.5).then, answered(status, None, 9, 0.5).then),
                (Then::Done, Then::Done)
            );
        }
        for status in [199, 301, 302, 400, 401, 404, 429, 500, 503] {
            assert_eq!(answered(status, None, 0, 0.0).then, Then::Again(AT.moved(5000)), "{status}");
            assert_eq!(answered(status, None, 1, 0.0).then, Then::Again(AT.moved(300_000)), "{status}");
            assert_eq!(answered(status, None, 2, 0.0).then, Then::GivenUp, "{status}");
            assert!(answered(status, None, 0, 0.0).error.unwrap().contains(&status.to_string()));
        }
        assert_eq!(answered(410, None, 0, 0.0).then, Then::Gone);
    }

    #[test]
    fn chance_only_makes_a_pause_longer() {
        assert_eq!(answered(500, None, 0, 0.5).then, Then::Again(AT.moved(5500)));
        assert_eq!(answered(500, None, 1, 0.999).then, Then::Again(AT.moved(359_940)));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_never_for_less() {
        assert_eq!(answered(503, Some(60), 0, 0.0).then, Then::Again(AT.moved(60_000)));
        assert_eq!(answered(503, Some(1), 0, 0.0).then, Then::Again(AT.moved(5000)));
        assert_eq!(answered(503, Some(60), 0, 0.0).health, Health::Busy(AT.moved(60_000)));
        assert_eq!(
            answered(429, Some(86_400), 0, 0.0).health,
            Health::Busy(AT.moved(600_000)),
            "others wait less"
        );
        assert_eq!(answered(503, Some(60), 2, 0.0).then, Then::GivenUp);
    }

    #[test]
    fn only_a_receiver_that_is_not_well_is_spared() {
        assert_eq!(answered(404, None, 0, 0.0).health, Health::Well);
        assert_eq!(answered(500, None, 0, 0.0).health, Health::Trouble);
        let broken = judge(&Err(SendError::TooSlow(15)), 0, &PAUSES, AT, 0.0);
        assert_eq!((broken.then, broken.health), (Then::Again(AT.moved(5000)), Health::Trouble));
        assert_eq!(broken.error.as_deref(), Some("there was no answer within 15 s"));
        assert_eq!(judge(&Err(SendError::Forbidden), 0, &PAUSES, AT, 0.0).then, Then::GivenUp);
    }
}
