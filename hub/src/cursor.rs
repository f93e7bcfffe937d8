//! Places in a feed or a list. Opaque to readers: hex of a versioned text and a checksum, so that a
//! cursor cut short, altered, or of another feed or log is refused instead of skipping records.

use crate::journal::{
    log::{EndedLog, Log},
    merkle::Digest,
};

/// A place: a number, and a text that tells apart what has the same.
pub type Place = (u64, String);

/// The version of the text within; a cursor of another one is refused.
const VERSION: &str = "1";

/// Bytes of the checksum.
const CHECK_BYTES: usize = 8;

/// The cursor of a place.
pub fn write(log_id: &str, feed: &str, (position, key): &Place) -> String {
    let text = format!("{VERSION}\n{feed}\n{log_id}\n{position}\n{key}");
    let digest = Digest::of(text.as_bytes());
    let check = digest.as_bytes().iter().take(CHECK_BYTES);
    text.as_bytes().iter().chain(check).map(|byte| format!("{byte:02x}")).collect()
}

/// The place of a cursor; `None` for one that was not given for this feed or list of this log.
pub fn read(log_id: &str, feed: &str, cursor: &str) -> Option<Place> {
    let told = told(cursor)?;
    (told.feed == feed && told.log_id == log_id).then_some(told.place)
}

/// Why a cursor of a feed is not gone on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Astray {
    /// It was not given for this feed.
    NotOurs,
    /// It lies in what was lost with a log that this one goes on from: that log.
    Lost(EndedLog),
    /// It was given for this feed as another version of its fold had it.
    Refolded,
}

/// The place of a cursor of a feed, whose numbers are positions: one of a log that this one goes
/// on from is as good, up to where it does. A feed is named with the version of its fold behind a
/// full stop, where it has one.
///
/// # Errors
/// [`Astray`].
pub fn follow(log: &Log, feed: &str, cursor: &str) -> Result<Place, Astray> {
    let told = told(cursor).ok_or(Astray::NotOurs)?;
    let old = log.ended.iter().find(|old| old.log_id == told.log_id);
    if old.is_none() && told.log_id != log.id || named(&told.feed) != named(feed) {
        return Err(Astray::NotOurs);
    }
    if told.feed != feed {
        return Err(Astray::Refolded);
    }
    match old {
        Some(old) if told.place > (old.size, String::new()) => Err(Astray::Lost(old.clone())),
        _ => Ok(told.place),
    }
}

/// The name of a feed without the version of its fold.
fn named(feed: &str) -> &str {
    feed.split_once('.').map_or(feed, |(name, _)| name)
}

/// What a cursor tells.
struct Told {
    feed: String,
    log_id: String,
    place: Place,
}

/// What a cursor tells, where it is one that we have given.
fn told(cursor: &str) -> Option<Told> {
    let told = parse(cursor)?;
    // One text for each place: what is not written like this was not given by us. No key that is
    // stored holds NUL, and not every store can be asked for it.
    let exact = write(&told.log_id, &told.feed, &told.place) == cursor;
    (exact && !told.place.1.contains('\0')).then_some(told)
}

fn parse(cursor: &str) -> Option<Told> {
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
    if next()? != VERSION {
        return None;
    }
    let (feed, log_id) = (next()?.to_owned(), next()?.to_owned());
    let position = next()?.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    let place = (position, next()?.to_owned());
    Some(Told { feed, log_id, place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_a_log_before_holds_up_to_where_it_was_gone_on_from() {
        let old = EndedLog { log_id: "old".to_owned(), size: 7, root: Digest::of(b"") };
        let log = Log { id: "new".to_owned(), ended: vec![old.clone()] };
        let of = |log_id: &str, position: u64, key: &str| {
            follow(&log, "dossiers", &write(log_id, "dossiers", &(position, key.to_owned())))
        };
        assert_eq!(of("old", 6, "a/1"), Ok((6, "a/1".to_owned())));
        assert_eq!(of("old", 7, ""), Ok((7, String::new())));
        assert_eq!(of("old", 7, "a/1"), Err(Astray::Lost(old.clone())));
        assert_eq!(of("old", 8, ""), Err(Astray::Lost(old)));
        assert_eq!(of("new", 8, "a/1"), Ok((8, "a/1".to_owned())));
        assert_eq!(of("other", 1, ""), Err(Astray::NotOurs));
    }

    #[test]
    fn a_cursor_of_another_version_of_a_fold_is_told_from_one_of_another_feed() {
        let old = EndedLog { log_id: "old".to_owned(), size: 7, root: Digest::of(b"") };
        let log = Log { id: "new".to_owned(), ended: vec![old] };
        let of = |log_id: &str, feed: &str| {
            follow(&log, "findings.2", &write(log_id, feed, &(3, String::new())))
        };
        assert_eq!(of("new", "findings.2"), Ok((3, String::new())));
        for (log_id, feed) in [("new", "findings.1"), ("old", "findings.3"), ("new", "findings")] {
            assert_eq!(of(log_id, feed), Err(Astray::Refolded), "{log_id} {feed}");
        }
        for (log_id, feed) in [("other", "findings.1"), ("new", "records"), ("new", "finding.1")] {
            assert_eq!(of(log_id, feed), Err(Astray::NotOurs), "{log_id} {feed}");
        }
    }

    #[test]
    fn a_cursor_comes_back_and_an_altered_one_does_not() {
        let place = (7, "so-y-te/Đ 1\n2".to_owned());
        let cursor = write("log", "dossiers", &place);
        let of = |cursor: &str| read("log", "dossiers", cursor);
        assert_eq!(of(&cursor), Some(place));
        assert!(read("log", "records", &cursor).is_none());
        assert!(read("other", "dossiers", &cursor).is_none());
        assert!(of(&write("log", "dossiers", &(7, "so-y-te/\0".to_owned()))).is_none());
        for at in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[at] = if altered[at] == b'3' { b'4' } else { b'3' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(of(&altered).is_none(), "{at}");
            assert!(of(&cursor[..at]).is_none(), "{at}");
        }
        assert!(of(&cursor.to_uppercase()).is_none());
    }
}
