//! `tracestate`, the list in which tracing systems pass on what is their own (W3C Trace Context,
//! Level 2, part 3.3): read, so that nothing goes out that is none, and kept within bounds.

/// Members of a list; one with more is ignored.
const MEMBERS_MAX: usize = 32;
/// Bytes of a list that goes out; the standard asks for 512 at least.
const BYTES_MAX: usize = 512;
/// Members of more bytes go first when there is no room.
const LARGE_BYTES: usize = 128;
/// Bytes that are read at all.
const READ_BYTES_MAX: usize = 8 << 10;
/// Characters of a key, and of a value.
const PART_CHARS_MAX: usize = 256;

/// The list that these header lines make together, as it is passed on: in its order, without white
/// space around members, the first of two with one key. `None` when it is empty, or no list.
pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        bytes += line.len();
        if bytes > READ_BYTES_MAX {
            return None;
        }
        for member in line.split(',') {
            let member = member.trim_matches([' ', '\t']);
            // Empty members are allowed, and mean nothing.
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || members.len() == MEMBERS_MAX {
                return None;
            }
            let is_new = members.iter().all(|known| known.split('=').next() != Some(key));
            if is_new {
                members.push(member);
            }
        }
    }
    make_room(&mut members);
    (!members.is_empty()).then(|| members.join(","))
}

/// Large members go first, from the end; then whatever is last. No member is cut.
fn make_room(members: &mut Vec<&str>) {
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    while length(members) > BYTES_MAX + 1 {
        let large = members.iter().rposition(|member| member.len() > LARGE_BYTES);
        members.remove(large.unwrap_or(members.len() - 1));
    }
}

/// A lower-case letter or a digit, then these and `_-*/@`.
fn is_key(key: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let goes_on = |byte: u8| begins(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    (1..=PART_CHARS_MAX).contains(&key.len())
        && key.as_bytes().first().is_some_and(|byte| begins(*byte))
        && key.bytes().all(goes_on)
}

/// Printable ASCII without comma and equals sign, no space at the end.
fn is_value(value: &str) -> bool {
    (1..=PART_CHARS_MAX).contains(&value.len())
        && !value.ends_with(' ')
        && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<String> {
        read([line])
    }

    #[test]
    fn lines_make_one_list_in_their_order() {
        assert_eq!(
            read(["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE"]),
            one("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        );
        assert_eq!(one("foo=1 \t , \tbar=2, \t baz=3"), Some("foo=1,bar=2,baz=3".into()));
        assert_eq!(one("foo=1,,,bar=2,"), Some("foo=1,bar=2".into()));
        assert_eq!(one("fw529a3039@dt=FfAAA,0k=v v"), Some("fw529a3039@dt=FfAAA,0k=v v".into()));
        assert_eq!(one("foo=1,bar=2,foo=3"), Some("foo=1,bar=2".into()), "the newest is first");
        assert_eq!(one(""), None);
        assert_eq!(read([]), None);
    }

    #[test]
    fn what_is_no_list_is_ignored_whole() {
        let long = format!("{}=1", "a".repeat(257));
        let large = format!("a={}", "v".repeat(257));
        for bad in [
            "foo",
            "foo=",
            "=1",
            "foo =1",
            "FOO=1",
            "foo.bar=1",
            "foo=bar=baz",
            "foo=1,bar",
            "_foo=1",
            "@foo=1",
            "foo=é",
            "foo=\u{7f}",
            &long,
            &large,
        ] {
            assert_eq!(one(bad), None, "{bad}");
        }
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert!(one(&many(32)).is_some());
        assert_eq!(one(&many(33)), None);
    }

    #[test]
    fn what_does_not_fit_goes_member_by_member_the_large_ones_first() {
        let small: Vec<String> = (0..30).map(|n| format!("k{n:02}={}", "v".repeat(12))).collect();
        let large = format!("large={}", "v".repeat(200));
        let all = format!("first=1,{large},{}", small.join(","));
        let kept = one(&all).unwrap();
        assert!(kept.len() <= BYTES_MAX && kept.len() > BYTES_MAX - 20, "{}", kept.len());
        assert!(kept.starts_with("first=1,k00=") && !kept.contains("large"), "{kept}");
        let exact = format!("a={},b={}", "v".repeat(253), "v".repeat(254));
        assert_eq!((exact.len(), one(&exact)), (BYTES_MAX, Some(exact)));
    }
}
