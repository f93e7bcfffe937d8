//! Reading the small tables of `mappings/tables`, and the byte-for-letter charset they describe.

use std::collections::HashMap;

/// The rows of a table: its lines without the comments, cut at the tabs.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

/// `U+1EB7` as a character.
pub(super) fn code_point(text: &str) -> Option<char> {
    char::from_u32(u32::from_str_radix(text.strip_prefix("U+")?, 16).ok()?)
}

/// `41 C0` as bytes; nothing at all if one of them is malformed.
pub(super) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    text.split(' ').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// Single bytes to characters and back.
pub(super) struct ByteTable {
    to_char: [Option<char>; 256],
    to_byte: HashMap<char, u8>,
}

impl ByteTable {
    /// The pairs alone; ASCII is not added.
    pub(super) fn new(pairs: impl IntoIterator<Item = (u8, char)>) -> Self {
        let mut to_char = [None; 256];
        let mut to_byte = HashMap::new();
        for (byte, letter) in pairs {
            to_char[usize::from(byte)] = Some(letter);
            to_byte.insert(letter, byte);
        }
        Self { to_char, to_byte }
    }

    /// A table file whose first column is one byte in hex and whose second is its code point, as in
    /// `U+1EA1`.
    pub(super) fn parse(text: &'static str) -> Self {
        Self::new(rows(text).filter_map(|row| {
            let byte = u8::from_str_radix(row.first()?, 16).ok()?;
            Some((byte, code_point(row.get(1)?)?))
        }))
    }

    pub(super) fn char(&self, byte: u8) -> Option<char> {
        self.to_char[usize::from(byte)]
    }

    pub(super) fn byte(&self, letter: char) -> Option<u8> {
        self.to_byte.get(&letter).copied()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.to_byte.len()
    }

    #[cfg(test)]
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u8, char)> + '_ {
        (0..=255).filter_map(|byte| Some((byte, self.char(byte)?)))
    }
}
