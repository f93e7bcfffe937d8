//! What may have been meant, when nothing was found.

use mappings::text::charset::{Capitals, Charset};
use serde::Serialize;

use super::{
    bits::Bits,
    index::{Hit, Index, Query},
    words::{Word, words},
};

/// Questions proposed, at most.
const SUGGESTIONS_MAX: usize = 3;
/// Words of a question that are looked at; of one with more, the first.
const WORDS_MAX: usize = 8;
/// Words of the dictionary taken for one that is not in it.
const NEAREST_MAX: usize = 4;
/// Combinations tried.
const TRIES_MAX: usize = 64;
/// Letters of a word that is compared; no word of the language is longer.
const LETTERS_MAX: usize = 24;

/// Charsets in which text is still copied out of old systems.
const MISREAD: [Charset; 4] = [
    Charset::Tcvn3 { capitals: Capitals::AsWritten },
    Charset::Vni,
    Charset::Viqr,
    Charset::DoubleUtf8,
];

/// A question that finds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Suggestion {
    /// What to ask.
    pub q: String,
    /// How much it finds.
    pub total: usize,
}

/// Words in place of those typed, and how far they are from them.
#[derive(Debug, Clone, Default)]
struct Guess {
    words: Vec<String>,
    distance: usize,
}

impl Index {
    /// Questions near one that finds nothing: words nearest in letters, words that were typed as
    /// one, a text whose bytes were read in another charset; and, where that is not enough, fewer
    /// words. `allowed` is what may be found at all.
    pub fn suggestions(&self, query: &Query, allowed: &Bits) -> Vec<Suggestion> {
        let read = self.read_anew(&query.text, allowed);
        if !read.is_empty() {
            return read;
        }
        let typed = query.words.get(..query.words.len().min(WORDS_MAX)).unwrap_or_default();
        let choices: Vec<Vec<Guess>> = typed.iter().map(|word| self.nearest(word)).collect();
        let mut found = self.tried(combined(&choices), allowed);
        let count = choices.len();
        // One word less, the last ones first; then the longest beginning, and the longest end.
        let without = (0..count).rev().map(|out| [&choices[..out], &choices[out + 1..]].concat());
        let begun = (1..count).rev().map(|end| choices[..end].to_vec());
        let ended = (1..count).map(|start| choices[start..].to_vec());
        for fewer in without.chain(begun).chain(ended).filter(|fewer| !fewer.is_empty()) {
            if !found.is_empty() {
                break;
            }
            found = self.tried(combined(&fewer), allowed);
        }
        found
    }

    /// The question as a system meant it that speaks another charset: `BI£N HßA` from TCVN3.
    fn read_anew(&self, text: &str, allowed: &Bits) -> Vec<Suggestion> {
        let read = MISREAD.iter().filter_map(|charset| charset.decode_latin1_text(text).ok());
        let mut found: Vec<Suggestion> = Vec::new();
        for q in read.filter(|read| read != text) {
            let mut bearing = self.matching(&Query::new(&q));
            bearing.keep(allowed);
            if !bearing.is_empty() && !found.iter().any(|held| held.q == q) {
                found.push(Suggestion { q, total: bearing.count() });
            }
        }
        found
    }

    fn tried(&self, guesses: Vec<Guess>, allowed: &Bits) -> Vec<Suggestion> {
        let mut finding: Vec<(Guess, Bits, usize)> = Vec::new();
        for guess in guesses.into_iter().filter(|guess| !guess.words.is_empty()) {
            let mut bearing = self.bearing(&words(&guess.words.join(" ")));
            bearing.keep(allowed);
            let total = bearing.count();
            if total > 0 {
                finding.push((guess, bearing, total));
            }
        }
        finding.sort_by_key(|(guess, _, total)| (guess.distance, usize::MAX - total));
        let mut found: Vec<Suggestion> = Vec::new();
        for (guess, bearing, total) in finding {
            if found.len() == SUGGESTIONS_MAX {
                break;
            }
            // Written as the best that bears them has them, tones and all.
            let best = self.ranked(&Query::new(&guess.words.join(" ")), &bearing, 1);
            let written = |word: &String| {
                let of = |hit: &Hit| self.written(hit.at, word);
                best.first().and_then(of).unwrap_or(word).to_owned()
            };
            let q = guess.words.iter().map(written).collect::<Vec<_>>().join(" ");
            if !found.iter().any(|held| held.q == q) {
                found.push(Suggestion { q, total });
            }
        }
        found
    }

    /// The word itself where it is known; else words near it, and two words that it may be.
    fn nearest(&self, word: &Word) -> Vec<Guess> {
        let typed: Vec<char> = word.plain.chars().take(LETTERS_MAX + 1).collect();
        let known = |plain: &str| self.vocabulary.place(plain).is_some();
        if known(&word.plain) || typed.len() > LETTERS_MAX {
            return vec![Guess { words: vec![word.plain.to_string()], distance: 0 }];
        }
        let bound = if typed.len() < 5 { 1 } else { 2 };
        let mut near: Vec<(usize, usize, Guess)> = Vec::new();
        // Numbers are not misspelt, they are others.
        let spelt = |held: &str| !held.bytes().any(|byte| byte.is_ascii_digit());
        for held in self.vocabulary.dictionary().iter().filter(|held| spelt(&held.text)) {
            let Some(distance) = distance(&typed, &held.text, bound) else { continue };
            let guess = Guess { words: vec![held.text.to_string()], distance };
            near.push((distance, usize::MAX - held.bearers.len(), guess));
        }
        for (at, _) in word.plain.char_indices().skip(1) {
            let (one, other) = word.plain.split_at(at);
            if known(one) && known(other) {
                let words = vec![one.to_owned(), other.to_owned()];
                near.push((1, 0, Guess { words, distance: 1 }));
            }
        }
        near.sort_by_key(|(distance, rarity, _)| (*distance, *rarity));
        near.into_iter().take(NEAREST_MAX).map(|(_, _, guess)| guess).collect()
    }
}

/// All ways to choose one for each word, at most [`TRIES_MAX`].
fn combined(choices: &[Vec<Guess>]) -> Vec<Guess> {
    let mut all = vec![Guess::default()];
    for choice in choices {
        let longer = all.iter().flat_map(|before| {
            choice.iter().map(|next| Guess {
                words: before.words.iter().chain(&next.words).cloned().collect(),
                distance: before.distance + next.distance,
            })
        });
        all = longer.take(TRIES_MAX).collect();
    }
    all
}

/// Letters to change, add, leave out or swap with their neighbour, where there are no more than
/// `bound`.
fn distance(typed: &[char], held: &str, bound: usize) -> Option<usize> {
    let held: Vec<char> = held.chars().take(LETTERS_MAX + 1).collect();
    if typed.len().abs_diff(held.len()) > bound || held.len() > LETTERS_MAX {
        return None;
    }
    let mut above: [usize; LETTERS_MAX + 1] = std::array::from_fn(|at| at);
    let (mut before, mut row) = (above, above);
    for (i, letter) in typed.iter().enumerate() {
        row[0] = i + 1;
        let mut least = row[0];
        for (j, other) in held.iter().enumerate() {
            let changed = above[j] + usize::from(letter != other);
            row[j + 1] = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && typed[i - 1] == *other && *letter == held[j - 1] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
            least = least.min(row[j + 1]);
        }
        if least > bound {
            return None;
        }
        (before, above) = (above, row);
    }
    above.get(held.len()).copied().filter(|distance| *distance <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_changed_added_left_out_or_swapped_are_one_each() {
        let between = |one: &str, other: &str| distance(&one.chars().collect::<Vec<_>>(), other, 2);
        for (one, other, expected) in [
            ("giay", "giay", Some(0)),
            ("giai", "giay", Some(1)),
            ("giya", "giay", Some(1)),
            ("gay", "giay", Some(1)),
            ("giayy", "giay", Some(1)),
            ("phpe", "phep", Some(1)),
            ("", "ab", Some(2)),
            ("abc", "xyz", None),
            ("a", "abcd", None),
        ] {
            assert_eq!(between(one, other), expected, "{one} {other}");
        }
    }
}
