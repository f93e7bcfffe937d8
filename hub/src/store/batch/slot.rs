//! The keys of rollups as numbers, on every store alike. Migrations say how they are laid out.

use super::rollups::Span;

const SPAN_BITS: u32 = 2;
const MEASURE_BITS: u32 = 6;
const OUTER_BITS: u32 = 30;
const DAY_BITS: u32 = 22;

/// Added to a day, so that every day from year 0 to year 9999 is a number from 0.
const DAY_OFFSET: i64 = 1_000_000;

/// A slot in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// As of a [`RollupKey`](super::RollupKey): less than 8.
    pub level: u8,
    /// The stretch.
    pub span: Span,
    /// The number of what is counted.
    pub measure: i64,
    /// The number of the outer name; that of the name of no letters on a level without one.
    pub outer: i64,
    /// First day of the stretch, from 1970-01-01.
    pub day: i32,
}

impl Slot {
    /// The greatest number that a measure may have.
    pub const MEASURE_MAX: i64 = (1 << MEASURE_BITS) - 1;
    /// The greatest number that an outer name may have.
    pub const OUTER_MAX: i64 = (1 << OUTER_BITS) - 1;
    /// The first day there may be.
    pub const DAY_MIN: i32 = -1_000_000;
    /// The last day there may be.
    pub const DAY_MAX: i32 = 3_000_000;

    /// As one number, which sorts as its parts do; `None` where a name's number or a day does not
    /// fit.
    pub fn number(self) -> Option<i64> {
        let day = i64::from(self.day) + DAY_OFFSET;
        let fits = self.measure >> MEASURE_BITS == 0
            && self.outer >> OUTER_BITS == 0
            && day >> DAY_BITS == 0;
        let spans = i64::from(self.level) << SPAN_BITS | i64::from(self.span as u8);
        let named = (spans << MEASURE_BITS | self.measure) << OUTER_BITS | self.outer;
        fits.then_some(named << DAY_BITS | day)
    }

    /// The parts of a number; `None` where it is none that the hub writes.
    pub fn of(number: i64) -> Option<Self> {
        let part = |below: u32, bits: u32| (number >> below) & ((1 << bits) - 1);
        let (outer, measure) = (DAY_BITS, DAY_BITS + OUTER_BITS);
        let span = measure + MEASURE_BITS;
        Some(Self {
            level: u8::try_from(number >> (span + SPAN_BITS)).ok()?,
            span: Span::from_number(u8::try_from(part(span, SPAN_BITS)).ok()?)?,
            measure: part(measure, MEASURE_BITS),
            outer: part(outer, OUTER_BITS),
            day: i32::try_from(part(0, DAY_BITS) - DAY_OFFSET).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_its_number_and_sorts_like_it() {
        let mut last = i64::MIN;
        for level in 0..8 {
            for span in Span::ALL {
                for (measure, outer) in [(0, 0), (0, 1), (1, 0), ((1 << 6) - 1, (1 << 30) - 1)] {
                    for day in [-719_528, -1, 0, 20_000, 2_932_896] {
                        let slot = Slot { level, span, measure, outer, day };
                        let number = slot.number().unwrap();
                        assert_eq!(Slot::of(number), Some(slot));
                        assert!(number > last, "{slot:?}");
                        last = number;
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_that_does_not_fit_has_no_slot() {
        let slot = Slot { level: 0, span: Span::Day, measure: 1 << 6, outer: 0, day: 0 };
        assert_eq!(slot.number(), None);
        assert_eq!(Slot { measure: 0, outer: 1 << 30, ..slot }.number(), None);
        assert_eq!(Slot { measure: 0, day: -1_000_001, ..slot }.number(), None);
    }
}
