//! Where a call stands in its caller's trace: the caller's own by W3C Trace Context, or the beginning
//! of one.

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use rand::Rng;

use crate::domain::Origin;
use crate::domain::trace::{SpanContext, SpanId, TRACEPARENT, TRACESTATE};
use crate::domain::tracestate;

use super::request_id::RequestId;

/// Decides whether a trace that begins here is recorded; the argument is its id.
pub type Sample = Box<dyn Fn(&[u8; 16]) -> bool + Send + Sync>;

/// A call's place.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The call's own span; what follows of the call carries it.
    pub origin: Origin,
    /// The caller's span, when the call says one.
    pub parent: Option<SpanId>,
}

/// The place of a call with these headers, which is answered with this id. A `traceparent` that the
/// standard calls invalid, or that is there twice, counts as none, and `tracestate` with it.
pub fn of(headers: &HeaderMap, id: &RequestId, sample: &Sample) -> Traced {
    let mut span = [0; 8];
    rand::rng().fill_bytes(&mut span);
    let given = id.given().map(Into::into);
    if let Some(caller) = only(headers).and_then(SpanContext::parse) {
        let lines = headers.get_all(TRACESTATE).iter();
        let lines: Option<Vec<&str>> = lines.map(|line| line.to_str().ok()).collect();
        let state = lines.and_then(tracestate::read).map(Into::into);
        let context = caller.at(SpanId::of(u64::from_be_bytes(span)));
        let request_id = given.or_else(|| Some(id.text().into()));
        return Traced { origin: Origin { context, state, request_id }, parent: Some(caller.span) };
    }
    // An id of our own serves for both.
    let trace = id.own_bits().unwrap_or_else(|| {
        let mut bits = [0; 16];
        rand::rng().fill_bytes(&mut bits);
        bits
    });
    let context = SpanContext::with_trace(trace, span, sample(&trace));
    Traced { origin: Origin { context, state: None, request_id: given }, parent: None }
}

fn only(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let first: &HeaderValue = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use super::super::request_id;
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn traced(lines: &[(&'static str, &str)], is_sampled: bool) -> (Traced, RequestId) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let id = request_id::of(&headers);
        (of(&headers, &id, &(Box::new(move |_: &[u8; 16]| is_sampled) as Sample)), id)
    }

    #[test]
    fn a_callers_trace_goes_on_with_a_span_of_our_own() {
        let (traced, id) = traced(&[(TRACEPARENT, PARENT), (TRACESTATE, "a=1"), (TRACESTATE, "b=2")], false);
        assert_eq!(traced.origin.trace().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(traced.parent.unwrap().to_string(), "b7ad6b7169203331");
        assert_ne!(Some(traced.origin.context.span), traced.parent);
        assert!(traced.origin.context.is_sampled(), "as the caller says");
        assert_eq!(traced.origin.state.as_deref(), Some("a=1,b=2"));
        assert_eq!(traced.origin.request_id(), id.text());
        assert_ne!(id.text(), traced.origin.trace().to_string(), "two calls of one trace are two");
    }

    #[test]
    fn without_one_that_is_good_a_trace_begins_whose_id_is_the_requests() {
        for lines in [
            &[][..],
            &[(TRACESTATE, "a=1")],
            &[(TRACEPARENT, "00-0-0-00"), (TRACESTATE, "a=1")],
            &[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT), (TRACESTATE, "a=1")],
        ] {
            let (traced, id) = traced(lines, true);
            assert_eq!(traced.origin.trace().to_string(), id.text(), "{lines:?}");
            assert!(traced.origin.request_id.is_none() && traced.origin.state.is_none());
            assert!(traced.parent.is_none() && traced.origin.context.is_sampled());
        }
    }

    #[test]
    fn a_callers_own_id_is_no_trace_id() {
        let (traced, _) = traced(&[("x-request-id", "order-7")], false);
        assert_eq!(traced.origin.request_id(), "order-7");
        assert!(!traced.origin.context.is_sampled());
    }

    #[test]
    fn a_state_that_is_no_text_is_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(PARENT));
        headers.insert(TRACESTATE, HeaderValue::from_bytes(b"a=\xff").unwrap());
        let id = request_id::of(&headers);
        let traced = of(&headers, &id, &(Box::new(|_: &[u8; 16]| true) as Sample));
        assert!(traced.parent.is_some() && traced.origin.state.is_none());
    }
}
