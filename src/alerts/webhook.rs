//! Alerts to the operator's webhook: as Standard Webhooks, for Slack, or for ntfy.

use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

use crate::domain::Timestamp;
use crate::domain::alert::{Alert, AlertChannel, AlertLevel, AlertTurn};
use crate::store::alerts::AlertMessage;
use crate::webhooks::{Secret, SendError, Sender, Target, sign};

use super::outbox::{Carry, Carrying, NotTaken};

/// What the receiver understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Standard Webhooks: `{type, timestamp, data}`.
    Generic,
    /// Slack's `{text}`.
    Slack,
    /// ntfy's JSON; the last part of the URL's path is the topic.
    Ntfy,
}

/// The operator's webhook.
pub struct Webhook {
    target: Target,
    shape: Shape,
    /// ntfy takes JSON at its root only.
    topic: String,
    secret: Option<Secret>,
    sender: Sender,
}

impl Webhook {
    /// A webhook at `target`, whose messages are signed when there is a `secret`.
    ///
    /// # Errors
    /// In words, when the address has no topic for ntfy.
    pub fn new(target: Target, shape: Shape, secret: Option<Secret>, sender: Sender) -> Result<Self, String> {
        let (target, topic) = match shape {
            Shape::Generic | Shape::Slack => (target, String::new()),
            Shape::Ntfy => {
                let (root, topic) = split_topic(target.url()).ok_or("the address names no topic")?;
                let root =
                    Target::parse(root.as_str(), sender.reach()).map_err(|reason| reason.to_string())?;
                (root, topic)
            }
        };
        Ok(Self { target, shape, topic, secret, sender })
    }

    fn body(&self, message: &AlertMessage) -> Value {
        match self.shape {
            Shape::Generic => generic(message),
            Shape::Slack => slack(message),
            Shape::Ntfy => ntfy(message, &self.topic),
        }
    }
}

impl Carry for Webhook {
    fn channel(&self) -> AlertChannel {
        AlertChannel::Webhook
    }

    fn carry<'a>(&'a self, message: &'a AlertMessage, now: Timestamp) -> Carrying<'a> {
        Box::pin(async move {
            let body = Bytes::from(self.body(message).to_string());
            let id = message_id(message);
            let headers = match &self.secret {
                Some(secret) => sign::headers(&[secret], &id, now, &body).to_vec(),
                None => vec![(sign::ID_HEADER, id)],
            };
            match self.sender.post(&self.target, &headers, body).await {
                Ok(answer) if answer.is_taken() => Ok(()),
                Ok(answer) => Err(NotTaken {
                    why: format!("the webhook of alerts answered {}", answer.status),
                    // The operator's own address may be mended by the next reload.
                    is_final: false,
                    retry_after: answer.retry_after,
                }),
                Err(reason) => Err(NotTaken {
                    why: reason.to_string(),
                    is_final: reason == SendError::Forbidden,
                    retry_after: None,
                }),
            }
        })
    }
}

/// The same whenever the message is tried again, and never the same for two: an alert may be told again.
pub(super) fn message_id(message: &AlertMessage) -> String {
    format!("{}_{}_{}", message.alert.id, message.turn.name(), message.id)
}

/// When the turn was.
fn at(message: &AlertMessage) -> Timestamp {
    match message.turn {
        AlertTurn::Raised => message.alert.raised_at,
        AlertTurn::Resolved => message.alert.resolved_at.unwrap_or(message.made_at),
    }
}

fn generic(message: &AlertMessage) -> Value {
    json!({
        "type": format!("alert.{}", message.turn.name()),
        "timestamp": at(message),
        "data": message.alert,
    })
}

/// A headline: `Critical: upstream paused (main)`, `Over: upstream paused (main)`.
pub(super) fn headline(alert: &Alert, turn: AlertTurn) -> String {
    let begin = match (turn, alert.level) {
        (AlertTurn::Raised, AlertLevel::Critical) => "Critical",
        (AlertTurn::Raised, AlertLevel::Warning) => "Warning",
        (AlertTurn::Resolved, _) => "Over",
    };
    format!("{begin}: {} ({})", alert.kind.name().replace('_', " "), alert.subject)
}

/// The sentence for people.
pub(super) fn sentence(message: &AlertMessage) -> String {
    let alert = &message.alert;
    match message.turn {
        AlertTurn::Raised => alert.message.clone(),
        AlertTurn::Resolved => {
            format!("It stood from {} to {}. It was: {}", alert.raised_at, at(message), alert.message)
        }
    }
}

/// Slack reads three characters as markup.
fn slack(message: &AlertMessage) -> Value {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let headline = plain(&headline(&message.alert, message.turn)).replace('*', "");
    json!({ "text": format!("*{headline}*\n{}", plain(&sentence(message))) })
}

/// Priorities go from 1 to 5; 3 is an ordinary message.
fn ntfy(message: &AlertMessage, topic: &str) -> Value {
    let (priority, tag) = match (message.turn, message.alert.level) {
        (AlertTurn::Raised, AlertLevel::Critical) => (5, "rotating_light"),
        (AlertTurn::Raised, AlertLevel::Warning) => (4, "warning"),
        (AlertTurn::Resolved, _) => (3, "white_check_mark"),
    };
    json!({
        "topic": topic,
        "title": headline(&message.alert, message.turn),
        "message": sentence(message),
        "priority": priority,
        "tags": [tag],
    })
}

/// The address without its last part, and that part.
fn split_topic(url: &Url) -> Option<(Url, String)> {
    let topic = url.path_segments()?.next_back().filter(|topic| !topic.is_empty())?.to_owned();
    let mut root = url.clone();
    root.path_segments_mut().ok()?.pop().push("");
    Some((root, topic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{AlertId, AlertKind};

    fn message(turn: AlertTurn) -> AlertMessage {
        let alert = Alert {
            id: AlertId([1; 16]),
            key: "upstream_paused/main".to_owned(),
            kind: AlertKind::UpstreamPaused,
            level: AlertLevel::Critical,
            subject: "main".to_owned(),
            message: "The upstream main is paused (401 <!channel> & more).".to_owned(),
            value: None,
            threshold: None,
            raised_at: Timestamp(0),
            resolved_at: (turn == AlertTurn::Resolved).then_some(Timestamp(60_000)),
        };
        AlertMessage { id: 1, alert, turn, channel: AlertChannel::Webhook, tries: 0, made_at: Timestamp(0) }
    }

    #[test]
    fn the_generic_shape_is_that_of_standard_webhooks() {
        let body = generic(&message(AlertTurn::Resolved));
        assert_eq!(
            (&body["type"], &body["timestamp"]),
            (&json!("alert.resolved"), &json!("1970-01-01T00:01:00.000Z"))
        );
        assert_eq!(body["data"]["kind"], "upstream_paused");
        assert_eq!(body["data"]["raisedAt"], "1970-01-01T00:00:00.000Z");
        assert!(body["data"].get("key").is_none() && body["data"].get("value").is_none(), "{body}");
    }

    #[test]
    fn slack_gets_text_that_calls_nobody() {
        let body = slack(&message(AlertTurn::Raised));
        let expected = "*Critical: upstream paused (main)*\nThe upstream main is paused (401 &lt;!channel&gt; &amp; more).";
        assert_eq!(body, json!({ "text": expected }));
    }

    #[test]
    fn ntfy_gets_topic_title_and_priority() {
        let body = ntfy(&message(AlertTurn::Raised), "ops");
        assert_eq!((&body["topic"], &body["priority"]), (&json!("ops"), &json!(5)));
        assert_eq!(ntfy(&message(AlertTurn::Resolved), "ops")["title"], "Over: upstream paused (main)");
        let split =
            |url: &str| split_topic(&url.parse().unwrap()).map(|(root, topic)| (root.to_string(), topic));
        assert_eq!(split("https://ntfy.sh/ops"), Some(("https://ntfy.sh/".to_owned(), "ops".to_owned())));
        assert_eq!(split("https://a.example/ntfy/ops?x=1").unwrap().0, "https://a.example/ntfy/?x=1");
        assert_eq!(split("https://ntfy.sh/"), None);
    }
}
