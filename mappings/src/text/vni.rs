//! VNI for Windows: a base letter, then a byte for its shape and tone. Read with the longest
//! match; no byte is both a letter and a mark, so a text reads in one way only.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::charset::{DecodeError, EncodeError};
use super::table::{code_point, hex_bytes, rows};

/// VNI fonts keep the no-break space of Windows-1252.
const NBSP: u8 = 0xA0;

struct Table {
    to_char: HashMap<Vec<u8>, char>,
    to_bytes: HashMap<char, Vec<u8>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let pairs: Vec<(Vec<u8>, char)> = rows(include_str!("../../tables/vni.tsv"))
        .filter_map(|row| Some((hex_bytes(row.first()?)?, code_point(row.get(1)?)?)))
        .collect();
    Table {
        to_bytes: pairs.iter().map(|(bytes, letter)| (*letter, bytes.clone())).collect(),
        to_char: pairs.into_iter().collect(),
    }
});

pub(super) fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let mut text = String::with_capacity(bytes.len() * 2);
    let mut offset = 0;
    while let Some(&byte) = bytes.get(offset) {
        let pair = bytes.get(offset..offset + 2).and_then(|pair| TABLE.to_char.get(pair));
        let single = TABLE.to_char.get(&bytes[offset..=offset]);
        let (letter, length) = match (pair, single) {
            (Some(&letter), _) => (letter, 2),
            (None, Some(&letter)) => (letter, 1),
            (None, None) if byte.is_ascii() || byte == NBSP => (char::from(byte), 1),
            (None, None) => return Err(DecodeError { offset, byte }),
        };
        text.push(letter);
        offset += length;
    }
    Ok(text)
}

pub(super) fn encode(text: impl Iterator<Item = char>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    for letter in text {
        match (TABLE.to_bytes.get(&letter), u8::try_from(letter)) {
            (Some(sequence), _) => bytes.extend_from_slice(sequence),
            (None, Ok(byte)) if byte.is_ascii() || byte == NBSP => bytes.push(byte),
            _ => return Err(EncodeError { char: letter }),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!((TABLE.to_char.len(), TABLE.to_bytes.len()), (134, 134));
    }
}
