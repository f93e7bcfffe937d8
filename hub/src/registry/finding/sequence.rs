//! Numbers that dossiers of an agency and a day bear, and those that none does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Stretches of missing numbers that are told.
const TOLD_MAX: usize = 10;

/// Numbers in stretches, so that a day without gaps takes no room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// First and last of each stretch, in order, apart from each other.
    runs: Vec<(u32, u32)>,
    /// How many more times a number is borne than once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    more: BTreeMap<u32, u32>,
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// The greatest number that is borne.
    pub(super) last: u32,
    /// How many before it are not.
    pub(super) count: u32,
    /// Which, the first of them.
    pub(super) told: String,
}

impl Numbers {
    /// The stretch that holds a number, or the place where one would lie.
    fn find(&self, number: u32) -> Result<usize, usize> {
        self.runs.binary_search_by(|(first, last)| {
            if *last < number {
                std::cmp::Ordering::Less
            } else if number < *first {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
    }

    /// One more dossier bears a number.
    pub(super) fn add(&mut self, number: u32) {
        let at = match self.find(number) {
            Ok(_) => {
                *self.more.entry(number).or_default() += 1;
                return;
            }
            Err(at) => at,
        };
        let before = at.checked_sub(1).filter(|before| self.runs[*before].1 + 1 == number);
        let after = self.runs.get(at).is_some_and(|(first, _)| number + 1 == *first);
        match (before, after) {
            (Some(before), true) => {
                self.runs[before].1 = self.runs[at].1;
                self.runs.remove(at);
            }
            (Some(before), false) => self.runs[before].1 = number,
            (None, true) => self.runs[at].0 = number,
            (None, false) => self.runs.insert(at, (number, number)),
        }
    }

    /// One dossier bears it no more.
    pub(super) fn remove(&mut self, number: u32) {
        if let Some(more) = self.more.get_mut(&number) {
            *more -= 1;
            if *more == 0 {
                self.more.remove(&number);
            }
            return;
        }
        let Ok(at) = self.find(number) else { return };
        let (first, last) = self.runs.remove(at);
        if number < last {
            self.runs.insert(at, (number + 1, last));
        }
        if first < number {
            self.runs.insert(at, (first, number - 1));
        }
    }

    /// What is missing from 1 on; none where nothing is.
    pub(super) fn missing(&self) -> Option<Missing> {
        let last = self.runs.last()?.1;
        let borne: u32 = self.runs.iter().map(|(first, last)| last - first + 1).sum();
        let count = last.checked_sub(borne).filter(|count| *count > 0)?;
        let ends = std::iter::once(0).chain(self.runs.iter().map(|(_, last)| *last));
        let gaps = ends.zip(self.runs.iter().map(|(first, _)| *first));
        let gaps = gaps.filter(|(end, first)| end + 1 < *first);
        let mut told: Vec<String> = gaps
            .clone()
            .take(TOLD_MAX)
            .map(|(end, first)| match first - end {
                2 => format!("{:04}", end + 1),
                _ => format!("{:04}–{:04}", end + 1, first - 1),
            })
            .collect();
        if gaps.count() > TOLD_MAX {
            told.push("…".to_owned());
        }
        Some(Missing { last, count, told: told.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn missing_numbers_are_told_in_stretches() {
        let mut numbers = Numbers::default();
        [2, 4, 9, 4, 3].into_iter().for_each(|one| numbers.add(one));
        let missing = numbers.missing().unwrap();
        assert_eq!((missing.last, missing.count), (9, 5));
        assert_eq!(missing.told, "0001, 0005–0008");
        [1, 5, 6, 7, 8].into_iter().for_each(|one| numbers.add(one));
        assert_eq!(numbers.missing(), None);
        numbers.remove(4);
        assert_eq!(numbers.missing(), None, "another dossier bears it");
        numbers.remove(4);
        assert_eq!(numbers.missing().unwrap().told, "0004");
    }

    proptest! {
        #[test]
        fn stretches_hold_what_a_plain_count_holds(
            added in prop::collection::vec(1..40_u32, 0..60),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let (mut numbers, mut plain) = (Numbers::default(), BTreeMap::<u32, u32>::new());
            for one in &added {
                numbers.add(*one);
                *plain.entry(*one).or_default() += 1;
            }
            for at in removed.iter().filter(|_| !added.is_empty()) {
                let one = added[at.index(added.len())];
                if let Some(count) = plain.get_mut(&one).filter(|count| **count > 0) {
                    *count -= 1;
                    numbers.remove(one);
                }
            }
            plain.retain(|_, count| *count > 0);
            let last = plain.keys().max().copied().unwrap_or(0);
            let missing = last - plain.len() as u32;
            prop_assert_eq!(numbers.missing().map_or(0, |one| one.count), missing);
            plain.iter().for_each(|(one, count)| (0..*count).for_each(|_| numbers.remove(*one)));
            prop_assert_eq!(numbers, Numbers::default());
        }
    }
}
