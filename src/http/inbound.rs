//! Reading the body of a call: bounded in bytes and in time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap};
use hyper::{StatusCode, Version};
use tokio::time::timeout;

use super::problem::Problem;

/// A client that sends its body more slowly is cut off.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// An unwanted body is read for so long, and no further than [`UNWANTED_BYTES_MAX`].
const UNWANTED_TIME_MAX: Duration = Duration::from_secs(1);
/// Closing on a client that is still sending would cost it the answer.
const UNWANTED_BYTES_MAX: u64 = 4 << 20;

/// The whole body of a call whose body must be JSON.
///
/// # Errors
/// 413, 415, 408, or 400 when the client went away in the middle.
pub async fn read_json(headers: &HeaderMap, body: &mut Incoming, max: usize) -> Result<Bytes, Problem> {
    if !is_json(headers) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as JSON, with the header Content-Type: application/json.",
        ));
    }
    read(headers, body, max).await
}

/// As [`read_json`], for a call that may come without a body: then `{}`.
///
/// # Errors
/// As [`read_json`].
pub async fn read_json_if_any(
    headers: &HeaderMap,
    body: &mut Incoming,
    max: usize,
) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let bytes = read(headers, body, max).await?;
    match bytes.is_empty() {
        true => Ok(Bytes::from_static(b"{}")),
        false if is_json(headers) => Ok(bytes),
        false => read_json(headers, body, max).await,
    }
}

async fn read(headers: &HeaderMap, body: &mut Incoming, max: usize) -> Result<Bytes, Problem> {
    if declared_length(headers).is_some_and(|length| length > max as u64) {
        return Err(too_large(max));
    }
    match timeout(BODY_TIME_MAX, collect(body, max)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            format!("The body did not arrive within {} s; send it again.", BODY_TIME_MAX.as_secs()),
        )
        .closing()),
    }
}

async fn collect<B: Body<Data = Bytes> + Unpin>(body: &mut B, max: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "The body ended early; send it again.")
                .closing()
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > max {
            return Err(too_large(max));
        }
        // A small body comes in one piece and is not copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Reads and forgets what a client still sends of a body that nobody wants, within limits, so
/// that it gets to read the answer.
pub async fn discard(headers: &HeaderMap, version: Version, body: &mut Incoming) {
    let waits_for_permission = version >= Version::HTTP_11 && headers.contains_key(EXPECT);
    if body.is_end_stream() || waits_for_permission {
        return;
    }
    let discarding = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            if bytes > UNWANTED_BYTES_MAX {
                return;
            }
        }
    };
    drop(timeout(UNWANTED_TIME_MAX, discarding).await);
}

fn too_large(max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body is too large; at most {max} bytes are taken."),
    )
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, with any parameters but another charset than UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
                charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_body_in_any_number_of_pieces_is_read_whole() {
        for pieces in 0..6_u8 {
            let frames = (0..pieces).map(|at| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![at; 3]))));
            let mut body = StreamBody::new(futures_util::stream::iter(frames));
            let whole: Vec<u8> = (0..pieces).flat_map(|at| [at; 3]).collect();
            assert_eq!(collect(&mut body, 15).await.unwrap(), whole, "{pieces} pieces");
        }
        let frames = (0..6_u8).map(|at| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![at; 3]))));
        let mut body = StreamBody::new(futures_util::stream::iter(frames));
        assert_eq!(collect(&mut body, 17).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn json_is_told_by_its_content_type() {
        let mut headers = HeaderMap::new();
        assert!(!is_json(&headers), "none");
        for (value, fine) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"; x=y", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/jsonp", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), fine, "{value}");
        }
    }
}
