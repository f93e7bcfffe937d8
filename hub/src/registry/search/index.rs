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
use serde::Serialize;

use super::{
    bits::Bits,
    collation::sort_key,
    words::{Word, long_form, names, shortened, words},
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
}

impl Name {
    fn new(words: &[Word]) -> Self {
        Self { plain: joined(words, plain).into(), toned: joined(words, toned).into() }
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
    /// The words of the first name and of all else, toned, sorted.
    toned: Vec<Box<str>>,
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
    codes: HashMap<String, Vec<usize>>,
    /// Subjects in the order of their names.
    sorted: Vec<usize>,
}

impl Index {
    /// Makes the index. Subjects are numbered as they come.
    pub fn new(subjects: impl Iterator<Item = Subject>) -> Self {
        let mut index = Self::default();
        let mut dictionary: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut keys = Vec::new();
        for (at, subject) in subjects.enumerate() {
            let name = subject.names.first().map_or("", String::as_str);
            let key = sort_key(&joined(&words(name), toned));
            keys.push((key, subject.until.is_some(), Reverse(subject.until)));
            let entry = Entry::new(&subject, &mut |word| {
                let held = dictionary.entry(word.to_owned()).or_default();
                let number = u32::try_from(at).unwrap_or(u32::MAX);
                if held.last() != Some(&number) {
                    held.push(number);
                }
            });
            for code in &subject.codes {
                index.codes.entry(code_key(code)).or_default().push(at);
            }
            index.entries.push(entry);
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

    /// Puts what a question found in its order.
    pub fn ranked(&self, query: &Query, mut found: Vec<usize>) -> Vec<Hit> {
        let mut last = Bits::empty(self.entries.len());
        let reach = query.words.last().map_or(&[][..], |word| self.exactly(&word.plain));
        reach.iter().flat_map(|(_, bearers)| bearers).for_each(|at| last.insert(*at as usize));
        let ask = Asked::new(query, self.by_code(query).collect(), last);
        found.sort_unstable();
        let mut ranked: Vec<(Rank, usize)> = found
            .into_iter()
            .filter_map(|at| Some((self.entries.get(at)?.rank(&ask, at), at)))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(rank, at)| Hit { at, matched: rank.matched }).collect()
    }

    /// A word as a subject writes it.
    pub(super) fn written(&self, at: usize, plain: &str) -> Option<&str> {
        let toned = &self.entries.get(at)?.toned;
        let all: Vec<&str> = toned.iter().map(|word| &**word).collect();
        all.into_iter().find(|word| words(word).first().is_some_and(|one| one.plain == plain))
    }
}

/// What a whole question is compared by.
struct Asked<'a> {
    words: &'a [Word],
    /// Whole, and without "UBND".
    wholes: Vec<Name>,
    /// As it was typed, to be found within a name.
    plain: String,
    codes: Vec<usize>,
    /// Subjects that bear its last word whole.
    last: Bits,
}

impl<'a> Asked<'a> {
    fn new(query: &'a Query, codes: Vec<usize>, last: Bits) -> Self {
        let office = query.short.first().is_some_and(|word| word.plain == "ubnd");
        let bare = query.short.get(1..).filter(|rest| office && !rest.is_empty());
        let wholes = [Some(query.short.as_slice()), bare];
        Self {
            words: &query.words,
            wholes: wholes.into_iter().flatten().map(Name::new).collect(),
            plain: joined(&query.short, plain),
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
    fn new(subject: &Subject, tell: &mut dyn FnMut(&str)) -> Self {
        let mut entry = Self { names: Vec::new(), toned: Vec::new(), length: 0, order: 0 };
        for text in subject.names.iter().chain(&subject.also).chain(&subject.codes) {
            let all = words(text);
            let short = shortened(&all);
            for word in all.iter().chain(&short) {
                tell(&word.plain);
                long_form(&word.plain).iter().for_each(|long| tell(long));
            }
            entry.toned.extend(all.into_iter().map(|word| word.toned.into_boxed_str()));
        }
        for text in &subject.names {
            let short = shortened(&words(text));
            if entry.names.is_empty() {
                entry.length = short.len();
            }
            entry.names.extend(names(&short).into_iter().map(Name::new));
        }
        entry.toned.sort_unstable();
        entry.toned.dedup();
        entry
    }

    fn rank(&self, asked: &Asked<'_>, at: usize) -> Rank {
        let (matched, nearness) = self.nearness(asked, at);
        let has = |toned: &str| self.toned.binary_search_by(|held| (**held).cmp(toned)).is_ok();
        let other_tones = match matched {
            Match::Words | Match::Prefix => {
                // A word typed without tones asks for none.
                let typed = asked.words.iter().filter(|word| word.toned != word.plain);
                typed.filter(|word| !has(&word.toned)).count()
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
        if asked.words.is_empty() {
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
        let starts = self.names.iter().flat_map(|name| {
            let begun = |at: &usize| name.plain.get(..*at).is_some_and(|text| text.ends_with(' '));
            let found = name.plain.match_indices(&asked.plain).map(|(at, _)| at);
            found.filter(move |at| *at == 0 || begun(at))
        });
        let nearest = starts.map(|at| u8::from(at > 0)).min().unwrap_or(2);
        (if asked.last.has(at) { Match::Words } else { Match::Prefix }, nearest)
    }
}
