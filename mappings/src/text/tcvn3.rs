//! TCVN3, also called ABC: the VN3 set of TCVN 5712:1993, as the `.VnTime` fonts use it.
//!
//! The set has a byte for every lower-case letter and for Ă Â Ê Ô Ơ Ư Đ, but none for a toned
//! capital: those were typed in a capital font, or as the plain capital followed by the toned
//! lower-case letter.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::charset::{Capitals, DecodeError, EncodeError};
use super::table::ByteTable;

static LETTERS: LazyLock<ByteTable> =
    LazyLock::new(|| ByteTable::parse(include_str!("../../tables/tcvn3.tsv")));
static MARKS: LazyLock<ByteTable> =
    LazyLock::new(|| ByteTable::parse(include_str!("../../tables/tcvn3_combining.tsv")));

/// TCVN 5712 has the no-break space where Latin-1 has it.
const NBSP: u8 = 0xA0;

/// The capital of a letter, if that is one character.
fn upper(letter: char) -> Option<char> {
    let mut letters = letter.to_uppercase();
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

/// The lower case of a letter, if that is one character.
fn lower(letter: char) -> Option<char> {
    let mut letters = letter.to_lowercase();
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

/// `A` and `á` make `Á`, but only when `á` is that very letter with a tone and nothing else:
/// `A` and `ấ`, or `O` and `à`, stay two letters.
fn rival_capital(capital: char, toned: char) -> Option<char> {
    if !matches!(capital, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y') {
        return None;
    }
    let mut parts = std::iter::once(toned).nfd();
    let base = parts.next()?;
    let tone = parts.next()?;
    let only_tone = parts.next().is_none()
        && matches!(tone, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}');
    (only_tone && base == capital.to_ascii_lowercase()).then(|| upper(toned)).flatten()
}

/// The letter before a combining mark, with the mark; only Vietnamese letters take one.
fn marked(letter: char, mark: char) -> Option<char> {
    // Not pair by pair: Ê and the dot below are Ẹ and the circumflex to Unicode.
    let mut parts = [letter, mark].into_iter().nfc();
    let whole = parts.next().filter(|_| parts.next().is_none())?;
    LETTERS.byte(lower(whole)?).map(|_| whole)
}

pub(super) fn decode(bytes: &[u8], capitals: Capitals) -> Result<String, DecodeError> {
    let mut text = String::with_capacity(bytes.len() * 2);
    // The letter just written, while a following byte may still change it.
    let mut last = None;
    for (offset, &byte) in bytes.iter().enumerate() {
        let bad = DecodeError { offset, byte };
        let joined = if let Some(mark) = MARKS.char(byte) {
            Some(last.and_then(|letter| marked(letter, mark)).ok_or(bad)?)
        } else if capitals == Capitals::AsWritten {
            last.zip(LETTERS.char(byte)).and_then(|(letter, toned)| rival_capital(letter, toned))
        } else {
            // In a capital font the plain capital is a letter of its own.
            None
        };
        let letter = match joined {
            Some(letter) => {
                text.pop();
                letter
            }
            None if byte.is_ascii() || byte == NBSP => char::from(byte),
            None => LETTERS.char(byte).ok_or(bad)?,
        };
        text.push(letter);
        last = Some(letter);
    }
    Ok(match capitals {
        Capitals::AsWritten => text,
        Capitals::Upper => text.to_uppercase(),
    })
}

/// Refuses what would come back otherwise: a toned capital in an ordinary font, a lower-case
/// letter in a capital font, and a pair like `Aá` that reads as `Á`.
pub(super) fn encode(
    text: impl Iterator<Item = char>,
    capitals: Capitals,
) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let mut last = None;
    for letter in text {
        let bad = EncodeError { char: letter };
        let reads_joined = last.and_then(|before| rival_capital(before, letter)).is_some();
        let lost = match capitals {
            Capitals::AsWritten => reads_joined,
            Capitals::Upper => letter.is_lowercase(),
        };
        if lost {
            return Err(bad);
        }
        bytes.push(match capitals {
            _ if letter.is_ascii() || letter == char::from(NBSP) => {
                u8::try_from(letter).map_err(|_| bad)?
            }
            Capitals::AsWritten => LETTERS.byte(letter).ok_or(bad)?,
            Capitals::Upper => {
                LETTERS.byte(letter).or_else(|| LETTERS.byte(lower(letter)?)).ok_or(bad)?
            }
        });
        last = Some(letter);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!((LETTERS.len(), MARKS.len()), (74, 5));
    }

    #[test]
    fn a_plain_capital_takes_only_its_own_toned_letter() {
        assert_eq!(rival_capital('A', 'á'), Some('Á'));
        assert_eq!(rival_capital('Y', 'ỵ'), Some('Ỵ'));
        for (capital, toned) in [('A', 'ấ'), ('A', 'ă'), ('O', 'à'), ('a', 'á'), ('N', 'á')] {
            assert_eq!(rival_capital(capital, toned), None, "{capital}{toned}");
        }
    }

    #[test]
    fn combining_marks_join_their_letter_or_are_refused() {
        assert_eq!(decode(b"a\xB3 \xA3\xB4", Capitals::AsWritten), Ok("á Ệ".to_owned()));
        let bad = DecodeError { offset: 1, byte: 0xB3 };
        assert_eq!(decode(b"n\xB3", Capitals::AsWritten), Err(bad));
    }
}
