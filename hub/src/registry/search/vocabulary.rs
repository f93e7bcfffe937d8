//! Words as they are written, each once, with a number; and their plain forms, each once, in order.

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::words::Word;

/// A word as it is written.
#[derive(Debug)]
struct Written {
    toned: Arc<str>,
    /// The place of its plain form in the dictionary.
    plain: u32,
}

/// A plain form, and the subjects that bear it, in their order.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) text: Arc<str>,
    pub(super) bearers: Vec<u32>,
}

/// The words of all subjects.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    numbers: HashMap<Arc<str>, u32>,
    written: Vec<Written>,
    dictionary: Vec<Plain>,
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl Vocabulary {
    /// The number of a word as it is written; none where nobody writes so.
    pub(super) fn number(&self, toned: &str) -> Option<u32> {
        self.numbers.get(toned).copied()
    }

    /// The place of the plain form of a word in the dictionary.
    pub(super) fn plain_of(&self, number: u32) -> u32 {
        self.written.get(number as usize).map_or(u32::MAX, |written| written.plain)
    }

    /// How a word is written, where this is its plain form.
    pub(super) fn written(&self, number: u32, plain: &str) -> Option<&str> {
        let written = self.written.get(number as usize)?;
        let form = self.dictionary.get(written.plain as usize)?;
        (*form.text == *plain).then_some(&*written.toned)
    }

    /// All plain forms, in order.
    pub(super) fn dictionary(&self) -> &[Plain] {
        &self.dictionary
    }

    /// The place of a plain form.
    pub(super) fn place(&self, plain: &str) -> Option<usize> {
        self.dictionary.binary_search_by(|held| (*held.text).cmp(plain)).ok()
    }

    /// The places of the plain forms that begin so.
    pub(super) fn beginning(&self, start: &str) -> Range<usize> {
        let from = self.dictionary.partition_point(|held| *held.text < *start);
        let rest = self.dictionary.get(from..).unwrap_or_default();
        from..from + rest.partition_point(|held| held.text.starts_with(start))
    }
}

/// A vocabulary being made: plain forms have the numbers in which they came.
#[derive(Default)]
pub(super) struct Gathering {
    vocabulary: Vocabulary,
    plain: HashMap<Arc<str>, u32>,
}

impl Gathering {
    /// The number of a word that a subject bears. Subjects come in their order.
    pub(super) fn borne(&mut self, word: &Word, subject: u32) -> u32 {
        let plain = self.bear(&word.plain, subject);
        let Vocabulary { numbers, written, .. } = &mut self.vocabulary;
        *numbers.entry(word.toned.clone()).or_insert_with(|| {
            written.push(Written { toned: word.toned.clone(), plain });
            number(written.len() - 1)
        })
    }

    /// Notes that a subject bears a plain form; gives its number.
    pub(super) fn bear(&mut self, plain: &Arc<str>, subject: u32) -> u32 {
        let dictionary = &mut self.vocabulary.dictionary;
        let known = *self.plain.entry(plain.clone()).or_insert_with(|| {
            dictionary.push(Plain { text: plain.clone(), bearers: Vec::new() });
            number(dictionary.len() - 1)
        });
        if let Some(held) = dictionary.get_mut(known as usize)
            && held.bearers.last() != Some(&subject)
        {
            held.bearers.push(subject);
        }
        known
    }

    /// The vocabulary, its dictionary in order.
    pub(super) fn close(self) -> Vocabulary {
        let mut vocabulary = self.vocabulary;
        let mut order: Vec<(u32, Plain)> = (0..).zip(vocabulary.dictionary).collect();
        order.sort_unstable_by(|(_, one), (_, other)| one.text.cmp(&other.text));
        let mut places = vec![0; order.len()];
        for (place, (came, plain)) in order.iter_mut().enumerate() {
            if let Some(held) = places.get_mut(*came as usize) {
                *held = number(place);
            }
            plain.bearers.shrink_to_fit();
        }
        vocabulary.dictionary = order.into_iter().map(|(_, plain)| plain).collect();
        for written in &mut vocabulary.written {
            written.plain = places.get(written.plain as usize).copied().unwrap_or(u32::MAX);
        }
        vocabulary
    }
}
