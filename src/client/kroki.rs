//! A Kroki server: the SVG that it makes of a source. <https://docs.kroki.io/kroki/setup/http-clients/>
//!
//! The operator names it, and sources go there; nothing else does. What it sends back is not
//! trusted: its size and time are limited, and whoever calls cleans it.

use std::time::Duration;

use super::roots;
use crate::diagram::check::Purpose;
use crate::diagram::draw::Turns;
use crate::diagram::picture::{Fetching, Remote, Undrawn};
use crate::domain::{DiagramType, SourceError};

/// Of a drawing.
const SVG_BYTES_MAX: usize = 8 << 20;
/// Of what it says of a source that it cannot draw.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// Of that, what is told on.
const WORDS_CHARS_MAX: usize = 500;
/// Calls at once; a Kroki server starts a process for many of them.
const CALLS_MAX: usize = 4;
/// Of these, those for generated sources alone: nobody's pictures delay a verdict.
const CALLS_OF_GENERATED: usize = 1;

/// Until it is known whether anybody is there.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// The server.
pub struct Kroki {
    url: String,
    timeout: Duration,
    client: reqwest::Client,
    turns: Turns,
}

impl Kroki {
    /// The server at `url`, which has no slash at its end.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: String, timeout: Duration) -> reqwest::Result<Self> {
        // It answers itself or not at all: a redirect could lead anywhere.
        let client = roots::build(|| {
            reqwest::Client::builder()
                .timeout(timeout)
                .connect_timeout(timeout.min(CONNECT_TIME_MAX))
                .redirect(reqwest::redirect::Policy::none())
        })?;
        Ok(Self { url, timeout, client, turns: Turns::new(CALLS_MAX, CALLS_OF_GENERATED) })
    }

    async fn fetch(
        &self,
        diagram_type: DiagramType,
        source: &str,
        purpose: Purpose,
    ) -> Result<String, Undrawn> {
        let (_place, _turn) = match purpose {
            Purpose::Generated => (None, self.turns.turn_of_generated().await?),
            Purpose::Asked(caller) => {
                let place = self.turns.place(caller)?;
                let turn = self.turns.turn(&place).await?;
                (Some(place), turn)
            }
        };
        let sent = self
            .client
            .post(format!("{}/{diagram_type}/svg", self.url))
            .header("content-type", "text/plain; charset=utf-8")
            .header("accept", "image/svg+xml, text/plain;q=0.5")
            .body(source.to_owned())
            .send();
        let mut answer = sent.await.map_err(|reason| self.away(reason))?;
        let status = answer.status();
        let max = if status.is_success() { SVG_BYTES_MAX } else { WORDS_BYTES_MAX };
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|reason| self.away(reason))? {
            if bytes.len() + chunk.len() > max {
                if status.is_success() {
                    return Err(Undrawn::source(
                        "The drawing would have more than 8 MiB. Split the diagram.",
                    ));
                }
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match status.as_u16() {
            200 => Ok(text),
            400 => Err(Undrawn::Source(vec![words(&text)])),
            413 => Err(Undrawn::source("This diagram is too large for the Kroki server. Split it.")),
            other => Err(Undrawn::Away(format!("the Kroki server answered with the status {other}"))),
        }
    }

    /// Without the address, which may hold a secret.
    fn away(&self, reason: reqwest::Error) -> Undrawn {
        if reason.is_timeout() && !reason.is_connect() {
            tracing::warn!(seconds = self.timeout.as_secs_f32(), "the Kroki server did not answer in time");
            return Undrawn::TooSlow(self.timeout);
        }
        Undrawn::Away(format!("the Kroki server cannot be reached: {}", reason.without_url()))
    }
}

impl Remote for Kroki {
    fn svg<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Fetching<'a> {
        Box::pin(self.fetch(diagram_type, source, purpose))
    }
}

/// Kroki's words on a source, and their place: `Error 400: …`, with what each language's program
/// says of lines (`(line: 3)`, `line 3`, `-:3:5:`).
fn words(text: &str) -> SourceError {
    let text = text.trim();
    let text = text.strip_prefix("Error 400:").unwrap_or(text).trim();
    let mut message: String =
        text.chars().filter(|c| !c.is_control() || *c == '\n').take(WORDS_CHARS_MAX).collect();
    if message.is_empty() {
        message.push_str("The Kroki server cannot draw this and does not say why.");
    }
    let (line, column) = place(&message);
    SourceError { line, column, message }
}

fn place(message: &str) -> (u32, u32) {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    if let Some((_, after)) = message.split_once("-:")
        && let Some(line) = number(after)
    {
        let column = after.split_once(':').and_then(|(_, after)| number(after));
        return (line, column.unwrap_or(0));
    }
    let lower = message.to_ascii_lowercase();
    let after = lower
        .match_indices("line")
        .find_map(|(at, word)| number(lower[at + word.len()..].trim_start_matches([':', ' ', '#'])));
    (after.unwrap_or(0), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_generated_waits_and_only_what_is_asked_for_is_refused() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let kroki = Kroki::new(url, Duration::from_millis(20)).unwrap();
        let calls = |purpose| {
            let fetches = (0..80).map(|_| kroki.fetch(DiagramType::D2, "a -> b", purpose));
            futures_util::future::join_all(fetches)
        };
        let (generated, asked) = tokio::join!(calls(Purpose::Generated), calls(Purpose::Asked(1)));
        assert!(generated.iter().all(|end| matches!(end, Err(Undrawn::TooSlow(_)))), "{generated:?}");
        let refused = asked.iter().filter(|end| **end == Err(Undrawn::Busy)).count();
        assert_eq!(refused, 80 - 16, "one caller has sixteen places");
    }

    #[test]
    fn places_are_found_in_what_the_programs_say() {
        for (text, place) in [
            ("Error 400: Syntax Error? (line: 3)", (3, 0)),
            ("Error 400: -:4:7: unexpected text", (4, 7)),
            ("err at line 12, column 5", (12, 0)),
            ("no outline here", (0, 0)),
            ("something", (0, 0)),
        ] {
            let error = words(text);
            assert_eq!((error.line, error.column), place, "{text}");
            assert!(!error.message.starts_with("Error 400"), "{text}");
        }
        assert!(words(" ").message.contains("does not say why"));
        assert_eq!(words(&"x".repeat(10_000)).message.len(), WORDS_CHARS_MAX);
    }
}
