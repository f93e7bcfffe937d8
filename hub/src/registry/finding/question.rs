//! A question with its evidence, and the finding that is kept of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz};
use serde::Serialize;

use super::model::RuleName;

/// What tells questions apart: while it is asked again, one finding stays open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The rule that asks.
    pub rule: RuleName,
    /// The agency that is asked, by hub id.
    pub agency: String,
    /// The dossier it is about, by its key; none where it is about an agency's days.
    pub dossier: Option<String>,
    /// What of it: a source, a move, a day.
    pub of: String,
}

impl Subject {
    /// What it is about, as one text: the dossier's key, or what else.
    pub fn about(&self) -> String {
        let Self { rule, agency, dossier, of } = self;
        // A dossier's key has a slash before its first space; this has none.
        dossier.clone().unwrap_or_else(|| format!("{} {agency} {of}", rule.name()))
    }
}

/// A question, as the rules of an edition ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// The day it speaks of.
    pub day: Option<Date>,
    /// Entries that it rests on. Of the receipt: no other member depends on them.
    pub positions: BTreeSet<u64>,
    /// Sources that told what it rests on.
    pub sources: BTreeSet<String>,
    /// The values that were seen, by name.
    pub values: BTreeMap<&'static str, String>,
}

impl Question {
    /// A question that rests on nothing yet.
    pub(super) fn new(rule: RuleName, agency: &str, dossier: Option<&str>, of: String) -> Self {
        let dossier = dossier.map(ToOwned::to_owned);
        Self {
            subject: Subject { rule, agency: agency.to_owned(), dossier, of },
            day: None,
            positions: BTreeSet::new(),
            sources: BTreeSet::new(),
            values: BTreeMap::new(),
        }
    }

    pub(super) fn on(mut self, day: Date) -> Self {
        self.day = Some(day);
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.insert(name, value.to_string());
        self
    }

    pub(super) fn told_by(
        mut self,
        source: &str,
        positions: impl IntoIterator<Item = u64>,
    ) -> Self {
        self.sources.insert(source.to_owned());
        self.positions.extend(positions);
        self
    }
}

/// An entry, as findings name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Stamp {
    /// The day in Vietnam on which it was recorded.
    pub fn day(&self) -> Date {
        day_of_record(self.at)
    }
}

/// The day in Vietnam of a time.
pub(super) fn day_of_record(at: Timestamp) -> Date {
    tz::offset(7).to_datetime(at).date()
}

/// The edition that a question was judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedBy {
    /// The hash of its content.
    pub catalogue: String,
    /// The position that put it in force.
    pub position: u64,
}

/// What a question rests on.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    positions: &'a BTreeSet<u64>,
    sources: &'a BTreeSet<String>,
    values: &'a BTreeMap<&'static str, String>,
}

/// In its words, in two languages.
#[derive(Debug, Serialize)]
pub(super) struct Words<'a> {
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) question_vi: &'a str,
    pub(super) question_en: &'a str,
}

/// A finding as it is kept, compared and served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The entry that opened it.
    pub opened: Stamp,
    /// Its number among those that this entry opened.
    pub number: u32,
    /// The entry that changed it last, and its number among what that entry changed.
    pub changed: (u64, u32),
    /// The entry that closed it: since then it is not asked any more.
    pub closed: Option<Stamp>,
    /// What it is about.
    pub subject: Subject,
    /// The day it speaks of.
    pub day: Option<Date>,
    /// The edition that it was judged by when it was opened or changed.
    pub judged_by: JudgedBy,
    /// Its words and its evidence, as a JSON object.
    pub body: String,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    words: Words<'a>,
    evidence: Evidence<'a>,
}

/// The members that do not change when a finding is closed, as a JSON object.
pub(super) fn body(question: &Question, words: Words<'_>) -> String {
    let Question { positions, sources, values, .. } = question;
    let body = Body { words, evidence: Evidence { positions, sources, values } };
    // Texts, numbers and maps of them: nothing can fail.
    serde_json::to_string(&body).unwrap_or_default()
}

/// What stands before the body of a finding as it is served.
#[derive(Serialize)]
struct Head<'a> {
    id: String,
    rule: RuleName,
    agency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Date>,
    state: &'static str,
    opened: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Stamp>,
    changed: u64,
    judged_by: &'a JudgedBy,
}

impl Finding {
    /// Its id: the position that opened it and its number there.
    pub fn id(&self) -> String {
        format!("{}-{}", self.opened.position, self.number)
    }

    /// As it is served: one JSON object on one line. Nobody's personal data is in it.
    pub fn text(&self) -> String {
        let Subject { rule, agency, dossier, .. } = &self.subject;
        let head = Head {
            id: self.id(),
            rule: *rule,
            agency,
            dossier: dossier.as_deref(),
            day: self.day,
            state: if self.closed.is_some() { "closed" } else { "open" },
            opened: self.opened,
            closed: self.closed,
            changed: self.changed.0,
            judged_by: &self.judged_by,
        };
        // Texts and numbers: nothing can fail.
        let head = serde_json::to_string(&head).unwrap_or_default();
        let (head, body) = (head.strip_suffix('}'), self.body.strip_prefix('{'));
        format!("{},{}", head.unwrap_or_default(), body.unwrap_or_default())
    }
}
