//! Words as they are compared: folded, however they were typed.
//!
//! A word has two forms. The plain one has no tones, no shapes, `d` for `đ`, and `i` for a `y` that
//! is the same sound (Mỹ, Mĩ). The toned one is in one placement of tones. Both come from NFC.

use std::{collections::HashMap, sync::Arc};

use mappings::text::normalise::{search_key, toned_key};

/// One word in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Without tones and shapes.
    pub plain: Arc<str>,
    /// With them.
    pub toned: Arc<str>,
}

/// Consonants after which a final `y` is the same sound as `i`.
const BEFORE_Y: &str = "hklmst";

/// The words of a text. What has no letter or digit is none.
pub fn words(text: &str) -> Vec<Word> {
    Folding::default().words(text)
}

/// Folds many texts, and remembers the words: a language has few.
#[derive(Debug, Default)]
pub struct Folding {
    known: HashMap<Arc<str>, Word>,
}

impl Folding {
    /// The words of a text, as [`words`] gives them.
    pub fn words(&mut self, text: &str) -> Vec<Word> {
        let toned = toned_key(text);
        toned.split(' ').filter_map(|toned| self.word(toned)).collect()
    }

    fn word(&mut self, toned: &str) -> Option<Word> {
        if let Some(word) = self.known.get(toned) {
            return Some(word.clone());
        }
        let plain = one_i(search_key(toned));
        if plain.is_empty() {
            return None;
        }
        let word = Word { plain: plain.into(), toned: toned.into() };
        self.known.insert(word.toned.clone(), word.clone());
        Some(word)
    }
}

/// `ky`, `ly`, `my` as `ki`, `li`, `mi`.
fn one_i(mut plain: String) -> String {
    let mut letters = plain.chars();
    let open = letters.next().is_some_and(|first| BEFORE_Y.contains(first));
    if open && letters.next() == Some('y') && letters.next().is_none() {
        plain.pop();
        plain.push('i');
    }
    plain
}

/// Words that offices write short, in plain form.
const SHORT_FORMS: [(&[&str], &str); 7] = [
    (&["uy", "ban", "nhan", "dan"], "ubnd"),
    (&["thanh", "pho"], "tp"),
    (&["thi", "xa"], "tx"),
    (&["thi", "tran"], "tt"),
    (&["huyen"], "h"),
    (&["phuong"], "p"),
    (&["xa"], "x"),
];

/// The kinds of units in their short forms.
const KINDS: [&str; 6] = ["tp", "tx", "tt", "h", "p", "x"];

fn begins(words: &[Word], long: &[&str]) -> bool {
    words.len() >= long.len() && words.iter().zip(long).all(|(word, plain)| *word.plain == **plain)
}

/// The same with what has a short form in it: "Uỷ ban nhân dân thành phố" is "ubnd tp".
pub fn shortened(words: &[Word]) -> Vec<Word> {
    let mut short = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((first, others)) = rest.split_first() {
        match SHORT_FORMS.iter().find(|(long, _)| begins(rest, long)) {
            Some((long, form)) => {
                short.push(Word { plain: (*form).into(), toned: (*form).into() });
                rest = rest.get(long.len()..).unwrap_or_default();
            }
            None => {
                short.push(first.clone());
                rest = others;
            }
        }
    }
    short
}

/// What else a word is found by: the words that it is short for.
pub fn long_form(plain: &str) -> &'static [&'static str] {
    let of = SHORT_FORMS.iter().find(|(_, form)| *form == plain);
    of.map_or(&[], |(long, _)| *long)
}

/// Whole names under which shortened words are known: with and without "UBND", with and without
/// the kind of the unit, and without the "Thủ tục" that names of procedures may begin with.
pub fn names(short: &[Word]) -> Vec<&[Word]> {
    let mut names = vec![short];
    let after = |words: &'_ [Word], heads: &[&str]| {
        words.first().is_some_and(|word| heads.contains(&&*word.plain))
    };
    let bare = if after(short, &["ubnd"]) { short.get(1..).unwrap_or_default() } else { short };
    let named = if after(bare, &KINDS) { bare.get(1..).unwrap_or_default() } else { bare };
    let told =
        if begins(short, &["thu", "tuc"]) { short.get(2..).unwrap_or_default() } else { short };
    for name in [bare, named, told] {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let words = shortened(&words(text));
        words.iter().map(|word| &*word.plain).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for text in [
            "Ủy ban nhân dân thành phố Biên Hòa",
            "UBND Tp. Biên Hoà",
            "uy ban nhan dan TP.BIEN HOA",
            "Uỷ-ban nhân dân  thành\u{A0}phố Bie\u{302}n Ho\u{300}a",
        ] {
            assert_eq!(plain(text), "ubnd tp bien hoa", "{text}");
        }
        assert_eq!(plain("Mĩ, Lí; kĩ thuật, quý, Thủy"), plain("Mỹ, Lý; kỹ thuật, quy, Thuỷ"));
        assert_eq!(plain("Ðồng Nai"), plain("dong nai"));
    }

    #[test]
    fn names_are_known_without_their_office_and_kind() {
        let short = shortened(&words("UBND huyện Long Thành"));
        let names: Vec<String> = names(&short)
            .into_iter()
            .map(|name| name.iter().map(|word| &*word.toned).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(names, ["ubnd h long thành", "h long thành", "long thành"]);
    }

    #[test]
    fn lone_marks_are_no_words() {
        assert!(words("\u{301}\u{323} \u{200B} .*?").is_empty());
        assert_eq!(words("\u{301}a").len(), 1);
    }
}
