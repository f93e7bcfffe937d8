//! UTF-8, UTF-16 and UTF-8 encoded twice.

use super::charset::DecodeError;
use super::windows;

const BOM: char = '\u{FEFF}';

fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    // Its other form is faster, but says nothing of the place of a fault.
    simdutf8::compat::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        DecodeError { offset, byte: bytes.get(offset).copied().unwrap_or_default() }
    })
}

pub(super) fn decode_utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    utf8(bytes).map(without_bom)
}

pub(super) fn decode_utf16(bytes: &[u8]) -> Result<String, DecodeError> {
    let (start, read): (usize, fn([u8; 2]) -> u16) = match bytes {
        [0xFF, 0xFE, ..] => (2, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => (2, u16::from_be_bytes),
        _ => (0, u16::from_le_bytes),
    };
    let (pairs, rest) = bytes[start..].as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    let mut offset = start;
    let bad = |offset: usize| DecodeError { offset, byte: bytes[offset] };
    for unit in char::decode_utf16(pairs.iter().map(|pair| read(*pair))) {
        let letter = unit.map_err(|_| bad(offset))?;
        offset += 2 * letter.len_utf16();
        text.push(letter);
    }
    if rest.is_empty() { Ok(text) } else { Err(bad(offset)) }
}

/// With a byte order mark, so that a text starting with U+FEFF or U+FFFE is read back too.
pub(super) fn encode_utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Undoes "read as Windows-1252, written as UTF-8"; both steps are checked.
pub(super) fn decode_double(bytes: &[u8]) -> Result<String, DecodeError> {
    let outer = utf8(bytes)?;
    let skipped = outer.len() - without_bom(outer).len();
    let at =
        |offset: usize| DecodeError { offset: offset + skipped, byte: bytes[offset + skipped] };
    let (inner, starts) =
        windows::to_1252_bytes(without_bom(outer)).map_err(|error| at(error.offset))?;
    // An inner sequence cut short at the end fails at its first byte, so the start exists.
    let text =
        utf8(&inner).map_err(|error| at(starts.get(error.offset).copied().unwrap_or_default()))?;
    Ok(without_bom(text).to_owned())
}

pub(super) fn encode_double(text: &str) -> Vec<u8> {
    text.bytes().map(windows::char_1252).collect::<String>().into_bytes()
}
