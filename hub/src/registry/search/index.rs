//! An index over names and codes, made once when a catalogue comes into force.
//!
//! All words of a question must be found, in any order, the last one as far as it goes. Answers
//! come in one order: codes, whole names, then how much of the name the words make out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use contracts::code::{ProcedureCode, same_agency_spelling};
use jiff::civil::Date;
use mappings::text::normalise::clean_code;
use memchr::memmem::Finder;
use serde::Serialize;

use super::{
    bits::Bits,
    collation::sort_key,
    vocabulary::Vocabulary,
    words::{Folding, Word, long_form, names, shortened, words},
};

/// What is to be found.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Its names; the first is the one it is sorted by.
    pub names: Vec<String>,
    /// Codes that name it whole.
    pub codes: Vec<String>,
    /// What else its words may be found in.
    pub also: Vec<String>,
    /// Last day in force: of equal names, the one that holds comes first, then the latest.
    pub until: Option<Date>,
}

/// How a question found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// By its code.
    Code,
    /// By its whole name, tones and all.
    Exact,
    /// By its whole name without tones.
    Name,
    /// By all words.
    Words,
    /// By all words, the last of them begun.
    Prefix,
    /// Not by words: nothing was typed.
    All,
}

/// Something found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The subject's number.
    pub at: usize,
    /// How.
    pub matched: Match,
}

/// A question, folded.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub(super) text: String,
    pub(super) words: Vec<Word>,
    short: Vec<Word>,
    /// The codes that it may be: as it stands; a national procedure's without the authority that
    /// published it; an agency's in the newer spelling.
    codes: Vec<String>,
}

impl Query {
    /// Folds what was typed.
    pub fn new(text: &str) -> Self {
        let words = words(text);
        let procedure = ProcedureCode::parse(&clean_code(text)).ok();
        let procedure = procedure.map(|code| code_key(code.short()));
        let agency = code_key(&same_agency_spelling(&clean_code(text).to_uppercase()));
        let mut codes: Vec<_> =
            [Some(code_key(text)), procedure, Some(agency)].into_iter().flatten().collect();
        codes.dedup();
        Self { text: text.to_owned(), short: shortened(&words), words, codes }
    }

    /// Whether nothing was typed. What has no letter and no digit was typed, and finds nothing.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// A code as it is compared.
fn code_key(text: &str) -> String {
    clean_code(text).to_lowercase()
}

/// A whole name in both forms.
#[derive(Debug)]
struct Name {
    plain: Box<str>,
    toned: Box<str>,
    /// Whether it is more than the end of the one before.
    first: bool,
}

impl Name {
    fn new(words: &[Word], first: bool) -> Self {
        Self { plain: joined(words, plain).into(), toned: joined(words, toned).into(), first }
    }
}

fn plain(word: &Word) -> &str {
    &word.plain
}

fn toned(word: &Word) -> &str {
    &word.toned
}

fn joined(words: &[Word], form: fn(&Word) -> &str) -> String {
    words.iter().map(form).collect::<Vec<_>>().join(" ")
}

#[derive(Debug)]
struct Entry {
    /// Whole names; the first as it stands, shortened.
    names: Vec<Name>,
    /// Its toned words by their numbers, sorted.
    toned: Vec<u32>,
    /// How many words the first name has.
    length: usize,
    /// Its place in the order of names.
    order: usize,
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// Words in their order, each with the subjects that bear it.
    pub(super) dictionary: Vec<(Box<str>, Vec<u32>)>,
    /// The words as they are written.
    pub(super) vocabulary: Vocabulary,
    codes: HashMap<String, Vec<usize>>,
    /// Subjects in the order of their names.
    sorted: Vec<usize>,
}

impl Index {
    /// Makes the index. Subjects are numbered as they come.
    pub fn new(subjects: impl Iterator<Item = Subject>) -> Self {
        let mut index = Self::default();
        let mut dictionary: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let (mut folding, mut keys) = (Folding::default(), Vec::new());
        for (at, subject) in subjects.enumerate() {
            let named: Vec<_> = subject.names.iter().map(|text| folding.words(text)).collect();
            let also = subject.also.iter().chain(&subject.codes);
            let also: Vec<_> = also.map(|text| folding.words(text)).collect();
            let key = sort_key(&joined(named.first().map_or(&[], Vec::as_slice), toned));
            keys.push((key, subject.until.is_some(), Reverse(subject.until)));
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let mut tell = |word: &str| match dictionary.get_mut(word) {
                Some(held) if held.last() == Some(&number) => {}
                Some(held) => held.push(number),
                None => drop(dictionary.insert(word.to_owned(), vec![number])),
            };
            let mut toned = Vec::new();
            for words in named.iter().chain(&also) {
                for word in words.iter().chain(&shortened(words)) {
                    tell(&word.plain);
                    long_form(&word.plain).iter().for_each(|long| tell(long));
                    toned.push(index.vocabulary.number_of(word));
                }
            }
            for code in &subject.codes {
                index.codes.entry(code_key(code)).or_default().push(at);
            }
            index.entries.push(Entry::new(&named, toned));
        }
        index.dictionary = dictionary.into_iter().map(|(word, at)| (word.into(), at)).collect();
        index.sorted = (0..index.entries.len()).collect();
        index.sorted.sort_by(|one, other| keys.get(*one).cmp(&keys.get(*other)));
        for (order, at) in index.sorted.iter().enumerate() {
            if let Some(entry) = index.entries.get_mut(*at) {
                entry.order = order;
            }
        }
        index
    }

    /// What a question finds, before it is put in order. An empty one finds everything.
    pub fn matching(&self, query: &Query) -> Bits {
        let mut found = match query.words.is_empty() && !query.is_empty() {
            true => Bits::empty(self.entries.len()),
            false => self.bearing(&query.words),
        };
        self.by_code(query).for_each(|at| found.insert(at));
        found
    }

    /// The subjects in the order of their names.
    pub fn in_order(&self) -> &[usize] {
        &self.sorted
    }

    fn by_code<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = usize> + 'a {
        query.codes.iter().filter_map(|code| self.codes.get(code)).flatten().copied()
    }

    /// The subjects that bear all words, of the last one at least the beginning.
    pub(super) fn bearing(&self, words: &[Word]) -> Bits {
        let mut found = Bits::full(self.entries.len());
        for (at, word) in words.iter().enumerate() {
            let mut bearing = Bits::empty(self.entries.len());
            let last = at + 1 == words.len();
            let reach = if last { self.beginning(&word.plain) } else { self.exactly(&word.plain) };
            for (_, bearers) in reach {
                bearers.iter().for_each(|at| bearing.insert(*at as usize));
            }
            found.keep(&bearing);
        }
        found
    }

    fn beginning(&self, start: &str) -> &[(Box<str>, Vec<u32>)] {
        let from = self.dictionary.partition_point(|(word, _)| **word < *start);
        let rest = self.dictionary.get(from..).unwrap_or_default();
        let count = rest.partition_point(|(word, _)| word.starts_with(start));
        rest.get(..count).unwrap_or_default()
    }

    /// The one place of a word in the dictionary.
    pub(super) fn exactly(&self, plain: &str) -> &[(Box<str>, Vec<u32>)] {
        let found = self.dictionary.binary_search_by(|(word, _)| (**word).cmp(plain));
        found.ok().and_then(|at| self.dictionary.get(at..=at)).unwrap_or_default()
    }

    /// Puts what a question found in its order, as far as the first `wanted` of it.
    pub fn ranked(&self, query: &Query, found: &Bits, wanted: usize) -> Vec<Hit> {
        let mut last = Bits::empty(self.entries.len());
        let reach = query.words.last().map_or(&[][..], |word| self.exactly(&word.plain));
        reach.iter().flat_map(|(_, bearers)| bearers).for_each(|at| last.insert(*at as usize));
        let asked = Asked::new(query, self.by_code(query).collect(), last, &self.vocabulary);
        let mut ranked: Vec<(Rank, usize)> = found
            .iter()
            .filter_map(|at| Some((self.entries.get(at)?.rank(&asked, at), at)))
            .collect();
        if wanted < ranked.len() {
            ranked.select_nth_unstable(wanted);
            ranked.truncate(wanted);
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(rank, at)| Hit { at, matched: rank.matched }).collect()
    }

    /// A word as a subject writes it.
    pub(super) fn written(&self, at: usize, plain: &str) -> Option<&str> {
        let mut toned = self.entries.get(at)?.toned.iter();
        toned.find_map(|number| self.vocabulary.written(*number, plain))
    }
}

/// What a whole question is compared by.
struct Asked<'a> {
    nothing: bool,
    /// Words that were typed with tones or shapes, by their numbers; none where nobody writes so.
    toned: Vec<Option<u32>>,
    /// Whole, and without "UBND".
    wholes: Vec<Name>,
    /// Finds it, as it was typed, within a name.
    within: Finder<'a>,
    codes: Vec<usize>,
    /// Subjects that bear its last word whole.
    last: Bits,
}

impl Asked<'_> {
    fn new(query: &Query, codes: Vec<usize>, last: Bits, vocabulary: &Vocabulary) -> Self {
        let office = query.short.first().is_some_and(|word| word.plain == "ubnd");
        let bare = query.short.get(1..).filter(|rest| office && !rest.is_empty());
        let wholes = [Some(query.short.as_slice()), bare];
        // A word typed without tones asks for none.
        let typed = query.words.iter().filter(|word| word.toned != word.plain);
        Self {
            nothing: query.words.is_empty(),
            toned: typed.map(|word| vocabulary.number(&word.toned)).collect(),
            wholes: wholes.into_iter().flatten().map(|words| Name::new(words, true)).collect(),
            within: Finder::new(joined(&query.short, plain).as_bytes()).into_owned(),
            codes,
            last,
        }
    }
}

/// The order of answers: smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    matched: Match,
    /// Which of its names; or whether the words stand at the beginning, together, or apart.
    nearness: u8,
    /// Words whose tones are others.
    other_tones: usize,
    /// The shorter name first.
    length: usize,
    order: usize,
}

impl Entry {
    fn new(named: &[Vec<Word>], mut toned: Vec<u32>) -> Self {
        toned.sort_unstable();
        toned.dedup();
        let short: Vec<Vec<Word>> = named.iter().map(|words| shortened(words)).collect();
        let of = |short: &Vec<Word>| {
            let all = names(short).into_iter().enumerate();
            all.map(|(at, words)| Name::new(words, at == 0)).collect::<Vec<_>>()
        };
        let names: Vec<Name> = short.iter().flat_map(of).collect();
        Self { names, toned, length: short.first().map_or(0, Vec::len), order: 0 }
    }

    fn rank(&self, asked: &Asked<'_>, at: usize) -> Rank {
        let (matched, nearness) = self.nearness(asked, at);
        let other_tones = match matched {
            Match::Words | Match::Prefix => {
                let has = |number: &u32| self.toned.binary_search(number).is_ok();
                asked.toned.iter().filter(|number| !number.as_ref().is_some_and(has)).count()
            }
            _ => 0,
        };
        let length = if matched == Match::All { 0 } else { self.length };
        Rank { matched, nearness, other_tones, length, order: self.order }
    }

    fn nearness(&self, asked: &Asked<'_>, at: usize) -> (Match, u8) {
        if asked.codes.contains(&at) {
            return (Match::Code, 0);
        }
        if asked.nothing {
            return (Match::All, 0);
        }
        let place = |same: &dyn Fn(&Name, &Name) -> bool| {
            let of = |whole| self.names.iter().position(|name| same(name, whole));
            asked.wholes.iter().find_map(of)
        };
        let number = |place: usize| u8::try_from(place).unwrap_or(u8::MAX);
        if let Some(place) = place(&|name, whole| name.toned == whole.toned) {
            return (Match::Exact, number(place));
        }
        if let Some(place) = place(&|name, whole| name.plain == whole.plain) {
            return (Match::Name, number(place));
        }
        let begins = |name: &Name| {
            let text = name.plain.as_bytes();
            let begun = |at: &usize| *at == 0 || text.get(at - 1) == Some(&b' ');
            asked.within.find_iter(text).find(begun).map(|at| u8::from(at > 0))
        };
        let nearest = self.names.iter().filter(|name| name.first).filter_map(begins).min();
        let matched = if asked.last.has(at) { Match::Words } else { Match::Prefix };
        (matched, nearest.unwrap_or(2))
    }
}
