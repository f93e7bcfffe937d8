//! Places in a feed or a list. Opaque to readers: hex of a versioned text and a checksum, so that a
//! cursor cut short, altered, or of another feed or log is refused instead of skipping records.

use adapters::rest::problem::ProblemResponse;
use axum::http::StatusCode;

use super::{kinds, params::is_no_text};
use crate::journal::merkle::Digest;

/// The version of the text within; a cursor of another one is refused.
const VERSION: &str = "1";

/// Bytes of the checksum.
const CHECK_BYTES: usize = 8;

/// The cursor of a place: a position, and a key among what changed at it.
pub(super) fn write(log_id: &str, feed: &str, position: u64, key: &str) -> String {
    let text = format!("{VERSION}\n{feed}\n{log_id}\n{position}\n{key}");
    let digest = Digest::of(text.as_bytes());
    let check = digest.as_bytes().iter().take(CHECK_BYTES);
    text.as_bytes().iter().chain(check).map(|byte| format!("{byte:02x}")).collect()
}

/// The place of a cursor.
pub(super) fn read(
    log_id: &str,
    feed: &str,
    cursor: &str,
) -> Result<(u64, String), ProblemResponse> {
    let place = parse(log_id, feed, cursor);
    // One text for each place: what is not written like this was not given by us.
    let exact = place.filter(|(position, key)| {
        !is_no_text(key) && write(log_id, feed, *position, key) == cursor
    });
    exact.ok_or_else(refused)
}

/// The answer to a cursor that was not given for this question.
pub(super) fn refused() -> ProblemResponse {
    ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_CURSOR)
}

fn parse(log_id: &str, feed: &str, cursor: &str) -> Option<(u64, String)> {
    let (pairs, rest) = cursor.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let mut bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    bytes.truncate(bytes.len().checked_sub(CHECK_BYTES)?);
    let text = String::from_utf8(bytes).ok()?;
    let mut parts = text.splitn(5, '\n');
    let mut next = || parts.next();
    if next()? != VERSION || next()? != feed || next()? != log_id {
        return None;
    }
    let position = next()?.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    Some((position, next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_an_altered_one_does_not() {
        let cursor = write("log", "dossiers", 7, "so-y-te/Đ 1\n2");
        let place = read("log", "dossiers", &cursor).unwrap();
        assert_eq!(place, (7, "so-y-te/Đ 1\n2".to_owned()));
        assert!(read("log", "records", &cursor).is_err());
        assert!(read("other", "dossiers", &cursor).is_err());
        assert!(read("log", "dossiers", &write("log", "dossiers", 7, "so-y-te/\0")).is_err());
        for at in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[at] = if altered[at] == b'3' { b'4' } else { b'3' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(read("log", "dossiers", &altered).is_err(), "{at}");
            assert!(read("log", "dossiers", &cursor[..at]).is_err(), "{at}");
        }
        assert!(read("log", "dossiers", &cursor.to_uppercase()).is_err());
    }
}
