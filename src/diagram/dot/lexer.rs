//! DOT text to tokens, one at a time, each byte looked at a fixed number of times.

use super::token::{Keyword, Kind, Token, Unclosed};

/// Reads tokens.
pub(super) struct Lexer<'s> {
    source: &'s str,
    at: usize,
    first_of_line: bool,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, at: 0, first_of_line: true }
    }

    /// The next token; after the last one, `End` for ever.
    pub(super) fn next(&mut self) -> Token<'s> {
        if let Some(start) = self.skip_blanks() {
            return self.unclosed(start, Unclosed::Comment);
        }
        let start = self.at;
        let bytes = self.source.as_bytes();
        let Some(&byte) = bytes.get(start) else { return self.token(Kind::End, start) };
        let second = bytes.get(start + 1).copied();
        let kind = match (byte, second) {
            (b'{', _) => Kind::BraceOpen,
            (b'}', _) => Kind::BraceClose,
            (b'[', _) => Kind::BracketOpen,
            (b']', _) => Kind::BracketClose,
            (b';', _) => Kind::Semicolon,
            (b',', _) => Kind::Comma,
            (b':', _) => Kind::Colon,
            (b'=', _) => Kind::Equals,
            (b'+', _) => Kind::Plus,
            (b'-', Some(b'>')) => Kind::Arrow,
            (b'-', Some(b'-')) => Kind::Line,
            (b'"', _) => return self.quoted(start),
            (b'<', _) => return self.markup(start),
            (b'0'..=b'9' | b'-' | b'.', _) => return self.numeral(start),
            _ if is_letter(byte) => return self.name(start),
            _ => Kind::Stray,
        };
        self.at += if matches!(kind, Kind::Arrow | Kind::Line) { 2 } else { 1 };
        self.token(kind, start)
    }

    fn token(&mut self, kind: Kind, start: usize) -> Token<'s> {
        let first_of_line = std::mem::replace(&mut self.first_of_line, false);
        Token { kind, text: &self.source[start..self.at], at: start, first_of_line }
    }

    fn unclosed(&mut self, start: usize, what: Unclosed) -> Token<'s> {
        self.at = self.source.len();
        self.token(Kind::Unclosed(what), start)
    }

    /// Goes past blanks and comments; `Some`: where a comment begins that nothing ends.
    fn skip_blanks(&mut self) -> Option<usize> {
        let bytes = self.source.as_bytes();
        loop {
            let rest = &bytes[self.at..];
            match rest {
                [b'\n', ..] => {
                    self.first_of_line = true;
                    self.at += 1;
                }
                [b' ' | b'\t' | b'\r', ..] => self.at += 1,
                [b'#', ..] | [b'/', b'/', ..] => {
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                [b'/', b'*', ..] => match self.source[self.at + 2..].find("*/") {
                    Some(end) => self.at += end + 4,
                    None => return Some(self.at),
                },
                _ => return None,
            }
        }
    }

    /// Text in double quotes; a backslash takes the next quote or backslash along.
    fn quoted(&mut self, start: usize) -> Token<'s> {
        let bytes = self.source.as_bytes();
        let mut at = start + 1;
        while let Some(byte) = bytes.get(at) {
            match (byte, bytes.get(at + 1)) {
                (b'"', _) => {
                    self.at = at + 1;
                    return self.token(Kind::Quoted, start);
                }
                (b'\\', Some(b'"' | b'\\')) => at += 2,
                _ => at += 1,
            }
        }
        self.unclosed(start, Unclosed::Quotes)
    }

    /// Text in balanced angle brackets.
    fn markup(&mut self, start: usize) -> Token<'s> {
        let mut depth = 0_usize;
        for (offset, byte) in self.source.as_bytes()[start..].iter().enumerate() {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = start + offset + 1;
                return self.token(Kind::Quoted, start);
            }
        }
        self.unclosed(start, Unclosed::Markup)
    }

    fn name(&mut self, start: usize) -> Token<'s> {
        let rest = &self.source.as_bytes()[start..];
        let length = rest.iter().position(|byte| !is_letter(*byte) && !byte.is_ascii_digit());
        self.at = start + length.unwrap_or(rest.len());
        let keyword = Keyword::of(&self.source[start..self.at]);
        self.token(keyword.map_or(Kind::Id, Kind::Keyword), start)
    }

    /// `-?(digits(.digits?)?|.digits)`; what follows it directly is the next token, as in Graphviz.
    fn numeral(&mut self, start: usize) -> Token<'s> {
        let bytes = self.source.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole_from = start + usize::from(bytes[start] == b'-');
        let whole = digits(whole_from);
        let point = whole_from + whole;
        let fraction = if bytes.get(point) == Some(&b'.') { digits(point + 1) } else { 0 };
        self.at = match (whole, bytes.get(point) == Some(&b'.')) {
            (0, true) if fraction > 0 => point + 1 + fraction,
            (0, _) => {
                self.at = start + 1;
                return self.token(Kind::Stray, start);
            }
            (_, true) => point + 1 + fraction,
            (_, false) => point,
        };
        self.token(Kind::Id, start)
    }
}

/// Bytes of 0x80 and above are letters to Graphviz.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}
