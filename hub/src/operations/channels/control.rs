//! Controls: what an agency tells that it has, compared with what the hub has.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::super::{By, Operations, Question, agency_of};
use crate::{
    auth::Principal,
    registry::Dimension,
    store::{
        StoreError,
        controls::{ControlKind, ControlRow, KeyRange},
    },
};

/// Keys of one control.
pub const KEYS_MAX: usize = 100_000;
/// Numbers of one control.
pub const TOTALS_MAX: usize = 10_000;
/// Days that they are of.
pub const TOTAL_DAYS_MAX: i32 = 366;
/// Keys read at a time.
const READ: u32 = 4_096;

/// How many dossiers an agency says that there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ControlTotal)]
pub struct Total {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Those in this status at the end of the day; without it, those accepted on the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// How many.
    pub count: u64,
}

/// What an agency tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// All keys that it has, from the first to the last of a stretch.
    Keys(Keys),
    /// Numbers.
    Totals(Vec<Total>),
}

/// Keys of a control: all that an agency has of a source between two keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ControlKeys)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<String>,
    /// The source; the agency's id where it is not told.
    #[serde(default)]
    pub source: Option<String>,
    /// Where the stretch begins, in the order of bytes; at the first key where it is not told.
    #[serde(default)]
    pub from: Option<String>,
    /// Where it ends; at the last key where it is not told.
    #[serde(default)]
    pub to: Option<String>,
}

/// A number that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ControlDiffering)]
pub struct Differing {
    /// What the agency told.
    #[serde(flatten)]
    pub told: Total,
    /// What the hub has.
    pub hub: u64,
}

/// What came of a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Controlled {
    /// As it is kept.
    #[serde(flatten)]
    pub kept: ControlRow,
    /// Keys that the hub has not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_keys: Vec<String>,
    /// Keys that only the hub has; as many as a control may tell, at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_keys: Vec<String>,
    /// Numbers that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<Differing>,
}

/// Keys told, beside those that the hub has, which come in their order.
struct Comparison {
    told: std::iter::Peekable<std::vec::IntoIter<String>>,
    missing: Vec<String>,
    extra: Vec<String>,
    extra_count: u64,
}

impl Comparison {
    fn has(&mut self, key: String) {
        while let Some(before) = self.told.next_if(|told| *told < key) {
            self.missing.push(before);
        }
        if self.told.next_if(|told| *told == key).is_none() {
            self.extra_count += 1;
            if self.extra.len() < KEYS_MAX {
                self.extra.push(key);
            }
        }
    }
}

impl Operations {
    /// Compares what an agency tells of a channel with what the hub has, and keeps what came of it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn control(
        &self,
        channel: &str,
        control: Control,
        now: Timestamp,
    ) -> Result<Controlled, StoreError> {
        let controlled = match control {
            Control::Keys(keys) => self.control_keys(channel, keys, now).await?,
            Control::Totals(totals) => self.control_totals(channel, totals, now).await?,
        };
        self.store.keep_control(controlled.kept.clone()).await?;
        Ok(controlled)
    }

    async fn control_keys(
        &self,
        channel: &str,
        keys: Keys,
        now: Timestamp,
    ) -> Result<Controlled, StoreError> {
        let Keys { keys: mut told, source, from, to } = keys;
        told.sort_unstable();
        told.dedup();
        let source = source.unwrap_or_else(|| agency_of(channel).to_owned());
        let count = told.len() as u64;
        let from = from.or_else(|| told.first().cloned()).unwrap_or_default();
        let to = to.or_else(|| told.last().cloned()).unwrap_or_default();
        let (missing, extra) = Default::default();
        let told = told.into_iter().peekable();
        let mut comparison = Comparison { told, missing, extra, extra_count: 0 };
        let mut next = (from, true);
        loop {
            let (source, to) = (source.clone(), to.clone());
            let range = KeyRange { source, from: next, to, limit: READ };
            let found = self.store.keys_of(range).await?;
            let last = found.last().filter(|_| found.len() == READ as usize).cloned();
            found.into_iter().for_each(|key| comparison.has(key));
            match last {
                Some(last) => next = (last, false),
                None => break,
            }
        }
        let Comparison { told: rest, mut missing, extra, extra_count } = comparison;
        missing.extend(rest);
        Ok(Controlled {
            kept: ControlRow {
                channel: channel.to_owned(),
                at: now.as_millisecond(),
                kind: ControlKind::Keys,
                source,
                told: count,
                missing: missing.len() as u64,
                extra: extra_count,
            },
            missing_keys: missing,
            extra_keys: extra,
            differing: Vec::new(),
        })
    }

    async fn control_totals(
        &self,
        channel: &str,
        totals: Vec<Total>,
        now: Timestamp,
    ) -> Result<Controlled, StoreError> {
        let agency = agency_of(channel).to_owned();
        let days = || totals.iter().map(|total| total.day);
        let mut hub: BTreeMap<Date, BTreeMap<&str, i64>> = BTreeMap::new();
        if let (Some(from), Some(to)) = (days().min(), days().max()) {
            let mut question = Question::of(from, to);
            question.by.insert(By::Day);
            question.only.insert(Dimension::Agency, agency.clone());
            let numbers = self.statistics(&Principal::Operator, &question).await?;
            hub.extend(numbers.rows.into_iter().filter_map(|row| Some((row.day?, row.measures))));
        }
        let had = |total: &Total| -> u64 {
            // Days are told on which anything changes, each with all that stands then.
            let (day, measure) = match total.status {
                None => (hub.get(&total.day), "accepted".to_owned()),
                Some(status) => {
                    let last = hub.range(..=total.day).next_back();
                    (last.map(|(_, day)| day), format!("in-status-{status}"))
                }
            };
            let number = day.and_then(|day| day.get(&*measure)).copied().unwrap_or(0);
            u64::try_from(number).unwrap_or(0)
        };
        let told = totals.len() as u64;
        let differing: Vec<Differing> = totals
            .into_iter()
            .map(|told| Differing { told, hub: had(&told) })
            .filter(|one| one.told.count != one.hub)
            .collect();
        let fewer = differing.iter().filter(|one| one.hub < one.told.count).count() as u64;
        Ok(Controlled {
            kept: ControlRow {
                channel: channel.to_owned(),
                at: now.as_millisecond(),
                kind: ControlKind::Totals,
                source: agency,
                told,
                missing: fewer,
                extra: differing.len() as u64 - fewer,
            },
            missing_keys: Vec::new(),
            extra_keys: Vec::new(),
            differing,
        })
    }
}
