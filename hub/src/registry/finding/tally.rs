//! What dossiers come to by agency and day, and what is asked about that.
//!
//! Tallies hold no rule and no threshold, so a new edition leaves them as they are. They are looked
//! at once their day lies far enough back for what is on its way to have come: at the first entry
//! of such a day ([`Passed`]), and when something is told of a dossier that is in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use contracts::{Status, code::DossierCode};
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    cut_off,
    model::{FindingRule, RuleName},
    passed::Passed,
    question::{Question, Stamp, Subject},
    rulebook::Rulebook,
    sequence::Numbers,
    standing::Standing,
};
use crate::registry::{DossierState, statistics::finish_day};

/// What a tally counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// Numbers that dossiers bear.
    Numbers,
    /// Dossiers that were finished.
    Finished,
}

/// Digits of a number that begins anew every day; longer ones are of ministries.
const NUMBER_DIGITS: usize = 4;

/// Names a tally.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TallyKey {
    /// The agency, by hub id.
    pub agency: String,
    /// The agency as codes of dossiers name it; empty for what was finished.
    pub code: String,
    /// The day; for what was finished the first of its month.
    pub day: Date,
}

impl TallyKey {
    /// What is counted under it.
    pub fn of(&self) -> Of {
        if self.code.is_empty() { Of::Finished } else { Of::Numbers }
    }
}

/// What is kept under a key: numbers of a day, or of each day of a month how many were finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tally {
    Numbers(Numbers),
    Finished(BTreeMap<i8, u64>),
}

/// How a dossier counts in a tally: a number, or a day of the month.
type Mark = (TallyKey, u32);

/// How a dossier counts.
fn marks(state: &DossierState) -> impl Iterator<Item = Mark> {
    let agency = &state.agency;
    let code = state.code.as_deref().and_then(|code| DossierCode::parse(code).ok());
    let number = code.filter(|code| code.sequence().len() == NUMBER_DIGITS).and_then(|code| {
        let number = code.sequence().parse().ok().filter(|number| *number > 0)?;
        let key =
            TallyKey { agency: agency.clone(), code: code.agency().to_owned(), day: code.date() };
        Some((key, number))
    });
    let done = matches!(state.status, Status::DONE | Status::RETURNED);
    let finished = finish_day(state).filter(|_| done).map(|day| {
        let key =
            TallyKey { agency: agency.clone(), code: String::new(), day: day.first_of_month() };
        (key, u32::from(day.day().unsigned_abs()))
    });
    number.into_iter().chain(finished)
}

/// What an entry makes of dossiers, as tallies see it.
#[derive(Debug)]
pub struct Looked {
    stamp: Stamp,
    gone: Vec<Mark>,
    come: Vec<Mark>,
    book: Option<Arc<Rulebook>>,
}

impl Looked {
    /// The entry.
    pub fn position(&self) -> u64 {
        self.stamp.position
    }

    /// Of the dossiers before and after an entry.
    pub fn new<'a>(
        stamp: Stamp,
        before: impl Iterator<Item = &'a DossierState>,
        after: impl Iterator<Item = &'a DossierState>,
        book: Option<Arc<Rulebook>>,
    ) -> Self {
        let (gone, come) = (before.flat_map(marks).collect(), after.flat_map(marks).collect());
        Self { stamp, gone, come, book }
    }

    /// The tallies that are needed.
    pub fn wanted(&self, wanted: &mut BTreeSet<TallyKey>) {
        for (key, item) in self.gone.iter().chain(&self.come) {
            wanted.insert(key.clone());
            if let Some(book) = self.book.as_deref().filter(|_| key.code.is_empty()) {
                let ends = ends(book, day_of(key, *item));
                wanted.extend(ends.flat_map(|(rule, end)| months(rule, end)).map(|month| {
                    TallyKey { agency: key.agency.clone(), code: String::new(), day: month }
                }));
            }
        }
    }

    /// What may be asked about, at this entry.
    pub fn subjects(&self, wanted: &mut BTreeSet<Subject>) {
        for (key, item) in self.gone.iter().chain(&self.come) {
            if !key.code.is_empty() {
                wanted.insert(of_numbers(key));
            } else if let Some(book) = self.book.as_deref() {
                let ends = ends(book, day_of(key, *item));
                wanted.extend(ends.map(|(_, end)| of_end(&key.agency, end)));
            }
        }
    }
}

fn day_of(key: &TallyKey, item: u32) -> Date {
    key.day.saturating_add((i64::from(item) - 1).days())
}

fn of_numbers(key: &TallyKey) -> Subject {
    let of = format!("{}-{}", key.code, key.day.strftime("%y%m%d"));
    Subject { rule: RuleName::SequenceGap, agency: key.agency.clone(), dossier: None, of }
}

fn of_end(agency: &str, end: Date) -> Subject {
    let rule = RuleName::FinishedBeforeCutOff;
    Subject { rule, agency: agency.to_owned(), dossier: None, of: end.to_string() }
}

/// The ends of periods that a day belongs to, each with the rule that speaks of it.
fn ends(book: &Rulebook, day: Date) -> impl Iterator<Item = (&FindingRule, Date)> {
    book.versions(RuleName::FinishedBeforeCutOff).flat_map(move |rule| {
        let ends = cut_off::of_day(rule, day).filter(|end| rule.stands(Some(*end)));
        ends.map(move |end| (rule, end))
    })
}

/// The months whose days bear on the end of a period.
pub(super) fn months(rule: &FindingRule, end: Date) -> impl Iterator<Item = Date> {
    let first = cut_off::days(rule, end).1.first_of_month();
    first.series(1.month()).take_while(move |month| *month <= end)
}

/// Whether a day lies so far back at an entry that all of it should be there.
fn is_over(rule: &FindingRule, day: Date, stamp: Stamp) -> bool {
    day.saturating_add(i64::from(rule.grace_days).days()) < stamp.day()
}

/// The tallies that entries touch.
#[derive(Debug, Default)]
pub struct Tallies {
    kept: BTreeMap<TallyKey, Tally>,
    touched: BTreeSet<TallyKey>,
}

impl Tallies {
    /// Takes a tally as it is kept.
    ///
    /// # Errors
    /// When the text is not what [`Self::touched`] gives.
    pub fn insert(&mut self, key: TallyKey, text: &str) -> Result<(), serde_json::Error> {
        let tally = if key.code.is_empty() {
            Tally::Finished(serde_json::from_str(text)?)
        } else {
            Tally::Numbers(serde_json::from_str(text)?)
        };
        self.kept.insert(key, tally);
        Ok(())
    }

    fn count(&mut self, (key, item): &Mark, more: bool) {
        self.touched.insert(key.clone());
        let tally = self.kept.entry(key.clone()).or_insert_with(|| match key.code.is_empty() {
            true => Tally::Finished(BTreeMap::new()),
            false => Tally::Numbers(Numbers::default()),
        });
        match (tally, more) {
            (Tally::Numbers(numbers), true) => numbers.add(*item),
            (Tally::Numbers(numbers), false) => numbers.remove(*item),
            (Tally::Finished(days), more) => {
                let day = i8::try_from(*item).unwrap_or(i8::MAX);
                let count = days.entry(day).or_default();
                *count = if more { *count + 1 } else { count.saturating_sub(1) };
                if *count == 0 {
                    days.remove(&day);
                }
            }
        }
    }

    /// Counts what an entry changes, and asks what there is to ask about it.
    pub fn look(&mut self, looked: &Looked, standing: &mut Standing) {
        let Looked { stamp, gone, come, book } = looked;
        if gone != come {
            gone.iter().for_each(|mark| self.count(mark, false));
            come.iter().for_each(|mark| self.count(mark, true));
        }
        let mut subjects: BTreeMap<Subject, Option<Question>> = BTreeMap::new();
        for (key, item) in gone.iter().chain(come) {
            if !key.code.is_empty() {
                let asked = book.as_deref().and_then(|book| self.gaps(key, book, *stamp));
                subjects.insert(of_numbers(key), asked);
            } else if let Some(book) = book.as_deref() {
                for (rule, end) in ends(book, day_of(key, *item)) {
                    let asked = self.bulk(&key.agency, (rule, end), *stamp);
                    subjects.insert(of_end(&key.agency, end), asked);
                }
            }
        }
        for (subject, question) in &subjects {
            standing.settle(*stamp, subject, question.as_ref(), book.as_deref());
        }
    }

    /// What is asked of the days that are over from an entry on.
    fn passing(&self, passed: &Passed) -> BTreeMap<Subject, Option<Question>> {
        let mut all = BTreeMap::new();
        for key in self.kept.keys() {
            match key.of() {
                Of::Numbers if passed.is_over_now(RuleName::SequenceGap, key.day) => {
                    let asked = self.gaps(key, &passed.book, passed.stamp);
                    all.insert(of_numbers(key), asked);
                }
                Of::Numbers => {}
                Of::Finished => {
                    for (rule, end) in passed.ends() {
                        let subject = of_end(&key.agency, end);
                        all.entry(subject)
                            .or_insert_with(|| self.bulk(&key.agency, (rule, end), passed.stamp));
                    }
                }
            }
        }
        all
    }

    /// What may be asked about days that are over, among those that are kept.
    pub fn subjects_of(&self, passed: &Passed) -> impl Iterator<Item = Subject> + use<> {
        self.passing(passed).into_keys()
    }

    /// Asks what there is to ask about days that are over from an entry on.
    pub fn pass(&self, passed: &Passed, standing: &mut Standing) {
        for (subject, question) in self.passing(passed) {
            standing.settle(passed.stamp, &subject, question.as_ref(), Some(&passed.book));
        }
    }

    /// Numbers of a day that no dossier bears.
    fn gaps(&self, key: &TallyKey, book: &Rulebook, stamp: Stamp) -> Option<Question> {
        let rule = book.rule(RuleName::SequenceGap, Some(key.day))?;
        if !is_over(rule, key.day, stamp) {
            return None;
        }
        let Some(Tally::Numbers(numbers)) = self.kept.get(key) else { return None };
        let missing = numbers.missing()?;
        let subject = of_numbers(key);
        let question = Question::new(subject.rule, &subject.agency, None, subject.of.clone());
        Some(
            question
                .on(key.day)
                .with("code", subject.of)
                .with("last", format!("{:04}", missing.last))
                .with("missing", missing.count)
                .with("numbers", missing.told),
        )
    }

    /// Many more finished just before the end of a period than before that.
    fn bulk(
        &self,
        agency: &str,
        (rule, end): (&FindingRule, Date),
        stamp: Stamp,
    ) -> Option<Question> {
        if !is_over(rule, end, stamp) {
            return None;
        }
        let (first, before) = cut_off::days(rule, end);
        let (mut just, mut earlier) = (0, 0);
        for month in months(rule, end) {
            let key = TallyKey { agency: agency.to_owned(), code: String::new(), day: month };
            let Some(Tally::Finished(days)) = self.kept.get(&key) else { continue };
            for (day, count) in days {
                let day = day_of(&key, u32::from(day.unsigned_abs()));
                if (first..=end).contains(&day) {
                    just += count;
                } else if before <= day && day < first {
                    earlier += count;
                }
            }
        }
        if !cut_off::is_bulk(rule, (just, earlier)) {
            return None;
        }
        let subject = of_end(agency, end);
        let question = Question::new(subject.rule, agency, None, subject.of);
        Some(
            question
                .on(end)
                .with("cut_off", end)
                .with("days", rule.days)
                .with("dossiers", just)
                .with("before_days", rule.before_days)
                .with("before", earlier),
        )
    }

    /// What has changed, as it is to be kept.
    pub fn touched(&self) -> impl Iterator<Item = (&TallyKey, String)> {
        let kept = self.touched.iter().filter_map(|key| Some((key, self.kept.get(key)?)));
        // Numbers and maps of them: nothing can fail.
        kept.map(|(key, tally)| (key, serde_json::to_string(tally).unwrap_or_default()))
    }
}
