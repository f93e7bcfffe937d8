//! The records about no dossier that a batch may touch: which telling of each is current.

use std::collections::HashMap;

use crate::registry::{RecordName, RecordRow};

/// Where the current telling of a record stands.
#[derive(Debug)]
enum Current {
    /// In the store.
    Stored(Box<RecordRow>),
    /// Among those of the batch.
    Fresh(usize),
}

/// A stored telling that is current no more: its position, and that of what replaced it.
pub type Replaced = (u64, u64);

/// Current tellings, and what becomes of them.
#[derive(Debug, Default)]
pub struct Records {
    current: HashMap<RecordName, Current>,
    fresh: Vec<RecordRow>,
    replaced: Vec<Replaced>,
}

impl Records {
    /// A current telling as stored.
    pub fn known(&mut self, row: RecordRow) {
        self.current.insert(row.telling.name.clone(), Current::Stored(Box::new(row)));
    }

    /// Adds what was read of other records; what was read of the same ones is the same.
    pub(super) fn absorb(&mut self, other: Self) {
        for (name, current) in other.current {
            self.current.entry(name).or_insert(current);
        }
    }

    /// Whether anything was told of a record.
    pub(super) fn has(&self, name: &RecordName) -> bool {
        self.current.contains_key(name)
    }

    /// Whether a record's current telling is this one.
    pub(super) fn has_told(&self, name: &RecordName, hash: &[u8; 32]) -> bool {
        match self.current.get(name) {
            Some(Current::Stored(held)) => held.content_hash == *hash,
            Some(Current::Fresh(at)) => {
                self.fresh.get(*at).is_some_and(|row| row.content_hash == *hash)
            }
            None => false,
        }
    }

    /// Takes one more telling. One that is older than the current one changes nothing.
    pub fn apply(&mut self, row: RecordRow) {
        let at = self.fresh.len();
        match self.current.get(&row.telling.name) {
            Some(Current::Stored(held)) => {
                if !row.replaces(held) {
                    return;
                }
                self.replaced.push((held.position, row.position));
            }
            Some(Current::Fresh(held)) => {
                let Some(held) = self.fresh.get_mut(*held) else { return };
                if !row.replaces(held) {
                    return;
                }
                held.until = Some(row.position);
            }
            None => {}
        }
        self.current.insert(row.telling.name.clone(), Current::Fresh(at));
        self.fresh.push(row);
    }

    /// What was added, in the order of positions, and what of the stored was replaced.
    pub fn close(self) -> (Vec<RecordRow>, Vec<Replaced>) {
        (self.fresh, self.replaced)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::registry::Telling;

    fn row(position: u64, key: u8, version: u8, content: u8, withdraws: bool) -> RecordRow {
        let key = format!("k-{}", key % 3);
        let name = RecordName { contract: "votes/1".into(), agency: "so-y-te".into(), key };
        // Some declare a row version, some a time; a withdrawal always a time.
        let day = format!("2024-03-{:02}", version % 9 + 1);
        let version = match (withdraws, version % 2) {
            (false, 0) => Some((version / 2).to_string()),
            _ => Some(day),
        };
        RecordRow {
            position,
            until: None,
            telling: Telling { name, day: 0, version, withdraws },
            recorded_at: Timestamp::UNIX_EPOCH,
            content_hash: [content; 32],
        }
    }

    /// What is current at the end, without the positions.
    fn ends(rows: &[RecordRow]) -> Vec<(RecordName, Option<String>, bool, [u8; 32])> {
        let mut ends: Vec<_> = rows
            .iter()
            .filter(|row| row.until.is_none())
            .map(|row| {
                let Telling { name, version, withdraws, .. } = row.telling.clone();
                (name, version, withdraws, row.content_hash)
            })
            .collect();
        ends.sort();
        ends
    }

    fn folded(told: &[RecordRow]) -> Vec<RecordRow> {
        let mut records = Records::default();
        told.iter().cloned().for_each(|row| records.apply(row));
        records.close().0
    }

    proptest! {
        #[test]
        fn the_current_telling_depends_on_the_set_alone(
            told in prop::collection::vec(any::<(u8, u8, u8, bool)>(), 1..24),
            order in any::<prop::sample::Index>(),
            turn in any::<bool>(),
        ) {
            let told: Vec<RecordRow> = (0..)
                .zip(&told)
                .map(|(at, (key, version, content, out))| row(at, *key, *version, *content, *out))
                .collect();
            let mut other = told.clone();
            other.rotate_left(order.index(told.len()));
            if turn {
                other.reverse();
            }
            other.extend(told.first().cloned());
            for (at, one) in (0..).zip(&mut other) {
                one.position = at;
            }
            prop_assert_eq!(ends(&folded(&told)), ends(&folded(&other)));
        }

        #[test]
        fn a_batch_goes_on_where_the_one_before_it_ended(
            told in prop::collection::vec(any::<(u8, u8, u8, bool)>(), 1..24),
            cut in any::<prop::sample::Index>(),
        ) {
            let told: Vec<RecordRow> = (0..)
                .zip(&told)
                .map(|(at, (key, version, content, out))| row(at, *key, *version, *content, *out))
                .collect();
            let (first, second) = told.split_at(cut.index(told.len()));
            let mut stored = folded(first);
            let mut records = Records::default();
            stored.iter().filter(|row| row.until.is_none()).for_each(|row| {
                records.known(row.clone());
            });
            second.iter().cloned().for_each(|row| records.apply(row));
            let (fresh, replaced) = records.close();
            for (position, until) in replaced {
                stored.iter_mut().filter(|row| row.position == position).for_each(|row| {
                    row.until = Some(until);
                });
            }
            stored.extend(fresh);
            prop_assert_eq!(stored, folded(&told));
        }
    }
}
