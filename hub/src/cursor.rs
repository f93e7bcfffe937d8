//! Places in a feed or a list, sealed: a portal passes them on to whoever reads its pages, and the
//! place of a feed names a dossier. So nobody reads what is in a cursor and nobody makes one; one
//! cut short, altered, or of another feed or log is refused instead of skipping records.

use std::sync::OnceLock;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};

use crate::journal::log::{EndedLog, Log};

/// A place: a number, and a text that tells apart what has the same.
pub type Place = (u64, String);

/// What the store's secret for cursors is named by; one of another version is refused.
pub const LABEL: &str = "lienthong/cursor/v2";

/// What seals the cursors of this process: it serves one store.
static KEY: OnceLock<Option<LessSafeKey>> = OnceLock::new();

fn sealing(secret: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, secret).ok().map(LessSafeKey::new)
}

/// Has this process give and take the cursors of a store, by its secret: the first that is opened.
pub fn begin(secret: [u8; 32]) {
    KEY.get_or_init(|| sealing(&secret));
}

/// The key; where no store was opened by its address, one of this process alone.
fn key() -> Option<&'static LessSafeKey> {
    let own = || {
        let mut secret = [0; 32];
        rand::fill(&mut secret).ok()?;
        sealing(&secret)
    };
    KEY.get_or_init(own).as_ref()
}

/// Always the same: a place has one cursor. AES-GCM-SIV takes that; all that it tells is which
/// cursors are equal.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The cursor of a place.
pub fn write(log_id: &str, feed: &str, (position, key): &Place) -> String {
    let mut bytes = format!("{feed}\n{log_id}\n{position}\n{key}").into_bytes();
    let label = Aad::from(LABEL);
    let sealed = self::key().map(|key| key.seal_in_place_append_tag(nonce(), label, &mut bytes));
    // Without a key nothing is told at all.
    if !matches!(sealed, Some(Ok(()))) {
        bytes.clear();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    let (pairs, rest) = cursor.as_bytes().as_chunks::<2>();
    let is_ours = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !rest.is_empty() || !cursor.bytes().all(is_ours) {
        return None;
    }
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let mut bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    let opened = key()?.open_in_place(nonce(), Aad::from(LABEL), &mut bytes).ok()?;
    let text = std::str::from_utf8(opened).ok()?;
    let mut parts = text.splitn(4, '\n');
    let mut next = || parts.next();
    let (feed, log_id) = (next()?.to_owned(), next()?.to_owned());
    let position = next()?.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    let place = (position, next()?.to_owned());
    // No key that is stored holds NUL, and not every store can be asked for it.
    (!place.1.contains('\0')).then_some(Told { feed, log_id, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::merkle::Digest;

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

    #[test]
    fn a_cursor_tells_nothing_and_nobody_makes_one() {
        let place = (7, "ubnd-bien-hoa/BH.SC.14.000003".to_owned());
        let cursor = write("log", "dossiers", &place);
        assert_eq!(cursor, write("log", "dossiers", &place), "one for each place");
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        for told in ["BH.SC", "ubnd", "dossiers", "log"] {
            assert!(!cursor.contains(&hex(told)), "{told}");
        }
        // As they were made once, by whoever knew how.
        let text = "1\ndossiers\nlog\n7\nubnd-bien-hoa/BH.SC.14.000003";
        let check = &Digest::of(text.as_bytes()).to_string()[..16];
        assert!(read("log", "dossiers", &(hex(text) + check)).is_none());
        let other = sealing(&[7; 32]).unwrap();
        let mut bytes = b"dossiers\nlog\n7\nx".to_vec();
        other.seal_in_place_append_tag(nonce(), Aad::from(LABEL), &mut bytes).unwrap();
        let sealed: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(read("log", "dossiers", &sealed).is_none());
    }
}
