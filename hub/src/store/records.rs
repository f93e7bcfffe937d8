//! Current records that are about no dossier, as a store gives them: as of now, or as of any
//! earlier position.

use super::{Answer, StoreError, Verdict};
use crate::registry::RecordRow;

/// A day and a position on it: where a record stands among those of its contract.
pub type Place = (i32, u64);

/// The agency that a record is about, and its key.
pub type AgencyKey = (String, String);

/// Which records are asked for; they come by day and position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Their contract.
    pub contract: &'static str,
    /// Only those about this agency.
    pub agency: Option<String>,
    /// First and last day that they may be about.
    pub days: Option<(i32, i32)>,
    /// As the journal held them before this position.
    pub as_of: Option<u64>,
    /// Whether the last come first.
    pub latest: bool,
    /// Behind this place, in the order in which they come.
    pub after: Option<Place>,
    /// How many at most.
    pub limit: u32,
}

/// Which records a query reads, in words that SQL of every store has.
pub(super) struct Span {
    /// What compares day and position with `beyond`, and the day with `end`.
    pub(super) compares: [&'static str; 2],
    /// How days and positions come.
    pub(super) order: &'static str,
    /// The day and position behind which they begin.
    pub(super) beyond: (i32, i64),
    /// The last day.
    pub(super) end: i32,
}

impl RecordQuery {
    /// What is read.
    pub(super) fn span(&self) -> Span {
        let (first, last) = self.days.unwrap_or((i32::MIN, i32::MAX));
        let place = self.after.map(|(day, at)| (day, i64::try_from(at).unwrap_or(i64::MAX)));
        if self.latest {
            let beyond = place.filter(|(day, _)| *day <= last).unwrap_or((last, i64::MAX));
            return Span { compares: ["<", ">="], order: "DESC", beyond, end: first };
        }
        let beyond = place.filter(|(day, _)| *day >= first).unwrap_or((first, -1));
        Span { compares: [">", "<="], order: "ASC", beyond, end: last }
    }
}

/// One current record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFound {
    /// The position of its entry.
    pub position: u64,
    /// The day that it is about.
    pub day: i32,
    /// The agency that it is about.
    pub agency: String,
    /// Its key.
    pub key: String,
    /// Its public text.
    pub public: Vec<u8>,
}

/// Current records. One method = one transaction.
pub trait Records: Send + Sync {
    /// Records of a contract, without those that were withdrawn. The cost is of what is given, and
    /// as of an earlier position of what was replaced since.
    fn records(&self, query: RecordQuery) -> Answer<'_, Result<Vec<RecordFound>, StoreError>>;

    /// The records of some agencies and keys, as far as they are there.
    fn named(
        &self,
        contract: &'static str,
        names: Vec<AgencyKey>,
        as_of: Option<u64>,
    ) -> Answer<'_, Result<Vec<RecordFound>, StoreError>>;
}

/// The tellings that should be stored, in the order of their positions.
#[derive(Debug)]
pub(super) struct Expected {
    rows: Vec<RecordRow>,
    next: usize,
}

impl Expected {
    /// Of what the journal tells.
    pub(super) fn new(rows: Vec<RecordRow>) -> Self {
        Self { rows, next: 0 }
    }

    /// Compares one stored row; they come in the order of their positions.
    pub(super) fn stored(&mut self, row: &RecordRow, verdict: &mut Verdict) {
        while let Some(missing) = self.rows.get(self.next).filter(|one| one.position < row.position)
        {
            missed(missing, verdict);
            self.next += 1;
        }
        match self.rows.get(self.next).filter(|one| one.position == row.position) {
            Some(one) => {
                self.next += 1;
                if one != row {
                    let position = row.position;
                    verdict.add(format!("the record at position {position} differs from its fold"));
                }
            }
            None => verdict
                .add(format!("a record is stored at position {}, where none is", row.position)),
        }
    }

    /// What is not stored.
    pub(super) fn missing(self, verdict: &mut Verdict) {
        self.rows.iter().skip(self.next).for_each(|row| missed(row, verdict));
    }
}

fn missed(row: &RecordRow, verdict: &mut Verdict) {
    verdict.add(format!("the record at position {} is not stored", row.position));
}
