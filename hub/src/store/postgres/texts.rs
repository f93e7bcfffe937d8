//! Writing what holds persons: personal texts and raw bytes, sealed where there is a key.

use std::borrow::Cow;

use super::session::{Rows, signed};
use crate::store::{
    StoreError,
    at_rest::{Place, keys},
    batch::{NewEntry, Written},
};

/// Raw bytes are written in pieces, so that a large payload is not copied whole on the way.
const PIECE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of pieces in one statement, roughly.
const PIECES_BYTES_MAX: usize = 4 * PIECE_BYTES_MAX;

/// The pieces of a payload; an empty one has one.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = bytes.is_empty().then_some(bytes);
    empty.into_iter().chain(bytes.chunks(PIECE_BYTES_MAX))
}

/// One text as it is stored.
struct Text<'a> {
    salt: Option<Cow<'a, [u8]>>,
    bytes: Cow<'a, [u8]>,
    key: Option<(String, Vec<u8>)>,
}

impl<'a> Text<'a> {
    fn of(place: Place, salt: Option<&'a [u8; 32]>, bytes: &'a [u8]) -> Result<Self, StoreError> {
        Ok(match keys().seal(place, salt, bytes)? {
            None => Self {
                salt: salt.map(|salt| Cow::Borrowed(salt.as_slice())),
                bytes: Cow::Borrowed(bytes),
                key: None,
            },
            Some(sealed) => Self {
                salt: None,
                bytes: Cow::Owned(sealed.bytes),
                key: Some((sealed.key_id, sealed.wrapped_key)),
            },
        })
    }
}

/// Texts with where each belongs, as rows: what stands before them is in `rows`.
fn with_texts<'a>(rows: Rows<'a>, texts: Vec<Text<'a>>) -> Rows<'a> {
    let bytes = texts.iter().map(|text| text.bytes.len()).sum();
    let (mut salts, mut all) = (Vec::with_capacity(texts.len()), Vec::with_capacity(texts.len()));
    let mut keys = Vec::new();
    for Text { salt, bytes, key } in texts {
        salts.push(salt);
        all.push(bytes);
        keys.extend(key);
    }
    let rows = rows.with(salts).with(all).of_bytes(bytes);
    // All of them are sealed, or none: a process has its keys from its beginning on.
    if keys.is_empty() {
        return rows;
    }
    let (names, wrapped): (Vec<String>, Vec<Vec<u8>>) = keys.into_iter().unzip();
    rows.with(names).with(wrapped)
}

/// The raw bytes of messages.
pub(super) fn payloads<'a>(fresh: &[&'a Written]) -> Result<Vec<Rows<'a>>, StoreError> {
    let mut statements = Vec::new();
    let (mut places, mut texts, mut bytes) = (Vec::new(), Vec::new(), 0);
    for written in fresh {
        let kept = written.payload.as_ref().filter(|_| written.attempt.erased.is_none());
        let Some(raw) = kept else { continue };
        let message = written.attempt.message;
        for (number, piece) in (0_i32..).zip(pieces(&raw.bytes)) {
            let salt = (number == 0).then_some(raw.salt.as_bytes());
            let place = Place::Raw(message, number.unsigned_abs().into());
            texts.push(Text::of(place, salt, piece)?);
            places.push((signed(message), number));
            bytes += piece.len();
            if bytes >= PIECES_BYTES_MAX {
                statements.push(payload(std::mem::take(&mut places), std::mem::take(&mut texts)));
                bytes = 0;
            }
        }
    }
    statements.push(payload(places, texts));
    Ok(statements)
}

fn payload(places: Vec<(i64, i32)>, texts: Vec<Text<'_>>) -> Rows<'_> {
    let plain = "INSERT INTO payloads (message, piece, salt, bytes)
                 SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bytea[], $4::bytea[])";
    let sealed = "INSERT INTO payloads (message, piece, salt, bytes, key_id, wrapped_key)
                  SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bytea[], $4::bytea[],
                                       $5::text[], $6::bytea[])";
    let sql = if keys().first().is_some() { sealed } else { plain };
    let count = places.len();
    let (messages, numbers): (Vec<i64>, Vec<i32>) = places.into_iter().unzip();
    with_texts(Rows::new(sql, count).with(messages).with(numbers), texts)
}

/// The personal texts of entries.
pub(super) fn personal(all: &[NewEntry]) -> Result<Rows<'_>, StoreError> {
    let (mut positions, mut texts) = (Vec::new(), Vec::new());
    for entry in all {
        let Some(one) = &entry.personal else { continue };
        let place = Place::Personal(entry.position);
        let mut text = Text::of(place, Some(one.salt.as_bytes()), one.text.as_bytes())?;
        // The column takes no NULL.
        text.salt.get_or_insert(Cow::Borrowed(&[]));
        positions.push(signed(entry.position));
        texts.push(text);
    }
    let plain = "INSERT INTO personal (position, salt, text)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])";
    let sealed = "INSERT INTO personal (position, salt, text, key_id, wrapped_key)
                  SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[],
                                       $5::bytea[])";
    let sql = if keys().first().is_some() { sealed } else { plain };
    let rows = Rows::new(sql, positions.len()).with(positions);
    Ok(with_texts(rows, texts))
}
