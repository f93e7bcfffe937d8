//! Observations in short, as they are stored beside their positions: a dossier is folded without
//! reading all that was ever said of it.

use jiff::Timestamp;

use super::StoreError;
use crate::registry::{
    Content, Observation, Past, Version,
    past::{Kept, says},
};

/// Content hash, hash of what it says, whether it counts, and the time: what stands before the
/// members.
const HASH_BYTES: usize = 32;
const TIME_BYTES: usize = 16;
const HEAD_BYTES: usize = 2 * HASH_BYTES + 1 + TIME_BYTES;

/// A snapshot in short; `None` for what is always read whole: an event, a retraction, and what
/// takes the place of another.
pub fn text(one: &Observation) -> Option<Vec<u8>> {
    let Content::Snapshot(body) = &one.content else { return None };
    if one.supersedes.is_some() {
        return None;
    }
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&one.content_hash);
    bytes.extend_from_slice(&says(body));
    bytes.push(u8::from(one.counted));
    bytes.extend_from_slice(&one.recorded_at.as_nanosecond().to_be_bytes());
    // Every member is text, number or list: nothing can fail.
    serde_json::to_writer(&mut bytes, &Kept::of(body)).ok()?;
    Some(bytes)
}

/// An observation out of its short form.
///
/// # Errors
/// When that is not what the hub writes: names the position.
pub fn observation(position: u64, bytes: &[u8]) -> Result<Observation, StoreError> {
    parsed(position, bytes).ok_or_else(|| {
        let reason = format!("the observation at position {position} is damaged in short");
        StoreError::fault(format!("{reason}; `lienthong rebuild` makes it anew"))
    })
}

fn parsed(position: u64, bytes: &[u8]) -> Option<Observation> {
    let (head, members) = bytes.split_at_checked(HEAD_BYTES)?;
    let (content_hash, rest) = head.split_first_chunk::<HASH_BYTES>()?;
    let (says, rest) = rest.split_first_chunk::<HASH_BYTES>()?;
    let (counted, time) = rest.split_first()?;
    let time = i128::from_be_bytes(time.try_into().ok()?);
    let body = serde_json::from_slice(members).ok()?;
    Some(Observation {
        position,
        recorded_at: Timestamp::from_nanosecond(time).ok()?,
        counted: *counted == 1,
        content: Content::Past(Box::new(Past { body, says: *says })),
        supersedes: None,
        content_hash: *content_hash,
    })
}

/// What is stored of one name: in short where there is a short form.
#[derive(Debug, Default)]
pub struct Name {
    short: Vec<Observation>,
    whole: Vec<u64>,
}

impl Name {
    /// Adds a position with its short form.
    ///
    /// # Errors
    /// When that is not what the hub writes.
    pub fn add(&mut self, position: u64, short: Option<&[u8]>) -> Result<(), StoreError> {
        match short {
            Some(bytes) => self.short.push(observation(position, bytes)?),
            None => self.whole.push(position),
        }
        Ok(())
    }

    /// The positions that a fold must read whole: those without a short form, and the latest
    /// snapshot, both of all and of those that count. What repeats it is as late as it is.
    pub fn wanted(&self) -> Vec<u64> {
        let latest = |counted: bool| {
            let places = self.short.iter().filter(|one| one.counted || !counted);
            places.filter_map(Observation::place).max()
        };
        let latest: [Option<(Version, u8, [u8; 32])>; 2] = [latest(true), latest(false)];
        let decides = |one: &&Observation| latest.contains(&one.place());
        let mut wanted = self.whole.clone();
        wanted.extend(self.short.iter().filter(decides).map(|one| one.position));
        wanted
    }

    /// All observations in journal order; those read whole take the place of their short forms.
    pub fn observations(self, whole: Vec<Observation>) -> Vec<Observation> {
        let read: Vec<u64> = whole.iter().map(|one| one.position).collect();
        let mut all = whole;
        all.extend(self.short.into_iter().filter(|one| !read.contains(&one.position)));
        all.sort_by_key(|one| one.position);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        registry::{Doubt, Groups, Identity, Settings, fold, group, properties::a_history},
        store::{Rules, effect::effect},
    };

    /// What a store gives a fold of a history: names in short, what is wanted of them whole.
    fn as_read(history: &[Observation]) -> Vec<Observation> {
        let mut names: BTreeMap<Identity, Name> = BTreeMap::new();
        for one in history {
            let name = names.entry(one.identity()).or_default();
            name.add(one.position, text(one).as_deref()).unwrap();
        }
        let read = |positions: Vec<u64>| -> Vec<Observation> {
            history.iter().filter(|one| positions.contains(&one.position)).cloned().collect()
        };
        let wanted: Vec<Vec<Observation>> =
            names.values().map(|name| read(name.wanted())).collect();
        if wanted.iter().flatten().any(|one| one.supersedes.is_some()) {
            return history.to_vec();
        }
        let read = names.into_values().zip(wanted);
        let mut all: Vec<_> = read.flat_map(|(name, whole)| name.observations(whole)).collect();
        all.sort_by_key(|one| one.position);
        all
    }

    /// What is doubtful about all dossiers of a history.
    fn doubts(history: &[Observation]) -> Vec<Doubt> {
        let Groups { dossiers, mut doubts, .. } = group(history, &[]);
        for places in dossiers.into_values() {
            let own: Vec<&Observation> = places.iter().map(|place| &history[*place]).collect();
            let found = fold(&own, &Rules::default().reference);
            doubts.extend(found.into_iter().flat_map(|(_, found)| found));
        }
        doubts
    }

    proptest! {
        #[test]
        fn a_fold_of_short_forms_is_the_fold_of_everything(history in a_history()) {
            let mut history = history;
            for (position, one) in (0..).zip(&mut history) {
                one.position = position;
            }
            let rules = Rules::default();
            let read = as_read(&history);
            prop_assert_eq!(read.len(), history.len());
            let fold = |all: &[Observation]| {
                effect(all, &BTreeMap::new(), &Settings::default(), &rules)
            };
            let (whole, short) = (fold(&history), fold(&read));
            prop_assert_eq!(whole.dossiers, short.dossiers);
            prop_assert_eq!(whole.members, short.members);
            prop_assert_eq!(whole.counts, short.counts);
            prop_assert_eq!(doubts(&history), doubts(&read));
        }

        #[test]
        fn damage_is_told_and_never_a_panic(history in a_history(), at: prop::sample::Index) {
            for bytes in history.iter().filter_map(text) {
                let kept = &bytes[..at.index(bytes.len())];
                prop_assert!(observation(7, kept).is_err());
                prop_assert!(observation(7, &bytes).is_ok());
            }
        }
    }
}
