//! Sums of many deltas at once, so that numbers as of an old position are a few of them (decision
//! 35). Pure: every store reads and writes its rows for itself.
//!
//! A stride is what the deltas of a run of entries come to, on the levels of the rollups. Strides
//! are numbered from 1; each ends a fixed number of entries after the one before it, and reaches
//! back as far as its number is divisible by two: as in a tree of prefix sums, what there was
//! before any boundary is as many strides as its number has ones, and each is made of the entries
//! at its end and of the strides that lie in it.

use super::{Answer, StoreError, batch::YearSums};

/// Entries between two boundaries.
pub const ENTRIES: u64 = if cfg!(test) { 4 } else { 8_192 };
/// Rows of a stride that are written at once: whoever appends waits for no more than that.
pub(super) const ROWS_AT_ONCE: usize = if cfg!(test) { 16 } else { 8_192 };

/// Strides behind the journal. One method = one transaction, or what reads for one.
pub trait Strides: Send + Sync {
    /// Makes what is next of a stride that the rollups have passed; gives whether anything was.
    fn make_stride(&self) -> Answer<'_, Result<bool, StoreError>>;

    /// How many strides there are.
    fn strides(&self) -> Answer<'_, Result<u64, StoreError>>;
}

/// The number of a stride as stores have it.
pub(super) fn number(stride: u64) -> Result<i64, StoreError> {
    i64::try_from(stride).map_err(|_| StoreError::fault("there are more strides than numbers"))
}

/// The positions of the entries at a stride's end.
pub(super) fn own(stride: u64) -> (u64, u64) {
    (stride.saturating_sub(1) * ENTRIES, stride * ENTRIES)
}

/// The positions of all entries of a stride.
pub(super) fn of(stride: u64) -> (u64, u64) {
    ((stride & stride.saturating_sub(1)) * ENTRIES, stride * ENTRIES)
}

/// The strides within one.
pub(super) fn within(stride: u64) -> Vec<u64> {
    (0..stride.trailing_zeros()).map(|bit| stride - (1 << bit)).collect()
}

/// The strides that make up all entries before a boundary.
pub(super) fn before(boundary: u64) -> Vec<u64> {
    let mut all = Vec::new();
    let mut left = boundary;
    while left > 0 {
        all.push(left);
        left &= left - 1;
    }
    all
}

/// What makes up the numbers as of a position: sums that are kept, and deltas to add or take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// Strides; none where it is the rollups.
    pub(super) strides: Option<Vec<u64>>,
    /// Positions of the deltas.
    pub(super) deltas: (u64, u64),
    /// 1 where they are added, -1 where they are taken back.
    pub(super) sign: i64,
}

/// The way that reads the fewest deltas, where rollups hold those before a position and so many
/// strides are made.
pub(super) fn way(as_of: u64, rolled: u64, made: u64) -> Way {
    let boundary = ((as_of + ENTRIES / 2) / ENTRIES).min(made);
    let at = boundary * ENTRIES;
    let (from, sign) = match as_of.abs_diff(at) < as_of.abs_diff(rolled) {
        true => (at, Some(before(boundary))),
        false => (rolled, None),
    };
    let (strides, sign) = (sign, if as_of >= from { 1 } else { -1 });
    Way { strides, deltas: (from.min(as_of), from.max(as_of)), sign }
}

/// A row of a stride: its slot and inner name by number, and its days.
pub(super) type Row = ((i64, i64), YearSums);

/// Rows of one part of a stride from some key on, and whether there are more behind them.
pub(super) type Page = (Vec<Row>, bool);

/// Adds the parts of a stride up, as far as all of them are read; and whether that is all.
pub(super) fn merged(parts: Vec<Page>) -> (Vec<Row>, bool) {
    let ends = parts.iter().filter(|(_, more)| *more);
    let end = ends.filter_map(|(rows, _)| rows.last().map(|(key, _)| *key)).min();
    let mut all: Vec<Row> = parts.into_iter().flat_map(|(rows, _)| rows).collect();
    all.retain(|(key, _)| end.is_none_or(|end| *key <= end));
    all.sort_by_key(|(key, _)| *key);
    let mut rows: Vec<Row> = Vec::with_capacity(all.len());
    for (key, sums) in all {
        match rows.last_mut() {
            Some((last, held)) if *last == key => held.add(&sums),
            _ => rows.push((key, sums)),
        }
    }
    (rows, end.is_none())
}

/// Days as a stride has them.
pub(super) fn unpacked(bytes: &[u8]) -> Result<YearSums, StoreError> {
    YearSums::unpacked(bytes).ok_or_else(damaged)
}

fn damaged() -> StoreError {
    StoreError::fault("the days of a stride are damaged")
}

/// What is told of a stride that is not what its deltas come to.
pub(super) fn differs(stride: u64) -> String {
    let (from, to) = of(stride);
    format!("the sums of the entries {from} to {} differ from their deltas", to - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stride_is_the_entries_at_its_end_and_the_strides_in_it() {
        assert_eq!((of(1), of(6), of(8)), ((0, 4), (16, 24), (0, 32)));
        assert_eq!((within(7), within(8)), (vec![], vec![7, 6, 4]));
        assert_eq!((before(0), before(7)), (vec![], vec![7, 6, 4]));
    }

    proptest! {
        #[test]
        fn strides_and_deltas_make_up_every_position_once(
            as_of in 0..4_000_u64, behind in 0..40_u64, more in 0..400_u64, fewer in 0..3_u64,
        ) {
            let rolled = (as_of + more).saturating_sub(behind);
            let made = (rolled / ENTRIES).saturating_sub(fewer);
            let Way { strides, deltas, sign } = way(as_of, rolled, made);
            let covered = |position: u64| -> i64 {
                let kept = match &strides {
                    None => i64::from(position < rolled),
                    Some(strides) => {
                        let has = |one: &&u64| (of(**one).0..of(**one).1).contains(&position);
                        strides.iter().filter(has).count() as i64
                    }
                };
                kept + if (deltas.0..deltas.1).contains(&position) { sign } else { 0 }
            };
            for position in 0..as_of.max(rolled) {
                prop_assert_eq!(covered(position), i64::from(position < as_of), "{}", position);
            }
            prop_assert!(strides.iter().flatten().all(|one| *one <= made));
            if fewer == 0 && as_of <= rolled {
                prop_assert!(deltas.1 - deltas.0 <= 2 * ENTRIES, "{:?}", deltas);
            }
        }

        #[test]
        fn a_stride_is_made_of_its_parts(stride in 1..10_000_u64) {
            let mut parts: Vec<(u64, u64)> = within(stride).into_iter().map(of).collect();
            parts.push(own(stride));
            parts.sort_unstable();
            let (first, last) = of(stride);
            prop_assert_eq!((parts[0].0, parts[parts.len() - 1].1), (first, last));
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
        }
    }
}
