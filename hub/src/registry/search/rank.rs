//! In which order what was found is told.

use std::ops::Range;

use super::{
    bits::Bits,
    index::{Entry, Index, Match, Query},
    vocabulary::Vocabulary,
    words::Word,
};

/// Words of a whole question, by their numbers; none where one of them is nobody's.
struct Whole {
    /// As they are written.
    toned: Option<Vec<u32>>,
    /// Their plain forms.
    plain: Option<Vec<u32>>,
}

impl Whole {
    fn new(words: &[Word], vocabulary: &Vocabulary) -> Self {
        Self {
            toned: words.iter().map(|word| vocabulary.number(&word.toned)).collect(),
            plain: plain(words, vocabulary),
        }
    }
}

fn plain(words: &[Word], vocabulary: &Vocabulary) -> Option<Vec<u32>> {
    let place = |word: &Word| u32::try_from(vocabulary.place(&word.plain)?).ok();
    words.iter().map(place).collect()
}

/// Plain words that follow one another, the last of them at least begun.
struct Together {
    before: Vec<u32>,
    last: Range<u32>,
}

impl Together {
    fn new(words: &[Word], vocabulary: &Vocabulary) -> Option<Self> {
        let (last, before) = words.split_last()?;
        let Range { start, end } = vocabulary.beginning(&last.plain);
        let last = u32::try_from(start).ok()?..u32::try_from(end).ok()?;
        Some(Self { before: plain(before, vocabulary)?, last })
    }

    /// Where in a name they stand first: at its beginning (0) or within (1).
    fn within(&self, name: &[u32], vocabulary: &Vocabulary) -> Option<u8> {
        let stand = |words: &[u32]| {
            let (last, before) = words.split_last()?;
            let same = |(word, wanted): (&u32, &u32)| vocabulary.plain_of(*word) == *wanted;
            let found = self.last.contains(&vocabulary.plain_of(*last))
                && before.iter().zip(&self.before).all(same);
            found.then_some(())
        };
        let at = name.windows(self.before.len() + 1).position(|words| stand(words).is_some())?;
        Some(u8::from(at > 0))
    }
}

/// What a whole question is compared by.
pub(super) struct Asked {
    /// Words that were typed with tones or shapes, by their numbers; none where nobody writes so.
    toned: Vec<Option<u32>>,
    /// Whole, and without "UBND".
    wholes: Vec<Whole>,
    /// As it was typed, within a name; none where a word of it is nobody's.
    together: Option<Together>,
    codes: Vec<usize>,
    /// Subjects that bear its last word whole.
    last: Bits,
}

impl Asked {
    pub(super) fn new(
        query: &Query,
        codes: Vec<usize>,
        last: Bits,
        vocabulary: &Vocabulary,
    ) -> Self {
        let office = query.short.first().is_some_and(|word| &*word.plain == "ubnd");
        let bare = query.short.get(1..).filter(|rest| office && !rest.is_empty());
        let wholes = [Some(query.short.as_slice()), bare].into_iter().flatten();
        // A word typed without tones asks for none.
        let typed = query.words.iter().filter(|word| word.toned != word.plain);
        Self {
            toned: typed.map(|word| vocabulary.number(&word.toned)).collect(),
            wholes: wholes.map(|words| Whole::new(words, vocabulary)).collect(),
            together: Together::new(&query.short, vocabulary),
            codes,
            last,
        }
    }
}

/// The order of answers: smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) matched: Match,
    /// Which of its names; or whether the words stand at the beginning, together, or apart.
    nearness: u8,
    /// Words whose tones are others.
    other_tones: u32,
    /// The shorter name first.
    length: u32,
    order: u32,
}

impl Index {
    pub(super) fn rank(&self, entry: &Entry, asked: &Asked, at: usize) -> Rank {
        let (matched, nearness) = self.nearness(entry, asked, at);
        let other_tones = match matched {
            Match::Words | Match::Prefix => {
                let own = self.toned(entry);
                let has = |number: &u32| own.binary_search(number).is_ok();
                asked.toned.iter().filter(|number| !number.as_ref().is_some_and(has)).count()
            }
            _ => 0,
        };
        let other_tones = u32::try_from(other_tones).unwrap_or(u32::MAX);
        Rank { matched, nearness, other_tones, length: entry.length, order: entry.order }
    }

    fn nearness(&self, entry: &Entry, asked: &Asked, at: usize) -> (Match, u8) {
        if asked.codes.contains(&at) {
            return (Match::Code, 0);
        }
        let place = |same: &dyn Fn(&[u32], &Whole) -> bool| {
            let of = |whole| self.names(entry).position(|(name, _)| same(name, whole));
            asked.wholes.iter().find_map(of)
        };
        let number = |place: usize| u8::try_from(place).unwrap_or(u8::MAX);
        let toned = |name: &[u32], whole: &Whole| whole.toned.as_deref() == Some(name);
        if let Some(place) = place(&toned) {
            return (Match::Exact, number(place));
        }
        let plain = |name: &[u32], whole: &Whole| {
            whole.plain.as_ref().is_some_and(|plain| {
                let same = |(word, plain): (&u32, &u32)| self.vocabulary.plain_of(*word) == *plain;
                name.len() == plain.len() && name.iter().zip(plain).all(same)
            })
        };
        if let Some(place) = place(&plain) {
            return (Match::Name, number(place));
        }
        let together = |together: &Together| {
            let first = self.names(entry).filter(|(_, first)| *first);
            first.filter_map(|(name, _)| together.within(name, &self.vocabulary)).min()
        };
        let nearest = asked.together.as_ref().and_then(together);
        let matched = if asked.last.has(at) { Match::Words } else { Match::Prefix };
        (matched, nearest.unwrap_or(2))
    }
}
