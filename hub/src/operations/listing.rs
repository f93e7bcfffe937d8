//! Lists of records about no dossier, page by page: the one way in which those that fit are found
//! among all, and answers beside what they answer.

use std::collections::{BTreeSet, HashMap};

use contracts::schema;
use serde_json::Value;

use super::{About, Operations, Reader, owners, roadmap::body};
use crate::store::{
    Store, StoreError,
    records::{AgencyKey, Place, RecordFound, RecordQuery},
};

/// Pages of the store read for one page of an answer, where most of what they hold is not asked
/// for.
const SCANS_MAX: usize = 16;

/// A record that is to be shown.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) one: &'a RecordFound,
    /// Its contract.
    pub(super) contract: &'static str,
    /// Who sent it, where that is not whom it is about.
    pub(super) sender: Option<&'a str>,
    /// Whether its personal members are the asker's to see.
    pub(super) sees_persons: bool,
}

impl Opening<'_> {
    fn about(&self) -> About {
        let Self { one, contract, sender, .. } = self;
        let parties = [Some(one.agency.as_str()), sender.filter(|sender| *sender != one.agency)];
        let (position, agencies) = (one.position, owners(parties.into_iter().flatten()));
        About { position, agencies, subject: format!("{contract}/{}", one.key) }
    }
}

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

    /// Records by their positions, with their personal members where they are the reader's to see
    /// and a purpose is named.
    pub(super) async fn opened(
        &self,
        reader: &Reader,
        all: &[Opening<'_>],
    ) -> Result<HashMap<u64, Value>, StoreError> {
        let about = all.iter().filter(|one| one.sees_persons).map(Opening::about).collect();
        let texts: HashMap<u64, Vec<u8>> = self.persons(reader, about).await?.into_iter().collect();
        let damaged = |error: serde_json::Error| StoreError::fault(error.to_string());
        let open = |Opening { one, .. }: &Opening<'_>| {
            let public: Value = body(one)?;
            let whole = match texts.get(&one.position) {
                Some(text) => schema::join(public, serde_json::from_slice(text).map_err(damaged)?),
                None => public,
            };
            Ok((one.position, whole))
        };
        all.iter().map(open).collect()
    }
}
