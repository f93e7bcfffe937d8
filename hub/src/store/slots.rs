//! When what answers rest on was last touched.

use std::sync::atomic::{AtomicU64, Ordering};

/// Slots among which marks are spread; marks that share one are touched together.
const SLOTS: usize = 1 << 16;

/// The last moment at which each mark may have been touched: a number that only grows.
#[derive(Debug)]
pub(super) struct Slots {
    /// The last moment at which anything may have been touched.
    anything: AtomicU64,
    marks: Box<[AtomicU64]>,
}

impl Default for Slots {
    fn default() -> Self {
        let marks = (0..SLOTS).map(|_| AtomicU64::default()).collect();
        Self { anything: AtomicU64::default(), marks }
    }
}

fn slot(mark: u64) -> usize {
    usize::try_from(mark % SLOTS as u64).unwrap_or_default()
}

impl Slots {
    /// These are touched at a moment.
    pub(super) fn touch(&self, marks: impl Iterator<Item = u64>, moment: u64) {
        for slot in marks.filter_map(|mark| self.marks.get(slot(mark))) {
            slot.store(moment, Ordering::Release);
        }
    }

    /// Anything may be touched at a moment.
    pub(super) fn touch_anything(&self, moment: u64) {
        self.anything.store(moment, Ordering::Release);
    }

    /// Whether none of these was touched after a moment.
    pub(super) fn untouched(&self, marks: &[u64], since: u64) -> bool {
        let untouched = |mark: &u64| {
            let slot = self.marks.get(slot(*mark));
            slot.is_some_and(|slot| slot.load(Ordering::Acquire) <= since)
        };
        self.anything.load(Ordering::Acquire) <= since && marks.iter().all(untouched)
    }
}
