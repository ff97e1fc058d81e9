//! A message as it is sent: its type, the time of what it tells, and the data.

use serde::Serialize;

use crate::domain::Timestamp;
use crate::domain::webhook::MessageKind;

#[derive(Serialize)]
struct Message<'a, T> {
    r#type: &'a str,
    timestamp: Timestamp,
    data: &'a T,
}

#[derive(Serialize)]
struct Test {
    message: &'static str,
}

/// The message of what happened at `at`, as JSON; `data` is what it tells, the status object of a
/// request. Empty when the data cannot be written, which no data of ours is.
pub fn text(kind: MessageKind, at: Timestamp, data: &impl Serialize) -> String {
    let message = Message { r#type: kind.name(), timestamp: at, data };
    serde_json::to_string(&message).unwrap_or_default()
}

/// A message that tells nothing.
pub(super) fn test(at: Timestamp) -> String {
    text(MessageKind::Test, at, &Test { message: "This is a test: messages arrive, and nothing happened." })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_type_time_and_data() {
        let at = Timestamp::parse("2026-11-24T04:00:00.123Z").unwrap();
        let text = text(MessageKind::Failed, at, &serde_json::json!({"requestId": "req_1"}));
        assert_eq!(
            text,
            r#"{"type":"diagram.failed","timestamp":"2026-11-24T04:00:00.123Z","data":{"requestId":"req_1"}}"#
        );
        assert!(
            test(at).starts_with(r#"{"type":"webhook.test","timestamp":"2026-11-24T04:00:00.123Z","data":{"#)
        );
    }
}
