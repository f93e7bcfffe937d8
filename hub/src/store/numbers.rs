//! Which sums answer a question about numbers, and how they are added up. Pure: every store reads
//! its rollups and deltas for itself.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, hash_map::Entry},
    ops::Deref,
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{
    CellQuery, CellRow, StoreError, audit,
    batch::{
        Delta, Level,
        year::{Years, year_of, years},
    },
};
use crate::registry::{Dimension, Measure, Place};

/// Before any day on which something was counted: the first day of the calendar.
const DAY_MIN: i32 = -719_162;

impl CellQuery {
    /// Whether sums are kept for it; else every change is read.
    pub fn is_kept(&self) -> bool {
        self.level().is_some()
    }

    /// The level of the lattice that answers it; `None` where none is kept for it.
    pub(super) fn level(&self) -> Option<&'static Level> {
        let dimensions: BTreeSet<Dimension> = self.dimensions().collect();
        Level::keeping(&dimensions)
    }

    /// The dimensions that matter to it.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        Dimension::ALL
            .into_iter()
            .filter(|one| self.by.contains(one) || self.only.contains_key(one))
    }

    /// The only value of a level's dimension that is asked for; all where absent.
    pub(super) fn only(&self, dimension: Option<Dimension>) -> Option<&str> {
        self.only.get(&dimension?).map(String::as_str)
    }

    /// Whether a measure is asked for.
    pub(super) fn wants(&self, measure: &str) -> bool {
        self.measures.is_empty() || self.measures.contains(measure)
    }

    /// The years of a measure to read, each with whether its days are shown one by one.
    pub(super) fn years(&self, measure: &str) -> Vec<(Years, bool)> {
        let (from, to) = (self.from, self.to);
        let mut wanted: Vec<(Years, bool)> = Vec::new();
        if !self.wants(measure) {
            return wanted;
        }
        if self.by_day {
            let (first, last) = (year_of(from), year_of(to));
            wanted.push((Years { first, last, days: Some((from, to)) }, true));
        }
        let whole = match (self.by_day, Measure::is_gauge_name(measure)) {
            (false, false) => years(from, to),
            (false, true) => years(DAY_MIN, to),
            (true, true) => years(DAY_MIN, from - 1),
            (true, false) => Vec::new(),
        };
        wanted.extend(whole.into_iter().map(|years| (years, false)));
        wanted
    }

    /// The day that a number of a day is shown under; `None` where it is not asked for.
    fn shown(&self, counts: Counts, day: i32) -> Option<i32> {
        let before = day < self.from && !counts.gauge;
        let asked = !before && day <= self.to && counts.wanted;
        asked.then(|| if self.by_day { day.max(self.before()) } else { self.to })
    }

    /// The day that the days before the first one are shown under.
    pub(super) fn before(&self) -> i32 {
        self.from.saturating_sub(1)
    }

    /// Whether a place is asked for.
    fn asks(&self, place: &Place) -> bool {
        self.only.iter().all(|(dimension, value)| dimension.of(place) == value)
    }
}

/// A measure in the sums of one answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    number: u16,
    /// Whether it lasts: then what was before the days counts too.
    pub(super) gauge: bool,
    /// Whether it is asked for.
    pub(super) wanted: bool,
}

/// The number of a place in the sums of one answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(u32);

/// The sums of one answer. Measures and places are numbers here, so that adding costs no text.
pub(super) struct Sums<'a> {
    query: &'a CellQuery,
    measures: Vec<&'static str>,
    known: HashMap<&'static str, Counts, RandomState>,
    /// What tells places apart.
    dimensions: Arc<[Dimension]>,
    places: Vec<Arc<Place>>,
    /// Places by their values in those dimensions: names that are empty in all others are not
    /// compared each time.
    numbers: HashMap<Box<[u8]>, At, RandomState>,
    /// The values looked for last.
    values: Vec<u8>,
    sums: HashMap<(u32, u16, i32), i64, RandomState>,
}

impl<'a> Sums<'a> {
    /// None yet.
    pub(super) fn new(query: &'a CellQuery) -> Self {
        Self {
            query,
            measures: Vec::new(),
            known: HashMap::default(),
            dimensions: query.dimensions().collect(),
            places: Vec::new(),
            numbers: HashMap::default(),
            values: Vec::new(),
            sums: HashMap::default(),
        }
    }

    /// A measure.
    ///
    /// # Errors
    /// When nothing is counted by that name.
    pub(super) fn measure(&mut self, name: &str) -> Result<Counts, StoreError> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let name = audit::measure(name)?;
        // There are some dozens of them.
        let number = u16::try_from(self.measures.len()).unwrap_or(u16::MAX);
        let (gauge, wanted) = (Measure::is_gauge_name(name), self.query.wants(name));
        self.measures.push(name);
        let counts = Counts { number, gauge, wanted };
        self.known.insert(name, counts);
        Ok(counts)
    }

    /// The place of some values, one for each dimension that tells places apart, in their order.
    fn at<'v>(&mut self, values: impl Iterator<Item = &'v str> + Clone) -> At {
        self.values.clear();
        // What has no byte at all is slow to compare: where it lies is no memory.
        self.values.push(0);
        for value in values.clone() {
            self.values.extend(value.len().to_le_bytes());
            self.values.extend(value.as_bytes());
        }
        if let Some(known) = self.numbers.get(&*self.values) {
            return *known;
        }
        let mut place = Place::default();
        for (dimension, value) in self.dimensions.iter().zip(values) {
            dimension.set(&mut place, value.to_owned());
        }
        let at = At(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        self.places.push(Arc::new(place));
        self.numbers.insert(self.values.as_slice().into(), at);
        at
    }

    /// The place that is left of one when it has no more dimensions than tell places apart.
    pub(super) fn place(&mut self, place: &Place) -> At {
        let dimensions = self.dimensions.clone();
        self.at(dimensions.iter().map(|one| one.of(place)))
    }

    /// The place of an outer and an inner name of a level.
    pub(super) fn named(&mut self, level: &Level, (outer, inner): (&str, &str)) -> At {
        let outer = level.outer.map(|_| outer);
        self.at(outer.into_iter().chain(level.inner.map(|_| inner)))
    }

    /// Adds a number under the day that it is shown under.
    pub(super) fn add(&mut self, at: At, counts: Counts, shown: i32, n: i64) {
        *self.sums.entry((at.0, counts.number, shown)).or_default() += n;
    }

    /// Adds what the rollups of a level say: a number at a place of that level, and its day.
    pub(super) fn rolled(&mut self, at: At, counts: Counts, day: i32, n: i64) {
        if let Some(shown) = self.query.shown(counts, day.min(self.query.to)) {
            self.add(at, counts, shown, n);
        }
    }

    /// Adds a delta that the rollups lack, or takes one back that they hold too many.
    ///
    /// # Errors
    /// When nothing is counted by the name of its measure.
    pub(super) fn delta(&mut self, delta: &Delta, sign: i64) -> Result<(), StoreError> {
        let counts = self.measure(delta.measure)?;
        if let Some(shown) = self.query.shown(counts, delta.day)
            && self.query.asks(&delta.place)
        {
            let at = self.place(&delta.place);
            self.add(at, counts, shown, sign * delta.n);
        }
        Ok(())
    }

    /// Adds what deltas were summed to elsewhere, told as they are to be shown.
    ///
    /// # Errors
    /// When nothing is counted by the name of the measure.
    pub(super) fn summed(
        &mut self,
        measure: &str,
        place: &Place,
        (day, n): (i32, i64),
    ) -> Result<(), StoreError> {
        let counts = self.measure(measure)?;
        if counts.wanted {
            let at = self.place(place);
            self.add(at, counts, day, n);
        }
        Ok(())
    }

    /// The numbers, without zeros: by measure, place and day.
    pub(super) fn rows(self) -> Vec<CellRow> {
        let Self { measures, dimensions, places, sums, .. } = self;
        let (measures, measure_ranks) = ranked(measures, str::cmp);
        let (places, place_ranks) = ranked(places, |one: &Place, other| {
            let values = dimensions.iter().map(|dimension| dimension.of(one));
            values.cmp(dimensions.iter().map(|dimension| dimension.of(other)))
        });
        let rank = |ranks: &[u32], number: usize| ranks.get(number).copied().unwrap_or_default();
        let mut cells: Vec<(u64, i32, i64)> = Vec::with_capacity(sums.len());
        for ((place, measure, day), n) in sums.into_iter().filter(|(_, n)| *n != 0) {
            let measure = u64::from(rank(&measure_ranks, measure.into()));
            cells.push((measure << 32 | u64::from(rank(&place_ranks, place as usize)), day, n));
        }
        cells.sort_unstable_by_key(|(of, day, _)| (*of, *day));
        let row = |(of, day, n): (u64, i32, i64)| {
            let measure = measures.get((of >> 32) as usize)?;
            let place = places.get((of & u64::from(u32::MAX)) as usize)?.clone();
            Some(CellRow { measure, place, day, n })
        };
        cells.into_iter().filter_map(row).collect()
    }
}

/// Puts all in order; and of each where it is then.
fn ranked<T: Deref>(
    all: Vec<T>,
    order: impl Fn(&T::Target, &T::Target) -> Ordering,
) -> (Vec<T>, Vec<u32>) {
    let mut numbered: Vec<(usize, T)> = all.into_iter().enumerate().collect();
    numbered.sort_unstable_by(|(_, one), (_, other)| order(one, other));
    let mut ranks = vec![0; numbered.len()];
    for (rank, (at, _)) in (0..).zip(&numbered) {
        if let Some(place) = ranks.get_mut(*at) {
            *place = rank;
        }
    }
    (numbered.into_iter().map(|(_, one)| one).collect(), ranks)
}

/// Adds changes by the numbers of their places, so that a place is looked at once.
pub(super) struct Scan<'s, 'a> {
    sums: &'s mut Sums<'a>,
    /// 1 where they are added, -1 where they are taken back.
    sign: i64,
    /// Where all count, if nothing tells places apart.
    everywhere: Option<At>,
    /// Where each place counts that was met; `None` for one that is not asked for.
    met: HashMap<i64, Option<At>, RandomState>,
    /// The place that was met last: an entry changes several numbers at one.
    last: Option<(i64, Option<At>)>,
    /// Measures by their numbers in the store, as far as they were met.
    measures: Vec<Option<Counts>>,
}

impl<'s, 'a> Scan<'s, 'a> {
    /// Nothing read yet.
    pub(super) fn new(sums: &'s mut Sums<'a>, sign: i64) -> Self {
        let everywhere = sums.dimensions.is_empty().then(|| sums.at(std::iter::empty()));
        let (met, measures) = (HashMap::default(), Vec::new());
        Self { sums, sign, everywhere, met, last: None, measures }
    }

    /// A measure by its number in the store and its name.
    fn measure(&mut self, (number, name): (usize, &str)) -> Result<Counts, StoreError> {
        if let Some(Some(known)) = self.measures.get(number) {
            return Ok(*known);
        }
        let counts = self.sums.measure(name)?;
        if self.measures.len() <= number {
            self.measures.resize(number + 1, None);
        }
        if let Some(known) = self.measures.get_mut(number) {
            *known = Some(counts);
        }
        Ok(counts)
    }

    /// Adds a change of a measure at the place of a number, which is read where it is met first:
    /// of what it is in the dimensions of the question.
    ///
    /// # Errors
    /// Those of reading the place, and when nothing is counted by the name of the measure.
    pub(super) fn add(
        &mut self,
        measure: (usize, &str),
        (day, n): (i32, i64),
        number: i64,
        place: &mut dyn FnMut(i64) -> Result<Place, StoreError>,
    ) -> Result<(), StoreError> {
        let counts = self.measure(measure)?;
        let Some(shown) = self.sums.query.shown(counts, day) else { return Ok(()) };
        let at = match (self.everywhere, self.last) {
            (Some(at), _) => Some(at),
            (None, Some((last, at))) if last == number => at,
            _ => self.met(number, place)?,
        };
        if let Some(at) = at {
            self.sums.add(at, counts, shown, self.sign * n);
        }
        Ok(())
    }

    fn met(
        &mut self,
        number: i64,
        place: &mut dyn FnMut(i64) -> Result<Place, StoreError>,
    ) -> Result<Option<At>, StoreError> {
        let at = match self.met.entry(number) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let place = place(number)?;
                let asked = self.sums.query.asks(&place);
                *vacant.insert(asked.then(|| self.sums.place(&place)))
            }
        };
        self.last = Some((number, at));
        Ok(at)
    }
}
