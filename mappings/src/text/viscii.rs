//! VISCII 1.1 (RFC 1456): one byte for each letter; six capitals take the place of controls.

use std::sync::LazyLock;

use super::charset::{DecodeError, EncodeError};
use super::table::ByteTable;

static TABLE: LazyLock<ByteTable> =
    LazyLock::new(|| ByteTable::parse(include_str!("../../tables/viscii.tsv")));

pub(super) fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let letter = |(offset, &byte): (usize, &u8)| {
        let plain = byte.is_ascii().then_some(char::from(byte));
        TABLE.char(byte).or(plain).ok_or(DecodeError { offset, byte })
    };
    bytes.iter().enumerate().map(letter).collect()
}

pub(super) fn encode(text: impl Iterator<Item = char>) -> Result<Vec<u8>, EncodeError> {
    let byte = |letter: char| {
        // A control whose byte is a letter here cannot be written.
        let plain =
            u8::try_from(letter).ok().filter(|byte| byte.is_ascii() && TABLE.char(*byte).is_none());
        TABLE.byte(letter).or(plain).ok_or(EncodeError { char: letter })
    };
    text.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_its_capitals_displace_controls() {
        assert_eq!(TABLE.len(), 134);
        assert_eq!(decode(b"\x02\t"), Ok("Ẳ\t".to_owned()));
        assert_eq!(encode("\u{2}".chars()), Err(EncodeError { char: '\u{2}' }));
    }
}
