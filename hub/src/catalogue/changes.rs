//! What one edition of the catalogue changes of the one before it: agencies, procedures and units,
//! each version by itself.
//!
//! A version is known again by its code and its first day; one whose last day is told later is the
//! same one, changed. A change is a function of two editions alone, so its place among the others
//! of its edition never moves.

use std::{collections::BTreeMap, sync::Arc};

use contracts::{agency::Agency, procedure::Procedure};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::Held;
use crate::{
    journal::entry::Entry,
    registry::{
        Catalogue,
        catalogue::{Dated, Unit},
    },
    store::{Store, StoreError},
};

/// The version of how editions are compared: another one where the same editions would give other
/// changes, or the same in another order.
pub const FOLD_VERSION: u32 = 1;

/// The contracts of what changes, in the order in which they are told.
pub const CONTRACTS: [&str; 3] = ["agency/1", "procedure/1", "unit/1"];

/// What one edition changes.
#[derive(Debug)]
pub struct Changes {
    /// The position of its entry.
    pub position: u64,
    /// When that was recorded.
    pub at: Timestamp,
    /// Each change, in one order for ever.
    pub all: Vec<Change>,
}

/// One version that is new, or reads otherwise, or is no more.
#[derive(Debug)]
pub struct Change {
    /// What it is a version of.
    pub contract: &'static str,
    /// What it is known by among those.
    pub subject: String,
    /// What it says; nothing where it is no more.
    pub data: Option<Box<RawValue>>,
}

/// What a version is known by.
fn named(name: &str, first: Option<Date>) -> String {
    first.map_or_else(|| name.to_owned(), |first| format!("{name}@{first}"))
}

fn agency(one: &Agency) -> (String, Agency) {
    // Who serves there is not published.
    (named(&one.id, one.first()), Agency { officers: Vec::new(), ..one.clone() })
}

fn procedure(one: &Procedure) -> (String, Procedure) {
    let code = if one.code().is_empty() { &one.name } else { one.code() };
    (named(&format!("{}/{}/{code}", one.agency, one.level), one.first()), one.clone())
}

fn unit(one: &Unit) -> (String, Unit) {
    (named(&one.code, one.first()), one.clone())
}

/// Adds what differs between all that was and all that is, by name.
fn differ<T: Serialize + PartialEq>(
    contract: &'static str,
    (before, now): (BTreeMap<String, T>, BTreeMap<String, T>),
    all: &mut Vec<Change>,
) -> Result<(), serde_json::Error> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let told = now.iter().filter(|(name, one)| before.get(*name) != Some(one));
    let mut changed: BTreeMap<&String, Option<&T>> = gone.map(|name| (name, None)).collect();
    changed.extend(told.map(|(name, one)| (name, Some(one))));
    for (subject, one) in changed {
        let data = one.map(to_raw_value).transpose()?;
        all.push(Change { contract, subject: subject.clone(), data });
    }
    Ok(())
}

/// All changes from one edition to the next.
///
/// # Errors
/// When one cannot be written.
pub fn between(before: &Catalogue, now: &Catalogue) -> Result<Vec<Change>, serde_json::Error> {
    let mut all = Vec::new();
    let [of_agencies, of_procedures, of_units] = CONTRACTS;
    let agencies = |of: &Catalogue| of.agencies.iter().map(agency).collect();
    differ(of_agencies, (agencies(before), agencies(now)), &mut all)?;
    let procedures = |of: &Catalogue| of.procedures.iter().map(procedure).collect();
    differ(of_procedures, (procedures(before), procedures(now)), &mut all)?;
    let units = |of: &Catalogue| of.units.iter().map(unit).collect();
    differ(of_units, (units(before), units(now)), &mut all)?;
    Ok(all)
}

impl Held {
    /// What the first edition at a position or after it changes; nothing where none follows. The
    /// last one asked for is kept: what was published at a position never changes, and it is asked
    /// for page by page.
    ///
    /// # Errors
    /// When the store cannot answer, or what it has is damaged.
    pub async fn changes(
        &self,
        store: &dyn Store,
        from: u64,
    ) -> Result<Option<Arc<Changes>>, StoreError> {
        let Some(position) = store.next_catalogue(from).await? else { return Ok(None) };
        let kept = self.changes.read().ok().and_then(|kept| kept.clone());
        if let Some(kept) = kept.filter(|kept| kept.position == position) {
            return Ok(Some(kept));
        }
        let damaged = |error: serde_json::Error| {
            StoreError::fault(format!("the edition of position {position} is damaged: {error}"))
        };
        let found = store.entries(position, 1).await?;
        let entry = found.first().filter(|row| row.position == position);
        let entry = entry.map(|row| row.text.as_slice()).unwrap_or_default();
        let entry: Entry = serde_json::from_slice(entry).map_err(damaged)?;
        let before = self.edition(store, Some(position)).await?;
        let now = self.edition(store, Some(position + 1)).await?;
        let compare = move || {
            let none = Catalogue::default();
            let before = before.as_ref().map_or(&none, |edition| &*edition.catalogue);
            now.map_or_else(|| Ok(Vec::new()), |now| between(before, &now.catalogue))
        };
        let all = tokio::task::spawn_blocking(compare).await;
        let all = all.map_err(|error| StoreError::fault(error.to_string()))?.map_err(damaged)?;
        let made = Arc::new(Changes { position, at: entry.recorded_at, all });
        if let Ok(mut kept) = self.changes.write() {
            *kept = Some(made.clone());
        }
        Ok(Some(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(code: &str, name: &str, first: Option<&str>, last: Option<&str>) -> Unit {
        let day = |text: &str| text.parse().unwrap();
        Unit {
            code: code.to_owned(),
            name: name.to_owned(),
            kind: "phường".to_owned(),
            level: "commune".to_owned(),
            parent: None,
            valid_from: first.map(day),
            valid_to: last.map(day),
            agency: None,
        }
    }

    #[test]
    fn a_version_that_ends_is_changed_and_one_that_is_no_more_is_gone() {
        let of = |units| Catalogue { units, ..Catalogue::default() };
        let before = of(vec![
            unit("26041", "Quyết Thắng", None, None),
            unit("26044", "Tân Phong", None, None),
            unit("26047", "Thống Nhất", None, None),
        ]);
        let now = of(vec![
            unit("26041", "Quyết Thắng", None, Some("2024-10-31")),
            unit("26041", "Trung Dũng", Some("2024-11-01"), None),
            unit("26044", "Tân Phong", None, None),
        ]);
        let told = |all: Vec<Change>| {
            let one = |one: Change| (one.contract, one.subject, one.data.is_some());
            all.into_iter().map(one).collect::<Vec<_>>()
        };
        let unit = |subject: &str, stands| ("unit/1", subject.to_owned(), stands);
        assert_eq!(
            told(between(&before, &now).unwrap()),
            [unit("26041", true), unit("26041@2024-11-01", true), unit("26047", false)]
        );
        assert!(between(&now, &now).unwrap().is_empty());
        assert_eq!(between(&Catalogue::default(), &now).unwrap().len(), 3);
    }
}
