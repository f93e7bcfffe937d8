//! From a number to its dossiers: which are counted in it, and for how much.
//!
//! No index leads from a number to dossiers; each one is asked what it counts, by the fold that
//! made the number. So a page looks at no more than so many dossiers, and one that found few has a
//! next one all the same.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::{
    Operations,
    statistics::{Asked, Question},
};
use crate::{
    auth::Principal,
    registry::{
        Counted, Dimension, DossierState, Measure, Place, fold, group,
        measure::{counted_by_hub, stored_name},
        statistics,
    },
    store::{DossierRow, Rules, StoreError, listing::Listed},
};

/// Dossiers that are looked at for one page, at most.
pub(super) const LOOKED_AT_MAX: u32 = 4_000;
/// Those among them that have changed since and are folded as they were, at most.
const FOLDED_MAX: usize = 400;

/// Where a page begins: the position that all pages of one answer are true at, and the number of
/// the first dossier to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From {
    /// The position.
    pub as_of: u64,
    /// The number.
    pub number: u64,
}

/// A dossier that a number counts.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CountedDossier {
    /// Its key.
    pub key: String,
    /// National code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where it counts.
    #[serde(flatten)]
    pub place: BTreeMap<&'static str, String>,
    /// Its national status.
    pub status: u8,
    /// The days on which it came into the number, and left it.
    #[schema(value_type = Vec<String>)]
    pub days: Vec<Date>,
    /// How much it adds: 1, but for dossiers that came twice.
    pub n: i64,
}

/// A page of them.
#[derive(Debug, PartialEq, Eq)]
pub struct CountedPage {
    /// The position that it is true at.
    pub as_of: u64,
    /// The dossiers, in the order in which the hub first heard of them.
    pub dossiers: Vec<CountedDossier>,
    /// Where the next page begins; none at the end.
    pub next: Option<From>,
}

/// A number: what is counted, over which days, where.
pub struct Number<'a> {
    /// The measure, as answers name it.
    pub measure: &'a str,
    /// Days and places.
    pub question: &'a Question,
}

/// What of all that a dossier counts goes into a number, and on which days.
pub(super) fn adds<P: AsRef<Place>>(
    placed: &[(P, Vec<(Counted, i64)>)],
    number: &Number<'_>,
) -> Option<(Place, i64, Vec<Date>)> {
    let (from, to) = (number.question.from, number.question.to);
    let gauge = Measure::is_gauge_name(number.measure);
    let is_asked = |counted: &Counted| {
        counted.name() == number.measure && counted.day <= to && (gauge || counted.day >= from)
    };
    // A measure counts at one place.
    let (place, counts) =
        placed.iter().find(|(_, counts)| counts.iter().any(|(counted, _)| is_asked(counted)))?;
    let (mut n, mut days) = (0, Vec::new());
    for (counted, count) in counts.iter().filter(|(counted, _)| is_asked(counted)) {
        n += count;
        days.push(counted.day);
    }
    (n != 0).then(|| (place.as_ref().clone(), n, days))
}

impl Operations {
    /// The dossiers that a number counts, from a place on. An agency is told only its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn counted(
        &self,
        who: &Principal,
        number: &Number<'_>,
        from: Option<From>,
        limit: usize,
    ) -> Result<CountedPage, StoreError> {
        let size = self.store.head().await?.tree.size;
        let asked = number.question.as_of.unwrap_or(size).min(size);
        let From { as_of, number: first } = from.unwrap_or(From { as_of: asked, number: 0 });
        // A cursor is checked for its form; that its position has come is checked here.
        let as_of = as_of.min(size);
        let Some(measure) = stored_name(number.measure) else {
            return Ok(CountedPage { as_of, dossiers: Vec::new(), next: None });
        };
        let number = Number { measure, ..*number };
        if counted_by_hub(measure).is_some() {
            return self.timely_counted(who, &number, first, limit).await;
        }
        let rules = self.store.rules(Some(as_of)).await?;
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let mut asked = Asked::new(number.question, edition.as_deref());
        asked.only_of(who);
        let listed = self.store.listed(first, LOOKED_AT_MAX).await?;
        let last = listed.len() < LOOKED_AT_MAX as usize;
        let mut folded = 0;
        let mut page = CountedPage { as_of, dossiers: Vec::new(), next: None };
        for Listed { number: at, row } in listed {
            if page.dossiers.len() >= limit || folded >= FOLDED_MAX {
                page.next = Some(From { as_of, number: at });
                return Ok(page);
            }
            folded += usize::from(row.position >= as_of);
            for state in self.states(&row, (as_of, &rules)).await? {
                let placed = statistics::counted(&state, &rules.settings);
                let Some((place, n, days)) = adds(&placed, &number) else {
                    continue;
                };
                page.dossiers.extend(asked.place(place).map(|place| told(state, &place, n, days)));
            }
            page.next = Some(From { as_of, number: at + 1 });
        }
        if last {
            page.next = None;
        }
        Ok(page)
    }

    /// The states, as of a position, of the dossiers that one is made of now.
    async fn states(
        &self,
        row: &DossierRow,
        (as_of, rules): (u64, &Rules),
    ) -> Result<Vec<DossierState>, StoreError> {
        if row.position < as_of {
            return Ok(vec![state_of(row)?]);
        }
        let heard = self.store.observations(row.key.clone(), Some(as_of)).await?;
        let groups = group(&heard, &[]);
        let fold_one = |places: &Vec<usize>| {
            let own: Vec<_> = places.iter().filter_map(|place| heard.get(*place)).collect();
            fold(&own, &rules.reference).map(|(state, _)| state)
        };
        Ok(groups.dossiers.values().filter_map(fold_one).collect())
    }
}

/// The state of a dossier as it is now.
pub(super) fn state_of(row: &DossierRow) -> Result<DossierState, StoreError> {
    let text = row.public.as_deref().unwrap_or_default();
    let damaged = |error| StoreError::fault(format!("a state is damaged: {error}"));
    serde_json::from_slice(text).map_err(damaged)
}

pub(super) fn told(state: DossierState, place: &Place, n: i64, days: Vec<Date>) -> CountedDossier {
    let named = |one: Dimension| (one.name(), one.of(place).to_owned());
    let place = Dimension::ALL.into_iter().map(named).filter(|(_, value)| !value.is_empty());
    let place = place.collect();
    CountedDossier { key: state.key, code: state.code, place, status: state.status.code(), days, n }
}
