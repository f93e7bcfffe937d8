//! The keys of rollups as numbers, on every store alike. Migrations say how they are laid out.

const MEASURE_BITS: u32 = 8;
const OUTER_BITS: u32 = 30;
const YEAR_BITS: u32 = 15;

/// Added to a year, so that every year of the calendar is a number from 0.
const YEAR_OFFSET: i64 = 10_000;

/// A slot in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// As of a [`RollupKey`](super::RollupKey).
    pub level: u8,
    /// The number of what is counted.
    pub measure: i64,
    /// The number of the outer name; that of the name of no letters on a level without one.
    pub outer: i64,
    /// The calendar year.
    pub year: i16,
}

impl Slot {
    /// The greatest number that a measure may have.
    pub const MEASURE_MAX: i64 = (1 << MEASURE_BITS) - 1;
    /// The greatest number that an outer name may have.
    pub const OUTER_MAX: i64 = (1 << OUTER_BITS) - 1;
    /// The first year there is.
    pub const YEAR_MIN: i16 = -9_999;
    /// The last year there is.
    pub const YEAR_MAX: i16 = 9_999;

    /// As one number, which sorts as its parts do; `None` where a name's number does not fit.
    pub fn number(self) -> Option<i64> {
        let year = i64::from(self.year) + YEAR_OFFSET;
        let fits = self.measure >> MEASURE_BITS == 0
            && self.outer >> OUTER_BITS == 0
            && year >> YEAR_BITS == 0;
        let named = (i64::from(self.level) << MEASURE_BITS | self.measure) << OUTER_BITS;
        fits.then_some((named | self.outer) << YEAR_BITS | year)
    }

    /// The parts of a number; `None` where it is none that the hub writes.
    pub fn of(number: i64) -> Option<Self> {
        let part = |below: u32, bits: u32| (number >> below) & ((1 << bits) - 1);
        let (outer, measure) = (YEAR_BITS, YEAR_BITS + OUTER_BITS);
        Some(Self {
            level: u8::try_from(number >> (measure + MEASURE_BITS)).ok()?,
            measure: part(measure, MEASURE_BITS),
            outer: part(outer, OUTER_BITS),
            year: i16::try_from(part(0, YEAR_BITS) - YEAR_OFFSET).ok()?,
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
            for (measure, outer) in [(0, 0), (0, 1), (1, 0), ((1 << 8) - 1, (1 << 30) - 1)] {
                for year in [Slot::YEAR_MIN, -1, 0, 1970, Slot::YEAR_MAX] {
                    let slot = Slot { level, measure, outer, year };
                    let number = slot.number().unwrap();
                    assert_eq!(Slot::of(number), Some(slot));
                    assert!(number > last, "{slot:?}");
                    last = number;
                }
            }
        }
    }

    #[test]
    fn a_name_that_does_not_fit_has_no_slot() {
        let slot = Slot { level: 0, measure: 1 << 8, outer: 0, year: 0 };
        assert_eq!(slot.number(), None);
        assert_eq!(Slot { measure: 0, outer: 1 << 30, ..slot }.number(), None);
        assert_eq!(Slot { measure: 0, year: -10_001, ..slot }.number(), None);
    }
}
