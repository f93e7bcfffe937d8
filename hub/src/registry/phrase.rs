//! Words that a text may hold, compared without tones and case, however they are typed.

use super::search::words;

/// The words of a text, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        Self(words::words(text).iter().map(|word| word.plain.to_string()).collect())
    }

    /// Whether all of another's stand in it, next to each other and in order; never of no words.
    pub fn hold(&self, phrase: &Self) -> bool {
        let Self(phrase) = phrase;
        !phrase.is_empty() && self.0.windows(phrase.len()).any(|part| part == phrase)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
