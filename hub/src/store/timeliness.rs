//! What a store keeps of how dossiers stand by the hub's own due date: a fold that follows behind
//! the journal together with findings, in the same turns (decision 34).
//!
//! By dossier it keeps what was judged with what that adds to the numbers; and the sums of that, on
//! the levels of the lattice, a year in a row.

use std::collections::BTreeMap;

use super::{
    Answer, CellQuery, Cells, StoreError,
    batch::{
        Level, Rollups, YearSums,
        year::{Years, each_day},
    },
    numbers::Sums,
};
use crate::registry::{Measure, Timeliness};

/// A dossier's key, and what is kept of it as text.
pub type Kept = (String, String);

/// A dossier's key, and what was judged of it as text; none where nothing is kept of it any more.
pub type Judged = (String, Option<String>);

/// What a year of one number comes to, on a level of the lattice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearKey {
    /// The number of the level.
    pub level: u8,
    /// The measure.
    pub measure: String,
    /// The value of the level's outer dimension; empty where it has none.
    pub outer: String,
    /// The calendar year.
    pub year: i16,
    /// The value of the level's inner dimension; empty where it has none.
    pub inner: String,
}

/// A number's year and its days.
pub type Year = (YearKey, YearSums);

/// How dossiers stand by the hub's own due date. One method = one transaction.
pub trait Timely: Send + Sync {
    /// What was judged of some dossiers, as far as there is anything, and the entry that is judged
    /// next.
    fn timeliness(&self, dossiers: Vec<String>)
    -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>>;

    /// Numbers by the hub's own due date, of what sums are kept for, true at the entry that is
    /// judged next.
    fn timely_cells(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>>;

    /// What was judged of dossiers behind a key, in the order of keys, and the entry that is judged
    /// next.
    fn timeliness_after(
        &self,
        key: String,
        limit: u32,
    ) -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>>;

    /// How the sums differ from what is kept of dossiers, as of one moment. However many there are,
    /// some are read at a time.
    fn timely_faults(&self) -> Answer<'_, Result<Vec<String>, StoreError>>;
}

/// What is kept of dossiers added up, to be compared with the sums.
#[derive(Default)]
pub(super) struct AddedUp(Rollups);

/// Those sums that were not read yet.
pub(super) struct Expected(BTreeMap<YearKey, YearSums>);

impl AddedUp {
    /// Adds what is kept of a dossier.
    ///
    /// # Errors
    /// When it is damaged.
    pub(super) fn add(&mut self, kept: &Kept) -> Result<(), StoreError> {
        for (place, counts) in &read(kept)?.counts {
            self.0.count(place, counts);
        }
        Ok(())
    }

    /// All of it.
    pub(super) fn close(self) -> Expected {
        Expected(years_of(&self.0).into_iter().collect())
    }
}

impl Expected {
    /// Compares a row of the sums; gives its fault.
    pub(super) fn differs(&mut self, (key, sums): &Year) -> Option<String> {
        let expected = self.0.remove(key);
        (expected.as_ref() != Some(sums)).then(|| differs(key))
    }

    /// The faults of those that are not there.
    pub(super) fn missing(self) -> impl Iterator<Item = String> {
        self.0.into_keys().map(|key| differs(&key))
    }
}

fn differs(YearKey { level, measure, outer, year, inner }: &YearKey) -> String {
    format!(
        "{measure} of level {level} `{outer}` `{inner}` in {year} differs from what is kept of \
         dossiers"
    )
}

/// The sums as rows to add to those that are kept.
pub fn years_of(sums: &Rollups) -> Vec<Year> {
    let year = |(key, sums): (super::batch::RollupKey<'_>, YearSums)| {
        let key = YearKey {
            level: key.level,
            measure: key.measure.to_owned(),
            outer: key.outer.to_owned(),
            year: key.year,
            inner: key.inner.to_owned(),
        };
        (key, sums)
    };
    sums.lattice().into_iter().map(year).collect()
}

/// Reads what is kept of a dossier.
///
/// # Errors
/// When it is damaged.
pub fn read((dossier, text): &Kept) -> Result<Timeliness, StoreError> {
    let damaged = || StoreError::fault(format!("what was judged of {dossier} is damaged"));
    Timeliness::from_text(text).ok_or_else(damaged)
}

/// Days as they are kept.
pub(super) fn unpacked(bytes: &[u8]) -> Result<YearSums, StoreError> {
    YearSums::unpacked(bytes).ok_or_else(damaged)
}

fn damaged() -> StoreError {
    StoreError::fault("the days of a sum by the hub's due date are damaged")
}

/// Rows that a question reads together: of one measure, some years.
pub(super) struct Part {
    pub(super) level: &'static Level,
    pub(super) measure: &'static str,
    pub(super) years: Years,
    by_day: bool,
}

/// What a question reads; nothing where no sums are kept for it.
pub(super) fn parts(query: &CellQuery) -> Vec<Part> {
    let Some(level) = query.level() else { return Vec::new() };
    let of = |measure: Measure| {
        let measure = measure.name();
        let years = query.years(measure).into_iter();
        years.map(move |(years, by_day)| Part { level, measure, years, by_day })
    };
    Measure::BY_HUB.into_iter().flat_map(of).collect()
}

impl Part {
    /// Adds a row: where it counts, its total and its days as they are kept.
    pub(super) fn add(
        &self,
        sums: &mut Sums<'_>,
        names: (&str, &str),
        (total, days): (i64, &[u8]),
    ) -> Result<(), StoreError> {
        let (counts, end) = (sums.measure(self.measure)?, self.years.last_day());
        let at = sums.named(self.level, names);
        let Some((from, to)) = self.years.days else {
            sums.rolled(at, counts, end, total);
            return Ok(());
        };
        let mut within = 0;
        let day = |day: i32, n: i64| match (from..=to).contains(&day) {
            true if self.by_day => sums.rolled(at, counts, day, n),
            true => within += n,
            false => {}
        };
        each_day(days, day).ok_or_else(damaged)?;
        if !self.by_day {
            sums.rolled(at, counts, end, within);
        }
        Ok(())
    }
}
