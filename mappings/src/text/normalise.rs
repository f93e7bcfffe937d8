//! Normal forms of Vietnamese text: for display, for matching names, and for codes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::table::rows;

/// NFC, the composed form (Unicode Standard Annex 15); borrowed when `text` is in it already.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Characters that show as nothing: zero-width spaces and joiners, the word joiner, the byte
/// order mark, the soft hyphen, and what turns the way of a line, which some dialogs copy along.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}'
        | '\u{61C}' | '\u{FEFF}' | '\u{AD}')
}

/// A letter, or a mark on one: what a word is made of.
fn is_word(letter: char) -> bool {
    letter.is_alphabetic() || is_combining_mark(letter)
}

/// Letters, digits and marks as they are; every run of anything else as one space, none at
/// the ends; nothing for the invisible characters.
fn spaced(letters: impl Iterator<Item = char>) -> String {
    let mut key = String::new();
    let mut gap = false;
    for letter in letters.filter(|&letter| !is_invisible(letter)) {
        if letter.is_alphanumeric() || is_combining_mark(letter) {
            if gap && !key.is_empty() {
                key.push(' ');
            }
            gap = false;
            key.push(letter);
        } else {
            gap = true;
        }
    }
    key
}

/// The key to find a name by, however it was typed: lower-case, without tones or shapes, `đ`
/// and the letters mistaken for it (U+00D0, U+0189 and their lower case) as `d`, one space
/// between words and no punctuation.
pub fn search_key(text: &str) -> String {
    let lower = nfc(text).to_lowercase();
    spaced(lower.nfd().filter(|&letter| !is_combining_mark(letter)).map(|letter| match letter {
        'đ' | 'ð' | 'ɖ' => 'd',
        other => other,
    }))
}

/// The key to compare names by where tones matter: as [`search_key`], but tones and shapes
/// stay, in the old placement of [`old_tone_placement`].
pub fn toned_key(text: &str) -> String {
    let lower = nfc(text).to_lowercase();
    let key = spaced(lower.nfc().map(|letter| match letter {
        'ð' | 'ɖ' => 'đ',
        other => other,
    }));
    old_tone_placement(&key)
}

type Cluster = [char; 2];

/// New-style clusters with their old-style form.
static OLD_STYLE: LazyLock<HashMap<Cluster, Cluster>> = LazyLock::new(|| {
    let cluster = |text: &str| -> Option<Cluster> {
        let mut letters = text.chars();
        Some([letters.next()?, letters.next()?])
    };
    rows(include_str!("../../tables/tone_placement.tsv"))
        .filter_map(|row| Some((cluster(row.get(1)?)?, cluster(row.first()?)?)))
        .collect()
});

/// The old placement of tones ("hòa", "khỏe", "thủy") where the new one ("hoà", "khoẻ",
/// "thuỷ") was typed; in NFC. The two differ only in syllables that end in oa, oe or uy, and
/// after q the u is no vowel ("quý").
pub fn old_tone_placement(text: &str) -> String {
    let mut letters: Vec<char> = text.nfc().collect();
    for at in 1..letters.len() {
        let after_q = at >= 2 && matches!(letters[at - 2], 'q' | 'Q');
        let open = letters.get(at + 1).is_none_or(|&next| !is_word(next));
        let old = OLD_STYLE.get(&[letters[at - 1], letters[at]]);
        if let Some(old) = old.filter(|_| open && !after_q) {
            letters[at - 1..=at].copy_from_slice(old);
        }
    }
    letters.into_iter().collect()
}

/// A code as it was meant: without invisible characters and no-break spaces, trimmed, and with
/// every kind of dash as `-`. Inner spaces stay, for a code may have them.
pub fn clean_code(text: &str) -> Cow<'_, str> {
    // Nothing of ASCII is invisible, or another kind of dash.
    if text.is_ascii() {
        return text.trim().into();
    }
    let kept = text.chars().filter(|&letter| !is_invisible(letter) && letter != '\u{A0}');
    let code: String = kept
        .map(|letter| match letter {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => other,
        })
        .collect();
    code.trim().to_owned().into()
}

/// Text fit to show: NFC, without invisible characters, runs of spaces and no-break spaces as
/// one space, none at the ends or beside a line break. Line breaks stay. Borrowed when `text` is
/// so already, as most texts are.
pub fn tidy_text(text: &str) -> Cow<'_, str> {
    let tidy = is_plainly_tidy(text.as_bytes()) || is_tidy(text);
    if tidy { Cow::Borrowed(text) } else { Cow::Owned(tidied(text)) }
}

fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut gap = false;
    // Composed last: an invisible character may stand between a letter and its mark.
    let visible: String = text.chars().filter(|&letter| !is_invisible(letter)).collect();
    for letter in visible.nfc() {
        let line_break = matches!(letter, '\n' | '\r');
        if letter.is_whitespace() && !line_break {
            gap = true;
            continue;
        }
        if gap && !line_break && !tidy.is_empty() && !tidy.ends_with(['\n', '\r']) {
            tidy.push(' ');
        }
        gap = false;
        tidy.push(letter);
    }
    tidy.trim().to_owned()
}

/// Whether a text is surely tidy: ASCII and composed letters of Latin, no line breaks, and single
/// spaces. Folded without a way out, so that the compiler makes it vector loops.
fn is_plainly_tidy(bytes: &[u8]) -> bool {
    let Some((last, before)) = bytes.split_last() else { return true };
    let odd = bytes.iter().fold(false, |odd, byte| {
        odd | (*byte < b' ')
            | ((*byte > 0xBF) & (*byte < 0xC3))
            | ((*byte > 0xCB) & (*byte != 0xE1))
    });
    let pairs = before.iter().zip(bytes.iter().skip(1));
    let apart = pairs.fold(false, |odd, (one, next)| {
        let other_letter = (*one == 0xE1) & ((*next < 0xB8) | (*next > 0xBB));
        odd | ((*one == b' ') & (*next == b' ')) | other_letter
    });
    !odd && !apart && bytes.first() != Some(&b' ') && *last != b' '
}

/// Whether [`tidied`] would give the text back as it is: spaces by their bytes, and all else too
/// where it is ASCII or composed letters of Latin.
fn is_tidy(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = None;
    let mut plain = true;
    for (at, byte) in bytes.iter().copied().enumerate() {
        match byte {
            b' ' if matches!(before, None | Some(b' ' | b'\n' | b'\r')) => return false,
            b'\n' | b'\r' if matches!(before, None | Some(b' ')) => return false,
            b'\t' | 0x0B | 0x0C => return false,
            // Letters of U+00C0 to U+02FF and U+1E00 to U+1EFF begin so; every byte that goes on
            // with a letter is below the ones that begin one.
            0x00..=0xBF | 0xC3..=0xCB => {}
            0xE1 => plain &= matches!(bytes.get(at + 1), Some(0xB8..=0xBB)),
            _ => plain = false,
        }
        before = Some(byte);
    }
    let odd = |letter: char| {
        is_invisible(letter) || letter.is_whitespace() && !letter.is_ascii_whitespace()
    };
    !matches!(before, Some(b' ' | b'\n' | b'\r'))
        && (plain || !text.chars().any(odd) && is_nfc(text))
}

/// Applies `change` to every maximal run of letters and copies the rest.
fn map_words(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let word = &rest[start..];
        let end = word.find(|letter| !is_word(letter)).unwrap_or(word.len());
        result.push_str(&rest[..start]);
        result.push_str(&change(&word[..end]));
        rest = &word[end..];
    }
    result.push_str(rest);
    result
}

/// Capitals that TCVN3 has a code for (TCVN 5712:1993, VN3).
fn is_writable_capital(letter: char) -> bool {
    letter.is_ascii_uppercase() || matches!(letter, 'Đ' | 'Ă' | 'Â' | 'Ê' | 'Ô' | 'Ơ' | 'Ư')
}

fn is_writable_lower(letter: char) -> bool {
    letter.is_ascii_lowercase() || matches!(letter, 'đ' | 'ă' | 'â' | 'ê' | 'ô' | 'ơ' | 'ư')
}

/// Whether a word was typed in capitals, going by the letters that could show it. One capital
/// at the start before toned letters only ("Hồ", "Lý") may be an ordinary name.
fn was_in_capitals(word: &str) -> bool {
    let capitals = word.chars().filter(|&letter| is_writable_capital(letter)).count();
    let starts_so = word.chars().next().is_some_and(is_writable_capital);
    let ambiguous = capitals == 1 && starts_so;
    capitals > 0 && !ambiguous && !word.chars().any(is_writable_lower)
}

/// Gives back the capitals that TCVN3 has no code for: "ĐặNG QUốC VƯợNG" is "ĐẶNG QUỐC VƯỢNG".
/// A word changes only if all its letters that can be capitals are, and one of them is not at
/// its start; "Hồ", "ấp" and "Út" stay. The result is in NFC.
pub fn restore_capitals(text: &str) -> String {
    map_words(
        &nfc(text),
        |word| {
            if was_in_capitals(word) { word.to_uppercase() } else { word.to_owned() }
        },
    )
}

/// A name in capitals with only the first letter of each word one: "ĐẶNG QUỐC VƯỢNG" is "Đặng
/// Quốc Vượng". A text with a lower-case letter comes back as it is.
pub fn title_case_name(text: &str) -> String {
    if text.chars().any(char::is_lowercase) {
        return text.to_owned();
    }
    map_words(text, |word| {
        let mut letters = word.chars();
        let first = letters.next();
        first.into_iter().chain(letters.as_str().to_lowercase().chars()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nfc_borrows_what_is_composed() {
        assert!(matches!(nfc("Đồng Nai"), Cow::Borrowed("Đồng Nai")));
        assert_eq!(nfc("Đo\u{302}\u{300}ng"), "Đồng");
    }

    #[test]
    fn search_keys_forget_tones_and_punctuation() {
        assert_eq!(search_key("  Sở Nội-vụ,\u{A0}tỉnh ĐỒNG NAI. "), "so noi vu tinh dong nai");
        for mistaken in ["Đo", "đo", "Ðo", "ðo", "\u{189}o", "D\u{200B}o"] {
            assert_eq!(search_key(mistaken), "do", "{mistaken}");
        }
        assert_eq!(search_key("Nguye\u{302}\u{303}n Ư"), "nguyen u");
        assert_eq!(search_key(" – "), "");
    }

    #[test]
    fn every_tone_placement_has_one_key() {
        assert_eq!(OLD_STYLE.len(), 45);
        for (new, old) in OLD_STYLE.iter() {
            let (new, old): (String, String) = (new.iter().collect(), old.iter().collect());
            assert_eq!(old_tone_placement(&format!("h{new}.")), format!("h{old}."));
            assert_eq!(toned_key(&format!("kh{new}")), toned_key(&format!("kh{old}")));
            assert_eq!(old_tone_placement(&format!("h{new}n")), format!("h{new}n"));
            assert_eq!(old_tone_placement(&format!("q{new}")), format!("q{new}"));
        }
        assert_eq!(toned_key("Phường Biên Hoà"), "phường biên hòa");
        assert_eq!(toned_key("Thuỷ; quý, HOÀNG, huỳnh"), "thủy quý hoàng huỳnh");
        assert_eq!(toned_key("Ðồng Nai"), "đồng nai");
        assert_ne!(toned_key("Hòa"), toned_key("Hóa"));
    }

    #[test]
    fn codes_lose_what_nobody_sees() {
        assert_eq!(
            clean_code("\u{FEFF} H40.10\u{A0}–2501−\u{200B}0001\u{AD} "),
            "H40.10-2501-0001"
        );
        assert_eq!(clean_code("A\u{2014}B C"), "A-B C");
        assert_eq!(clean_code("\u{202A}H40.10\u{2069}-\u{61C}1\u{202C}\u{200E}"), "H40.10-1");
    }

    #[test]
    fn tidied_text_keeps_its_lines() {
        assert_eq!(tidy_text(" Sở \u{A0}\t Nội\u{200B} vụ \n  tỉnh  "), "Sở Nội vụ\ntỉnh");
        assert_eq!(tidy_text("a\u{200C}\u{301}"), "á");
        assert_eq!(tidy_text("\u{A0}\n"), "");
        assert_eq!(tidy_text("\u{202E}Sở\u{202C} \u{200F}Nội vụ"), "Sở Nội vụ");
    }

    #[test]
    fn letters_taken_for_composed_are_so() {
        for letter in ('\u{C0}'..='\u{2FF}').chain('\u{1E00}'..='\u{1EFF}') {
            let text: String = ['a', letter, letter].into_iter().collect();
            assert!(is_nfc(&text) && !is_invisible(letter) && !letter.is_whitespace(), "{letter}");
        }
        assert!(matches!(tidy_text("Sở – Nội vụ\nĐồng Nai."), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn a_tidy_text_is_borrowed_and_any_other_mended(
            text in "([a-zA-Z0-9]|[ \r\n\t]|[\u{80}-\u{BF}]|[ạđƯ–“]|\
                [\u{300}-\u{323}]|[ḀỿΏ\u{1F71}\u{3000}\u{200B}])*"
        ) {
            let tidy = tidied(&text);
            proptest::prop_assert_eq!(is_tidy(&text), tidy == text);
            proptest::prop_assert!(!is_plainly_tidy(text.as_bytes()) || tidy == text);
            proptest::prop_assert_eq!(tidy_text(&text), tidy);
        }
    }

    #[test]
    fn capitals_come_back_only_where_they_were() {
        assert_eq!(restore_capitals("ĐặNG QUốC VƯợNG"), "ĐẶNG QUỐC VƯỢNG");
        assert_eq!(restore_capitals("HÀ NộI, ấP 3"), "HÀ NỘI, ẤP 3");
        for kept in ["Hồ Lý Vũ", "ấp", "Út", "ở", "Đặng Quốc Vượng", "A ố", "UBND tỉnh"]
        {
            assert_eq!(restore_capitals(kept), kept);
        }
    }

    #[test]
    fn names_in_capitals_become_names() {
        assert_eq!(title_case_name("ĐẶNG QUỐC VƯỢNG"), "Đặng Quốc Vượng");
        assert_eq!(title_case_name("H'HEN NIÊ-ỨNG"), "H'Hen Niê-Ứng");
        for kept in ["Đặng QUỐC", "", "12"] {
            assert_eq!(title_case_name(kept), kept);
        }
    }
}
