//! Which refusals a batch opens, and which are open no more.
//!
//! A refusal is open until its agency has mended it. It has where a later attempt takes its
//! message's place under the same id, and where a later message of the channel tells the record
//! again, by its key: stored, or refused anew, which is another refusal of the same record.

use std::collections::{BTreeSet, HashMap, HashSet};

use contracts::Refusal;

/// Longest key that is kept of a refused record; what is longer is no key that could be stored.
const KEY_BYTES_MAX: usize = 1_024;

/// One refusal that a batch opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRefusal {
    /// Its channel.
    pub channel: String,
    /// The attempt.
    pub message: u64,
    /// The entry that tells it.
    pub position: u64,
    /// Its place among those of that entry, from 0.
    pub place: u32,
    /// The key that its record bears, where that could be read.
    pub key: Option<String>,
    /// The codes of its problems, each once.
    pub codes: BTreeSet<String>,
}

/// What a batch does to open refusals.
#[derive(Debug, Default)]
pub struct Refused {
    /// Opened, and open at its end.
    pub opened: Vec<OpenRefusal>,
    /// Attempts whose places were taken.
    pub replaced: HashSet<u64>,
    /// Keys that were told, by channel, and the position at which each was last: what was refused
    /// under them before that is mended.
    pub told: HashMap<String, HashMap<String, u64>>,
}

/// A key as it is kept; none for one that no record could have.
fn kept(key: &str) -> Option<String> {
    let is_one = !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.contains('\0');
    is_one.then(|| key.to_owned())
}

impl Refused {
    /// Another attempt takes the place of this one.
    pub(super) fn in_place_of(&mut self, message: u64) {
        self.replaced.insert(message);
    }

    /// A record was told under a key.
    pub(super) fn told(&mut self, channel: &str, key: &str, position: u64) {
        if !self.told.contains_key(channel) {
            self.told.insert(channel.to_owned(), HashMap::new());
        }
        let Some(keys) = self.told.get_mut(channel) else { return };
        match keys.get_mut(key) {
            Some(last) => *last = position,
            None => drop(keys.insert(key.to_owned(), position)),
        }
    }

    /// An entry tells refusals; `keys` are those of their records.
    pub(super) fn open(
        &mut self,
        (channel, message, position): (&str, u64, u64),
        refusals: &[Refusal],
        keys: &[Option<&str>],
    ) {
        for (place, (refusal, key)) in (0..).zip(refusals.iter().zip(keys)) {
            let key = key.and_then(kept);
            if let Some(key) = &key {
                self.told(channel, key, position);
            }
            let codes = refusal.problems.iter().map(|problem| problem.code.clone()).collect();
            let channel = channel.to_owned();
            self.opened.push(OpenRefusal { channel, message, position, place, key, codes });
        }
    }

    /// Ends the batch: what it has itself mended was never open.
    pub(super) fn close(&mut self) {
        let Self { opened, replaced, told } = self;
        opened.retain(|one| {
            let keys = told.get(&one.channel);
            let last = one.key.as_ref().and_then(|key| keys?.get(key));
            !replaced.contains(&one.message) && last.is_none_or(|last| *last <= one.position)
        });
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.replaced.is_empty() && self.told.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Problem, problem};

    use super::*;

    fn refusal() -> Refusal {
        let fault = || Problem::new(&problem::MISSING_MEMBER);
        Refusal { record: Some(1), problems: vec![fault(), fault()] }
    }

    #[test]
    fn what_a_batch_mends_itself_was_never_open() {
        let mut refused = Refused::default();
        let both = [refusal(), refusal()];
        refused.open(("a.b", 1, 10), &both, &[Some("K-1"), None]);
        refused.open(("a.c", 2, 11), &both[..1], &[Some("K-1")]);
        refused.open(("a.b", 3, 12), &both[..1], &[Some("K-2")]);
        refused.told("a.b", "K-1", 13);
        refused.open(("a.b", 4, 14), &both[..1], &[Some("K-2")]);
        refused.in_place_of(2);
        refused.close();
        let left: Vec<_> = refused.opened.iter().map(|one| (one.position, one.place)).collect();
        assert_eq!(left, [(10, 1), (14, 0)]);
        assert_eq!(refused.opened[0].codes.len(), 1);
    }

    #[test]
    fn a_key_that_no_record_can_have_is_none() {
        assert_eq!(kept("HS-1").as_deref(), Some("HS-1"));
        for key in ["", "a\0b", &"k".repeat(KEY_BYTES_MAX + 1)] {
            assert_eq!(kept(key), None);
        }
    }
}
