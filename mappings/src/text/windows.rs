//! Windows-1258, whose tone marks follow their letters, and Windows-1252, through which the
//! legacy texts are usually misread. The bytes are those of the WHATWG Encoding Standard.

use std::sync::LazyLock;

use encoding_rs::{Encoding, WINDOWS_1252, WINDOWS_1258};
use unicode_normalization::UnicodeNormalization;

use super::charset::{DecodeError, EncodeError};
use super::table::ByteTable;

fn table(encoding: &'static Encoding) -> ByteTable {
    ByteTable::new((0..=255).filter_map(|byte| {
        let bytes = [byte];
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes)?;
        Some((byte, text.chars().next()?))
    }))
}

static CP1252: LazyLock<ByteTable> = LazyLock::new(|| table(WINDOWS_1252));

/// The standard gives C1 controls for bytes that Microsoft's table leaves empty; no sender
/// means those, so they are left out and refused.
static CP1258: LazyLock<ByteTable> = LazyLock::new(|| {
    let whole = table(WINDOWS_1258);
    ByteTable::new((0..=255).filter_map(|byte| {
        let letter = whole.char(byte)?;
        (!('\u{80}'..='\u{9F}').contains(&letter)).then_some((byte, letter))
    }))
});

/// What a Windows-1252 reader shows for `byte`; the five empty places show as C1 controls.
pub(super) fn char_1252(byte: u8) -> char {
    CP1252.char(byte).unwrap_or(char::from(byte))
}

/// The bytes that a Latin-1 or Windows-1252 reader took for `text`, each with the offset in
/// `text` of its character.
pub(super) fn to_1252_bytes(text: &str) -> Result<(Vec<u8>, Vec<usize>), DecodeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut starts = Vec::with_capacity(text.len());
    for (offset, letter) in text.char_indices() {
        let byte = u8::try_from(letter).ok().or_else(|| CP1252.byte(letter));
        let first = text.as_bytes()[offset];
        bytes.push(byte.ok_or(DecodeError { offset, byte: first })?);
        starts.push(offset);
    }
    Ok((bytes, starts))
}

pub(super) fn decode_1258(bytes: &[u8]) -> Result<String, DecodeError> {
    let letters: Result<String, DecodeError> = bytes
        .iter()
        .enumerate()
        .map(|(offset, &byte)| CP1258.char(byte).ok_or(DecodeError { offset, byte }))
        .collect();
    Ok(letters?.nfc().collect())
}

fn is_tone(mark: char) -> bool {
    matches!(mark, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

/// A letter with its own byte is written so; another as the letter without its tone, then the
/// tone. The circumflex, breve and horn have no byte and stay with the letter.
pub(super) fn encode_1258(text: impl Iterator<Item = char>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    for letter in text {
        if let Some(byte) = CP1258.byte(letter) {
            bytes.push(byte);
            continue;
        }
        let parts = || std::iter::once(letter).nfd();
        let toneless = parts().filter(|&part| !is_tone(part)).nfc();
        let tones = parts().filter(|&part| is_tone(part));
        for part in toneless.chain(tones) {
            bytes.push(CP1258.byte(part).ok_or(EncodeError { char: letter })?);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vietnamese_part_of_windows_1258_is_as_listed() {
        let listed = ByteTable::parse(include_str!("../../tables/cp1258.tsv"));
        assert_eq!(listed.len(), 35);
        for (byte, letter) in listed.pairs() {
            assert_eq!(CP1258.char(byte), Some(letter), "{byte:02X}");
        }
    }

    #[test]
    fn windows_1252_has_every_byte() {
        assert_eq!(CP1252.len(), 256);
        assert_eq!(char_1252(0x8A), 'Š');
        assert_eq!(char_1252(0x81), '\u{81}');
    }
}
