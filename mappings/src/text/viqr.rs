//! VIQR, the seven-bit mnemonics of RFC 1456: `Vie^.t Nam`. Read with the longest match; a
//! backslash makes the following mark, `d` or backslash stand for itself.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::charset::{DecodeError, EncodeError};
use super::table::{code_point, rows};

struct Table {
    to_char: HashMap<&'static [u8], char>,
    to_text: HashMap<char, &'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let pairs: Vec<(&'static str, char)> = rows(include_str!("../../tables/viqr.tsv"))
        .filter_map(|row| Some((*row.first()?, code_point(row.get(1)?)?)))
        .collect();
    let mut to_char: HashMap<_, _> =
        pairs.iter().map(|(text, letter)| (text.as_bytes(), *letter)).collect();
    // At the start of a sentence people typed `Dd`; it is read, never written.
    to_char.insert(b"Dd", 'Đ');
    Table { to_char, to_text: pairs.into_iter().map(|(text, letter)| (letter, text)).collect() }
});

const LONGEST: usize = 3;

fn is_mark(letter: char) -> bool {
    matches!(letter, '\'' | '`' | '?' | '~' | '.' | '(' | '^' | '+')
}

pub(super) fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let mut text = String::with_capacity(bytes.len());
    let mut offset = 0;
    while let Some(&byte) = bytes.get(offset) {
        if !byte.is_ascii() {
            return Err(DecodeError { offset, byte });
        }
        let escaped = bytes
            .get(offset + 1)
            .map(|&next| char::from(next))
            .filter(|&next| byte == b'\\' && (is_mark(next) || matches!(next, 'd' | 'D' | '\\')));
        let longest = (2..=LONGEST).rev().find_map(|length| {
            let sequence = bytes.get(offset..offset + length)?;
            TABLE.to_char.get(sequence).map(|&letter| (letter, length))
        });
        let (letter, length) = match (escaped, longest) {
            (Some(letter), _) => (letter, 2),
            (None, Some(found)) => found,
            (None, None) => (char::from(byte), 1),
        };
        text.push(letter);
        offset += length;
    }
    Ok(text)
}

/// Escapes whatever would otherwise join its neighbour.
pub(super) fn encode(text: impl Iterator<Item = char>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let mut takes_mark = false;
    let mut letters = text.peekable();
    while let Some(letter) = letters.next() {
        if let Some(sequence) = TABLE.to_text.get(&letter) {
            bytes.extend_from_slice(sequence.as_bytes());
            takes_mark = true;
            continue;
        }
        let byte =
            u8::try_from(letter).ok().filter(u8::is_ascii).ok_or(EncodeError { char: letter })?;
        let joins = match letter {
            '\\' => true,
            'd' | 'D' => matches!(letters.peek(), Some('d' | 'D' | 'đ' | 'Đ')),
            _ => takes_mark && is_mark(letter),
        };
        if joins {
            bytes.push(b'\\');
        }
        bytes.push(byte);
        takes_mark = matches!(letter.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!((TABLE.to_char.len(), TABLE.to_text.len()), (135, 134));
        assert!(TABLE.to_char.keys().all(|text| (2..=LONGEST).contains(&text.len())));
    }

    #[test]
    fn longest_match_escapes_and_every_d() {
        let read = |text: &str| decode(text.as_bytes());
        assert_eq!(read("Dda(.ng Quo^'c Vu+o+.ng"), Ok("Đặng Quốc Vượng".to_owned()));
        assert_eq!(read(r"ddo^`ng DDo^`ng Nai\."), Ok("đồng Đồng Nai.".to_owned()));
        assert_eq!(read(r"C:\tmp\\"), Ok(r"C:\tmp\".to_owned()));
        assert_eq!(read("ab\u{e9}"), Err(DecodeError { offset: 2, byte: 0xC3 }));
    }

    #[test]
    fn awkward_texts_come_back() {
        for text in ["dd", "dđ", "đd", "ddđD", "a.", "ă'", "ấ.", r"\.", r"a\'", "a(('", "Dd", "+a+"]
        {
            let bytes = encode(text.chars()).unwrap();
            assert_eq!(decode(&bytes).as_deref(), Ok(text));
        }
    }
}
