//! Lists of records about no dossier, page by page: the one way in which those that fit are found
//! among all, and answers beside what they answer.

use std::collections::{BTreeSet, HashMap};

use contracts::schema;
use serde_json::Value;

use super::{Operations, roadmap::body};
use crate::store::{
    Store, StoreError,
    records::{AgencyKey, Place, RecordFound, RecordQuery},
};

/// Pages of the store read for one page of an answer, where most of what they hold is not asked
/// for.
const SCANS_MAX: usize = 16;

/// A page in the making: records are looked at in their order until enough of them fit. What is
/// read is bounded, so a page may be short, or empty, and have a next one.
pub(super) struct Scan {
    query: RecordQuery,
    scans: usize,
    chosen: usize,
    /// Whether the store has no more.
    ended: bool,
}

impl Scan {
    /// A page of as many records as a query says.
    pub(super) fn new(query: RecordQuery) -> Self {
        Self { query, scans: 0, chosen: 0, ended: false }
    }

    fn is_full(&self) -> bool {
        self.chosen == self.query.limit as usize
    }

    /// The next records to choose from, while the page is not complete.
    pub(super) async fn more(
        &mut self,
        store: &dyn Store,
    ) -> Result<Option<Vec<RecordFound>>, StoreError> {
        if self.ended || self.is_full() || self.scans == SCANS_MAX {
            return Ok(None);
        }
        self.scans += 1;
        let found = store.records(self.query.clone()).await?;
        self.ended = found.len() < self.query.limit as usize;
        Ok(Some(found))
    }

    /// Looks at the next record: whether it is on the page.
    pub(super) fn takes(&mut self, one: &RecordFound, fits: bool) -> bool {
        if self.is_full() {
            return false;
        }
        self.query.after = Some((one.day, one.position));
        self.chosen += usize::from(fits);
        fits
    }

    /// Where the next page begins, where there may be one.
    pub(super) fn next(&self) -> Option<Place> {
        self.query.after.filter(|_| !self.ended || self.is_full())
    }
}

/// What a record is named by.
fn name(one: &RecordFound) -> AgencyKey {
    (one.agency.clone(), one.key.clone())
}

/// A record, and its answer where there is one.
pub(super) type Pair = (RecordFound, Option<RecordFound>);

impl Operations {
    /// The answers of a contract to some records, beside them: those of the same agency and key.
    pub(super) async fn answered(
        &self,
        contract: &'static str,
        found: Vec<RecordFound>,
        as_of: u64,
    ) -> Result<Vec<Pair>, StoreError> {
        let names: BTreeSet<AgencyKey> = found.iter().map(name).collect();
        let told = self.store.named(contract, names.into_iter().collect(), Some(as_of)).await?;
        let mut answers: HashMap<AgencyKey, RecordFound> =
            told.into_iter().map(|one| (name(&one), one)).collect();
        let mut pair = |one: RecordFound| {
            let answer = answers.remove(&name(&one));
            (one, answer)
        };
        Ok(found.into_iter().map(&mut pair).collect())
    }

    /// A record with its personal members where they are the asker's to see.
    pub(super) async fn opened(
        &self,
        one: &RecordFound,
        sees_persons: bool,
    ) -> Result<Value, StoreError> {
        let public: Value = body(one)?;
        if !sees_persons {
            return Ok(public);
        }
        let texts = self.store.personal(vec![one.position]).await?;
        let Some((_, text)) = texts.first() else { return Ok(public) };
        let damaged = |error: serde_json::Error| StoreError::fault(error.to_string());
        Ok(schema::join(public, serde_json::from_slice(text).map_err(damaged)?))
    }
}
