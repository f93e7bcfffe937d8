//! An index over names and codes, made once when a catalogue comes into force.
//!
//! All words of a question must be found, in any order, the last one as far as it goes. Answers
//! come in one order: codes, whole names, then how much of the name the words make out.

use std::{cmp::Reverse, collections::HashMap, ops::Range, sync::Arc};

use contracts::code::{ProcedureCode, same_agency_spelling};
use jiff::civil::Date;
use mappings::text::normalise::clean_code;
use serde::Serialize;

use super::{
    bits::Bits,
    collation::sort_key,
    rank::{Asked, Rank},
    vocabulary::{Gathering, Plain, Vocabulary},
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SearchMatch)]
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
    pub(super) short: Vec<Word>,
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

/// A whole name: where its words stand, and whether it is more than the end of the one before.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) words: Range<u32>,
    pub(super) first: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Whole names; the first as it stands, shortened.
    pub(super) names: Range<u32>,
    /// Its words as they are written, each once, by their numbers.
    pub(super) toned: Range<u32>,
    /// How many words the first name has.
    pub(super) length: u32,
    /// Its place in the order of names.
    pub(super) order: u32,
}

/// The index. What all subjects have many of stands in one list, so that it is read in one go.
#[derive(Debug, Default)]
pub struct Index {
    pub(super) entries: Vec<Entry>,
    names: Vec<Name>,
    /// Words of all names, by their numbers.
    words: Vec<u32>,
    /// Words of all subjects, by their numbers, those of one sorted.
    toned: Vec<u32>,
    pub(super) vocabulary: Vocabulary,
    codes: HashMap<String, Vec<u32>>,
    /// Subjects in the order of their names.
    sorted: Vec<usize>,
}

/// A place as it is stored.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A stretch of a list.
fn stretch<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    all.get(range.start as usize..range.end as usize).unwrap_or_default()
}

impl Index {
    /// Makes the index. Subjects are numbered as they come.
    pub fn new(subjects: impl Iterator<Item = Subject>) -> Self {
        let (mut index, mut gathering) = (Self::default(), Gathering::default());
        let (mut folding, mut keys) = (Folding::default(), Vec::new());
        for (at, subject) in subjects.enumerate() {
            let named: Vec<_> = subject.names.iter().map(|text| folding.words(text)).collect();
            let first = named.first().map_or(&[][..], Vec::as_slice);
            let toned = first.iter().map(|word| &*word.toned).collect::<Vec<_>>().join(" ");
            keys.push((sort_key(&toned), subject.until.is_some(), Reverse(subject.until)));
            for code in &subject.codes {
                index.codes.entry(code_key(code)).or_default().push(place(at));
            }
            let also = subject.also.iter().chain(&subject.codes);
            let also = also.map(|text| folding.words(text)).collect();
            index.enter(place(at), named, also, &mut gathering);
        }
        index.vocabulary = gathering.close();
        index.sorted = (0..index.entries.len()).collect();
        index.sorted.sort_by(|one, other| keys.get(*one).cmp(&keys.get(*other)));
        for (order, at) in index.sorted.iter().enumerate() {
            if let Some(entry) = index.entries.get_mut(*at) {
                entry.order = place(order);
            }
        }
        for list in [&mut index.words, &mut index.toned] {
            list.shrink_to_fit();
        }
        index
    }

    /// Adds a subject with the words of its names, and others that it is found by.
    fn enter(
        &mut self,
        number: u32,
        named: Vec<Vec<Word>>,
        also: Vec<Vec<Word>>,
        gathering: &mut Gathering,
    ) {
        let (first_name, first_toned) = (self.names.len(), self.toned.len());
        let (mut toned, mut length) = (Vec::new(), 0);
        let count = named.len();
        for (which, words) in named.into_iter().chain(also).enumerate() {
            let short = shortened(&words);
            for word in words.iter().chain(&short) {
                toned.push(gathering.borne(word, number));
                long_form(&word.plain).iter().for_each(|long| {
                    gathering.bear(&Arc::from(*long), number);
                });
            }
            if which >= count {
                continue;
            }
            length = if which == 0 { short.len() } else { length };
            self.words.extend(short.iter().map(|word| gathering.borne(word, number)));
            // Every name is the end of the whole one.
            let end = self.words.len();
            let of = |(at, name): (usize, &[Word])| Name {
                words: place(end - name.len())..place(end),
                first: at == 0,
            };
            self.names.extend(names(&short).into_iter().enumerate().map(of));
        }
        toned.sort_unstable();
        toned.dedup();
        self.toned.extend(toned);
        self.entries.push(Entry {
            names: place(first_name)..place(self.names.len()),
            toned: place(first_toned)..place(self.toned.len()),
            length: place(length),
            order: 0,
        });
    }

    /// The whole names of an entry, each with its words.
    pub(super) fn names(&self, entry: &Entry) -> impl Iterator<Item = (&[u32], bool)> {
        let names = stretch(&self.names, &entry.names).iter();
        names.map(|name| (stretch(&self.words, &name.words), name.first))
    }

    /// The words of an entry as they are written.
    pub(super) fn toned(&self, entry: &Entry) -> &[u32] {
        stretch(&self.toned, &entry.toned)
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
        let found = query.codes.iter().filter_map(|code| self.codes.get(code));
        found.flatten().map(|at| *at as usize)
    }

    /// The subjects that bear all words, of the last one at least the beginning.
    pub(super) fn bearing(&self, words: &[Word]) -> Bits {
        let mut found = Bits::full(self.entries.len());
        for (at, word) in words.iter().enumerate() {
            let last = at + 1 == words.len();
            let reach = match last {
                true => self.vocabulary.dictionary().get(self.vocabulary.beginning(&word.plain)),
                false => self.exactly(&word.plain),
            };
            found.keep(&self.bearers(reach.unwrap_or_default()));
        }
        found
    }

    fn bearers(&self, reach: &[Plain]) -> Bits {
        let mut bearing = Bits::empty(self.entries.len());
        reach.iter().flat_map(|held| &held.bearers).for_each(|at| bearing.insert(*at as usize));
        bearing
    }

    /// The one place of a word in the dictionary.
    pub(super) fn exactly(&self, plain: &str) -> Option<&[Plain]> {
        self.vocabulary.place(plain).and_then(|at| self.vocabulary.dictionary().get(at..=at))
    }

    /// Puts what a question found in its order, as far as the first `wanted` of it.
    pub fn ranked(&self, query: &Query, found: &Bits, wanted: usize) -> Vec<Hit> {
        if query.words.is_empty() {
            return self.listed(query, found, wanted);
        }
        let last = query.words.last().and_then(|word| self.exactly(&word.plain));
        let last = self.bearers(last.unwrap_or_default());
        let asked = Asked::new(query, self.by_code(query).collect(), last, &self.vocabulary);
        let mut ranked: Vec<(Rank, usize)> = found
            .iter()
            .filter_map(|at| Some((self.rank(self.entries.get(at)?, &asked, at), at)))
            .collect();
        if wanted < ranked.len() {
            ranked.select_nth_unstable(wanted);
            ranked.truncate(wanted);
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(rank, at)| Hit { at, matched: rank.matched }).collect()
    }

    /// What was found without words: by its code first, then in the order of names.
    fn listed(&self, query: &Query, found: &Bits, wanted: usize) -> Vec<Hit> {
        let codes: Vec<usize> = self.by_code(query).collect();
        let coded = |at: &usize| codes.contains(at);
        let in_order = || self.sorted.iter().copied().filter(|at| found.has(*at));
        let by_code = in_order().filter(coded).map(|at| Hit { at, matched: Match::Code });
        let others = in_order().filter(|at| !coded(at));
        by_code.chain(others.map(|at| Hit { at, matched: Match::All })).take(wanted).collect()
    }

    /// A word as a subject writes it.
    pub(super) fn written(&self, at: usize, plain: &str) -> Option<&str> {
        let mut toned = self.toned(self.entries.get(at)?).iter();
        toned.find_map(|number| self.vocabulary.written(*number, plain))
    }
}
