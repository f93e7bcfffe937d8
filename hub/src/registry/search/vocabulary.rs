//! Words as they are written, each once, with a number.

use std::collections::HashMap;

use super::words::Word;

/// The words of all subjects.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    numbers: HashMap<Box<str>, u32>,
    words: Vec<Word>,
}

impl Vocabulary {
    /// The number of a word, which has one from now on.
    pub(super) fn number_of(&mut self, word: &Word) -> u32 {
        if let Some(number) = self.number(&word.toned) {
            return number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.numbers.insert(word.toned.as_str().into(), number);
        self.words.push(word.clone());
        number
    }

    /// The number of a word as it is written.
    pub(super) fn number(&self, toned: &str) -> Option<u32> {
        self.numbers.get(toned).copied()
    }

    /// How a word is written, where this is its plain form.
    pub(super) fn written(&self, number: u32, plain: &str) -> Option<&str> {
        let word = self.words.get(number as usize)?;
        (word.plain == plain).then_some(word.toned.as_str())
    }
}
