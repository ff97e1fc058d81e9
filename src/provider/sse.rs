//! Server-sent events out of arbitrarily cut bytes, as the HTML standard reads them.
//!
//! Own code rather than a crate because every line and every event is bounded here, and the
//! reader keeps no more than one unfinished event.

use std::collections::VecDeque;

/// Bytes of one line, and of one event's data.
pub(super) const EVENT_BYTES_MAX: usize = 1 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The `event` field; empty when there was none.
    pub(super) name: String,
    /// The `data` fields, joined by line feeds.
    pub(super) data: String,
}

/// A line or an event is larger than [`EVENT_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// The reader: bytes in by [`Self::push`], events out by [`Self::next`].
#[derive(Debug, Default)]
pub(super) struct SseReader {
    line: Vec<u8>,
    /// The last byte was a carriage return that ended a line: a line feed now belongs to it.
    after_carriage_return: bool,
    /// The byte order mark can only stand before the first line.
    past_first_line: bool,
    unfinished: Event,
    has_data: bool,
    ready: VecDeque<Event>,
}

impl SseReader {
    /// Takes the next bytes, however they are cut.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_carriage_return) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_carriage_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line()?;
        }
        Ok(())
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The bytes have ended. An event that lacks only its last line breaks is still given out:
    /// some servers forget them after `[DONE]`.
    pub(super) fn end(&mut self) -> Result<(), TooLong> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.end_event();
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.past_first_line, true)
            && let Some(rest) = text.strip_prefix('\u{feff}')
        {
            text = rest.to_owned().into();
        }
        if text.is_empty() {
            self.end_event();
        } else {
            self.field(&text)?;
        }
        // The allocation is kept for the next line.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    fn field(&mut self, line: &str) -> Result<(), TooLong> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.unfinished.name),
            "data" => {
                if self.unfinished.data.len() + value.len() > EVENT_BYTES_MAX {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.unfinished.data.push('\n');
                }
                self.unfinished.data.push_str(value);
            }
            // Comments (an empty name), `id`, `retry` and unknown fields mean nothing here.
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self) {
        let event = std::mem::take(&mut self.unfinished);
        if std::mem::take(&mut self.has_data) {
            self.ready.push_back(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\nevent: a\r\ndata: {\"x\":\r\ndata:  \"é→🦀\"}\r\n\r\n\
        event: ping\ndata\n\nid: 7\nretry: 5\n\ndata:one\rdata:two\r\revent: nothing\n\nunknown: x\ndata: [DONE]";

    fn expected() -> Vec<Event> {
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        vec![event("a", "{\"x\":\n \"é→🦀\"}"), event("ping", ""), event("", "one\ntwo"), event("", "[DONE]")]
    }

    fn read(parts: &[&[u8]]) -> Vec<Event> {
        let mut reader = SseReader::default();
        for part in parts {
            reader.push(part).unwrap();
        }
        reader.end().unwrap();
        std::iter::from_fn(|| reader.next()).collect()
    }

    #[test]
    fn every_cut_in_two_gives_the_same_events() {
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), expected(), "cut at {cut}");
        }
    }

    #[test]
    fn byte_by_byte_gives_the_same_events() {
        let parts: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
        assert_eq!(read(&parts), expected());
    }

    #[test]
    fn a_line_and_an_event_are_bounded() {
        let mut reader = SseReader::default();
        let mib = vec![b'x'; EVENT_BYTES_MAX];
        assert_eq!(reader.push(&mib), Ok(()));
        assert_eq!(reader.push(b"x"), Err(TooLong));

        let mut reader = SseReader::default();
        let line = format!("data: {}\n", "x".repeat(1000));
        let outcome = (0..2000).try_for_each(|_| reader.push(line.as_bytes()));
        assert_eq!(outcome, Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_events(cuts in proptest::collection::vec(0..STREAM.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &STREAM.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&parts), expected());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read(&[&bytes]);
        }
    }
}
