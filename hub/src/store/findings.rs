//! What a store keeps of findings: a fold of the journal that follows behind it (decision 26).
//!
//! Entries are judged in the order of their positions, once. Where that stands is kept with what
//! came of it, and a turn is kept only where it still stands there: whoever judges twice, after a
//! crash or beside another process, writes once.

use jiff::{Timestamp, civil::Date};

use super::{
    Answer, StoreError,
    decode::Stored,
    timeliness::{Judged, Year},
};
use crate::registry::{
    Identity,
    finding::{Finding, JudgedBy, Of, RuleName, Stamp, Subject, TallyKey},
};

/// An entry, as far as folds read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its position.
    pub position: u64,
    /// Its kind.
    pub kind: String,
    /// Its text.
    pub text: Vec<u8>,
    /// Its public text.
    pub public: Vec<u8>,
}

impl Text {
    /// What folds read of it.
    pub fn stored(&self) -> Stored<'_> {
        Stored { position: self.position, kind: &self.kind, text: &self.text, public: &self.public }
    }
}

/// A name under a national code that it told.
pub type CodeTold = (String, Identity);

/// A tally as JSON.
pub type TallyText = (TallyKey, String);

/// What came of judging some entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The entry that was next when it began.
    pub from: u64,
    /// The entry that is next from now on.
    pub to: u64,
    /// Names under codes that they told in it.
    pub codes: Vec<CodeTold>,
    /// Tallies that take the place of those of their keys.
    pub tallies: Vec<TallyText>,
    /// Findings opened, changed or closed.
    pub findings: Vec<Finding>,
    /// How dossiers stand by the hub's own due date.
    pub timeliness: Vec<Judged>,
    /// What that adds to its sums.
    pub years: Vec<Year>,
}

/// All that was asked, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllJudged {
    /// The entry that is judged next.
    pub next: u64,
    /// All findings in the order in which they were opened.
    pub findings: Vec<Finding>,
}

/// Which findings are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingQuery {
    /// Of this agency alone.
    pub agency: Option<String>,
    /// Of this rule alone.
    pub rule: Option<RuleName>,
    /// About this dossier alone, by its key.
    pub dossier: Option<String>,
    /// Only those that are open, or closed.
    pub open: Option<bool>,
    /// Only those opened before this one: its position and its number there.
    pub before: Option<(u64, u32)>,
    /// How many at most.
    pub limit: u32,
}

/// Findings. One method = one transaction.
pub trait Findings: Send + Sync {
    /// The entry that is judged next.
    fn judged(&self) -> Answer<'_, Result<u64, StoreError>>;

    /// Entries from a position on, in order.
    fn texts(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Text>, StoreError>>;

    /// The entries before a position that tell of some names.
    fn told(&self, names: Vec<Identity>, before: u64) -> Answer<'_, Result<Vec<Text>, StoreError>>;

    /// The names that told some codes in entries that were judged.
    fn names(&self, codes: Vec<String>) -> Answer<'_, Result<Vec<CodeTold>, StoreError>>;

    /// Open findings about these: see [`Subject::about`].
    fn open(&self, about: Vec<String>) -> Answer<'_, Result<Vec<Finding>, StoreError>>;

    /// Tallies, as far as there are such.
    fn tallies(&self, keys: Vec<TallyKey>) -> Answer<'_, Result<Vec<TallyText>, StoreError>>;

    /// Tallies of days from one to another, numbers or what was finished.
    fn tallies_between(
        &self,
        of: Of,
        days: (Date, Date),
    ) -> Answer<'_, Result<Vec<TallyText>, StoreError>>;

    /// Keeps a turn; false where another has been kept since it began, or where the store takes
    /// part in a move: then it is as if it had not been.
    fn settle_findings(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>>;

    /// Findings, the latest opened first.
    fn findings(&self, query: FindingQuery) -> Answer<'_, Result<Vec<Finding>, StoreError>>;

    /// Findings by what changed them last: from an entry on, and of those that it changed, from one
    /// on.
    fn findings_from(
        &self,
        position: u64,
        turn: u32,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Finding>, StoreError>>;

    /// All that was asked, as of one moment.
    fn all_judged(&self) -> Answer<'_, Result<AllJudged, StoreError>>;
}

/// The day of a tally, as it is kept.
pub(super) fn tally_day(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|_| StoreError::fault(format!("the day {text} of a tally is damaged")))
}

/// The columns of a finding, in the order of [`Row`].
pub(super) const COLUMNS: &str = "opened, number, opened_at, changed, turn, closed, closed_at,
    rule, agency, dossier, of_what, day, catalogue, edition, body";

/// A finding as its row has it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) opened: u64,
    pub(super) number: u32,
    pub(super) opened_at: String,
    pub(super) changed: u64,
    pub(super) turn: u32,
    pub(super) closed: Option<u64>,
    pub(super) closed_at: Option<String>,
    pub(super) rule: String,
    pub(super) agency: String,
    pub(super) dossier: Option<String>,
    pub(super) of_what: String,
    pub(super) day: Option<String>,
    pub(super) catalogue: String,
    pub(super) edition: u64,
    pub(super) body: String,
}

impl Row {
    /// The row of a finding.
    pub(super) fn of(finding: Finding) -> Self {
        let Finding { opened, number, changed, closed, subject, day, judged_by, body } = finding;
        Self {
            opened: opened.position,
            number,
            opened_at: opened.at.to_string(),
            changed: changed.0,
            turn: changed.1,
            closed: closed.map(|stamp| stamp.position),
            closed_at: closed.map(|stamp| stamp.at.to_string()),
            rule: subject.rule.name().to_owned(),
            agency: subject.agency,
            dossier: subject.dossier,
            of_what: subject.of,
            day: day.map(|day| day.to_string()),
            catalogue: judged_by.catalogue,
            edition: judged_by.position,
            body,
        }
    }

    /// The finding of a row.
    ///
    /// # Errors
    /// When it is not what [`Self::of`] gives.
    pub(super) fn finding(self) -> Result<Finding, StoreError> {
        let (opened, number) = (self.opened, self.number);
        let damaged = || StoreError::fault(format!("the finding {opened}-{number} is damaged"));
        let time = |text: &str| text.parse::<Timestamp>().map_err(|_| damaged());
        let closed = match self.closed.zip(self.closed_at) {
            Some((position, at)) => Some(Stamp { position, at: time(&at)? }),
            None => None,
        };
        let rule = RuleName::ALL.iter().copied().find(|rule| rule.name() == self.rule);
        let day = self.day.map(|day| day.parse::<Date>().map_err(|_| damaged())).transpose()?;
        Ok(Finding {
            opened: Stamp { position: self.opened, at: time(&self.opened_at)? },
            number: self.number,
            changed: (self.changed, self.turn),
            closed,
            subject: Subject {
                rule: rule.ok_or_else(damaged)?,
                agency: self.agency,
                dossier: self.dossier,
                of: self.of_what,
            },
            day,
            judged_by: JudgedBy { catalogue: self.catalogue, position: self.edition },
            body: self.body,
        })
    }
}
