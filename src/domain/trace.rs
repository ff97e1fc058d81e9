//! Where a request stands in its caller's trace: W3C Trace Context, Levels 1 and 2.
//!
//! Every call and everything that follows of it carries a trace id. What goes out names its own
//! span as the next one's parent; such an id is a pure function of what it is for, so that nothing
//! but a request's own context has to be kept, and no two tries share one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::JobId;

/// The header that says which trace, and who is the parent.
pub const TRACEPARENT: &str = "traceparent";
/// The header in which tracing systems pass on what is their own.
pub const TRACESTATE: &str = "tracestate";
/// Bytes of a stored context.
pub const CONTEXT_BYTES: usize = 25;

/// Bytes of a `traceparent` of version 00.
const HEADER_BYTES: usize = 55;
/// Whoever called may have recorded this trace.
const SAMPLED: u8 = 1;
/// The trace id's last seven bytes are random (Level 2).
const RANDOM: u8 = 2;
/// Flags that have a meaning; all others are zero in what goes out.
const FLAGS: u8 = SAMPLED | RANDOM;

/// A trace's id, not all zeros; written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

/// A span's id, not all zeros; written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(pub [u8; 8]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl SpanId {
    /// The id of these bits; one of all zeros stands for "none" and is not given out.
    pub fn of(bits: u64) -> Self {
        Self(bits.max(1).to_be_bytes())
    }
}

/// One span of one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanContext {
    /// Which trace.
    pub trace: TraceId,
    /// Which span.
    pub span: SpanId,
    flags: u8,
}

impl SpanContext {
    /// The beginning of a trace of our own. `random`: 24 random bytes.
    pub fn new(random: [u8; 24], is_sampled: bool) -> Self {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&random[..16]);
        span.copy_from_slice(&random[16..]);
        Self::with_trace(trace, span, is_sampled)
    }

    /// As [`SpanContext::new`], when the trace's random bytes are given elsewhere too.
    pub fn with_trace(mut trace: [u8; 16], span: [u8; 8], is_sampled: bool) -> Self {
        if trace == [0; 16] {
            trace[15] = 1;
        }
        let flags = RANDOM | if is_sampled { SAMPLED } else { 0 };
        Self { trace: TraceId(trace), span: SpanId::of(u64::from_be_bytes(span)), flags }
    }

    /// The context of a job from before there were any: the same at every look, and nothing by which
    /// its id could be found. `digest`: of the id.
    pub fn of_old(digest: [u8; 32]) -> Self {
        let mut random = [0; 24];
        random.copy_from_slice(&digest[..24]);
        Self { flags: 0, ..Self::new(random, false) }
    }

    /// Reads a `traceparent`; `None` for one that the standard says is to be ignored. Of a later
    /// version than 00 is taken what 00 knows.
    pub fn parse(header: &str) -> Option<Self> {
        let bytes = header.as_bytes();
        if bytes.len() < HEADER_BYTES || !header.is_ascii() {
            return None;
        }
        let version = &header[..2];
        let ends_well = match version {
            "00" => bytes.len() == HEADER_BYTES,
            _ => bytes.len() == HEADER_BYTES || bytes[HEADER_BYTES] == b'-',
        };
        let has_dashes = [2, 35, 52].iter().all(|at| bytes[*at] == b'-');
        if !ends_well || !has_dashes || version == "ff" {
            return None;
        }
        let _: [u8; 1] = digits(version)?;
        let (trace, span, [flags]) =
            (digits(&header[3..35])?, digits(&header[36..52])?, digits(&header[53..55])?);
        if trace == [0; 16] || span == [0; 8] {
            return None;
        }
        Some(Self { trace: TraceId(trace), span: SpanId(span), flags: flags & FLAGS })
    }

    /// The `traceparent` whose receiver is this span's child.
    pub fn header(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }

    /// Whether the caller asks that the trace be recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The context of the same trace with this span.
    #[must_use]
    pub const fn at(self, span: SpanId) -> Self {
        Self { span, ..self }
    }

    /// A span of what happens in this one; the same for the same purpose, and another one for any
    /// other.
    #[must_use]
    pub fn child(self, purpose: Purpose) -> Self {
        let seed = u64::from_be_bytes(self.span.0);
        let bits = purpose.words().into_iter().fold(seed, |bits, word| mixed(bits ^ word));
        // A child is never its own parent.
        self.at(SpanId::of(if bits == seed { bits.wrapping_add(1) } else { bits }))
    }

    /// As it is stored: trace, span, flags.
    pub fn bytes(&self) -> [u8; CONTEXT_BYTES] {
        let mut bytes = [0; CONTEXT_BYTES];
        bytes[..16].copy_from_slice(&self.trace.0);
        bytes[16..24].copy_from_slice(&self.span.0);
        bytes[24] = self.flags;
        bytes
    }

    /// What [`SpanContext::bytes`] gave.
    pub fn from_bytes(bytes: [u8; CONTEXT_BYTES]) -> Self {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&bytes[..16]);
        span.copy_from_slice(&bytes[16..24]);
        Self { trace: TraceId(trace), span: SpanId(span), flags: bytes[24] & FLAGS }
    }
}

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A job's wait for its run of this number.
    Wait(u32),
    /// A job's run, from 1: claim to settlement.
    Run(u32),
    /// The upstream call of that run.
    Call(u32),
    /// The check of what it brought.
    Check(u32),
    /// The settlement of that run.
    Settle(u32),
    /// A job's share in another one's call.
    Share,
    /// One try to deliver the message of this number: its schedule's beginning and its tries before.
    Delivery(i64, i64, u32),
}

impl Purpose {
    fn words(self) -> [u64; 4] {
        let bits = |number: i64| u64::from_be_bytes(number.to_be_bytes());
        match self {
            Self::Wait(run) => [1, u64::from(run), 0, 0],
            Self::Run(run) => [2, u64::from(run), 0, 0],
            Self::Call(run) => [3, u64::from(run), 0, 0],
            Self::Check(run) => [4, u64::from(run), 0, 0],
            Self::Settle(run) => [5, u64::from(run), 0, 0],
            Self::Share => [6, 0, 0, 0],
            Self::Delivery(seq, since, tries) => [7, bits(seq), bits(since), u64::from(tries)],
        }
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): one step that scatters every bit.
const fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Lower-case hexadecimal digits, which the standard asks for.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Which call of a client's something comes from: what everything that follows of it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The call's own span, the parent of what follows.
    pub context: SpanContext,
    /// The `tracestate` that came with it.
    pub state: Option<Arc<str>>,
    /// The call's `X-Request-Id`, when that is not the trace id.
    pub request_id: Option<Arc<str>>,
}

/// An origin that no log and no trace ever shows: of replays and simulations.
impl Default for Origin {
    fn default() -> Self {
        Self::of(SpanContext::new([0; 24], false))
    }
}

impl Origin {
    /// An origin that nobody else knows of.
    pub const fn of(context: SpanContext) -> Self {
        Self { context, state: None, request_id: None }
    }

    /// The origin of what is from before there were any; see [`SpanContext::of_old`].
    pub fn of_old(id: JobId, digest: impl FnOnce(&[u8]) -> [u8; 32]) -> Self {
        Self::of(SpanContext::of_old(digest(&id.0)))
    }

    /// Which trace.
    pub const fn trace(&self) -> TraceId {
        self.context.trace
    }

    /// The call's `X-Request-Id`.
    pub fn request_id(&self) -> Cow<'_, str> {
        self.request_id.as_deref().map_or_else(|| self.trace().to_string().into(), Cow::Borrowed)
    }

    /// The headers of something that goes out for this.
    pub fn headers(&self, purpose: Purpose) -> TraceHeaders {
        let parent = self.context.child(purpose).header();
        let state = self.state.as_deref().map(|state| (TRACESTATE, state.to_owned()));
        TraceHeaders([Some((TRACEPARENT, parent)), state])
    }
}

/// `traceparent`, and `tracestate` if there is one, as names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHeaders([Option<(&'static str, String)>; 2]);

impl TraceHeaders {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().flatten().map(|(name, value)| (*name, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_standards_own_example_is_read_and_written_as_it_came() {
        let context = SpanContext::parse(GOOD).unwrap();
        assert_eq!(context.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span.to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled());
        assert_eq!(context.header(), GOOD);
        assert_eq!(SpanContext::from_bytes(context.bytes()), context);
    }

    #[test]
    fn what_the_standard_ignores_is_ignored() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        for bad in [
            String::new(),
            "00".into(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-01-"),
            format!("00-{trace}-{span}-01-what"),
            format!("00-{trace}-{span}-01.what"),
            format!(" 00-{trace}-{span}-01"),
            format!("ff-{trace}-{span}-01"),
            format!("0g-{trace}-{span}-01"),
            format!("0A-{trace}-{span}-01"),
            format!("cc-{trace}-{span}-01.what"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{}-01", span.to_uppercase()),
            format!("00-{trace}-{span}-0X"),
            format!("00-{trace}-{span}-0A"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-.{}-{span}-01", &trace[1..]),
            format!("00_{trace}-{span}-01"),
            format!("00-{trace}_{span}-01"),
            format!("00-{trace}-{span}_01"),
            format!("00-{}é-{span}-01", &trace[2..]),
        ] {
            assert_eq!(SpanContext::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_this_one_knows_it() {
        for version in ["01", "cc", "fe"] {
            for more in ["", "-", "-what-the-future-will-be-like", "-.."] {
                let header = format!("{version}{}{more}", &GOOD[2..]);
                assert_eq!(SpanContext::parse(&header).unwrap().header(), GOOD, "{header}");
            }
        }
    }

    #[test]
    fn flags_without_a_meaning_do_not_go_out() {
        let with = |flags: &str| SpanContext::parse(&GOOD.replace("-01", flags)).unwrap();
        assert_eq!(with("-ff").header(), GOOD.replace("-01", "-03"));
        assert_eq!(with("-fc").header(), GOOD.replace("-01", "-00"));
        assert!(!with("-fe").is_sampled());
        let own = SpanContext::new([7; 24], false);
        assert!(own.header().ends_with("-02"), "made of random bits, recorded by nobody");
        assert!(SpanContext::new([7; 24], true).header().ends_with("-03"));
    }

    #[test]
    fn no_id_is_all_zeros() {
        let context = SpanContext::new([0; 24], false);
        assert_eq!(SpanContext::parse(&context.header()), Some(context));
    }

    #[test]
    fn everything_that_goes_out_has_a_span_of_its_own_and_the_same_again_after_a_crash() {
        let context = SpanContext::parse(GOOD).unwrap();
        let purposes = (1..200).flat_map(|n| {
            [
                Purpose::Wait(n),
                Purpose::Run(n),
                Purpose::Call(n),
                Purpose::Check(n),
                Purpose::Settle(n),
                Purpose::Delivery(i64::from(n), 5, 1),
                Purpose::Delivery(5, i64::from(n) + 1000, 1),
                Purpose::Delivery(5, 5, n),
            ]
        });
        let mut spans = HashSet::from([context.span]);
        for purpose in purposes.chain([Purpose::Share]) {
            let child = context.child(purpose);
            assert!(spans.insert(child.span) || purpose == Purpose::Delivery(5, 5, 1), "{purpose:?}");
            assert_eq!((child, child.trace), (context.child(purpose), context.trace));
        }
    }

    #[test]
    fn the_request_id_is_the_trace_id_unless_the_caller_has_its_own() {
        let mut origin = Origin::of(SpanContext::parse(GOOD).unwrap());
        assert_eq!(origin.request_id(), "0af7651916cd43dd8448eb211c80319c");
        origin.request_id = Some("order-7".into());
        assert_eq!(origin.request_id(), "order-7");
    }
}
