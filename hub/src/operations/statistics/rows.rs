//! Rows of an answer out of numbers by place and day.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;
use jiff::civil::Date;

use super::{Asked, By, Question, Row};
use crate::{
    registry::{
        Measure,
        measure::{day_number, day_of},
        offer::Offer,
    },
    store::CellRow,
};

/// What a number is of, as one number that sorts as its parts do: the place of its row among
/// places, its status, and the place of its measure among names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Of(u64);

impl Of {
    fn new(place: u32, status: Option<u8>, measure: u16) -> Self {
        let status = status.map_or(0, |status| u64::from(status) + 1);
        Self(u64::from(place) << 32 | status << 16 | u64::from(measure))
    }

    /// The row: place and status.
    fn row(self) -> u64 {
        self.0 >> 16
    }

    fn place(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn status(self) -> Option<u8> {
        (self.0 >> 16 & 0xffff).checked_sub(1).and_then(|status| u8::try_from(status).ok())
    }

    fn measure(self) -> u16 {
        self.0 as u16
    }
}

/// A number of a day.
type Number = (Of, i32, i64);

/// Sums changes into rows: flows over the days, gauges by running sums.
pub(super) fn rows(asked: &mut Asked<'_>, cells: &[CellRow]) -> Vec<Row> {
    let question = asked.question;
    let names = Names::of(question, cells);
    let mut places = Places::default();
    let mut numbers: Vec<Number> = Vec::with_capacity(cells.len());
    for cell in cells {
        let Some(&(status, measure)) = names.of.get(cell.measure) else { continue };
        if let Some(place) = places.of(asked, cell) {
            numbers.push((Of::new(place, status, measure), cell.day, cell.n));
        }
    }
    let (places, ranks) = places.sorted();
    for (of, ..) in &mut numbers {
        let place = ranks.get(of.place()).copied().unwrap_or_default();
        *of = Of::new(place, of.status(), of.measure());
    }
    // Days come in their order for each measure and place: such runs are not sorted again.
    numbers.sort_by_key(|(of, day, _)| (*of, *day));
    let titles: Vec<&'static str> = question
        .dimensions()
        .map(|one| one.name())
        .chain(question.by_offers().map(Offer::name))
        .collect();
    let mut rows = Vec::new();
    for of_row in numbers.chunk_by(|(one, ..), (next, ..)| one.row() == next.row()) {
        let Some((first, ..)) = of_row.first() else { continue };
        let (values, status) = (places.get(first.place()), first.status());
        let values = values.into_iter().flatten().cloned();
        let place: BTreeMap<&str, String> = titles.iter().copied().zip(values).collect();
        let measures = of_row.chunk_by(|(one, ..), (next, ..)| one == next);
        let measures: Vec<(&'static str, &[Number])> =
            measures.filter_map(|all| Some((names.name(all.first()?.0.measure()), all))).collect();
        let row = |(day, measures)| {
            let suppressed = Default::default();
            Row { place: place.clone(), status, day, measures, suppressed }
        };
        if question.by.contains(&By::Day) {
            rows.extend(by_day(question, &measures).into_iter().map(row));
        } else {
            let total = |all: &[Number]| all.iter().map(|(.., n)| n).sum::<i64>();
            let totals = measures.iter().map(|(name, all)| (*name, total(all)));
            rows.push(row((None, totals.filter(|(_, n)| *n != 0).collect())));
        }
    }
    rows
}

/// The measures of an answer.
struct Names {
    /// Of each measure its status, where rows are told apart by it, and the place of its name among
    /// the names; none of a measure without a status then.
    of: HashMap<&'static str, (Option<u8>, u16), RandomState>,
    /// The names, in order.
    names: Vec<&'static str>,
}

impl Names {
    fn of(question: &Question, cells: &[CellRow]) -> Self {
        let by_status = question.by.contains(&By::Status);
        let mut told: HashMap<&'static str, (Option<u8>, &'static str), RandomState> =
            HashMap::default();
        // Numbers of one measure come one after another.
        for of_one in cells.chunk_by(|one, next| one.measure == next.measure) {
            let Some(measure) = of_one.first().map(|cell| cell.measure) else { continue };
            match (by_status, of_status(measure)) {
                (true, Some((name, status))) => told.insert(measure, (Some(status), name)),
                (true, None) => None,
                (false, _) => told.insert(measure, (None, measure)),
            };
        }
        let mut names: Vec<&str> = told.values().map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        let place = |(measure, (status, name))| {
            // There are some dozens of them.
            let at = names.partition_point(|before| *before < name);
            (measure, (status, u16::try_from(at).unwrap_or(u16::MAX)))
        };
        Self { of: told.into_iter().map(place).collect(), names }
    }

    fn name(&self, at: u16) -> &'static str {
        self.names.get(usize::from(at)).copied().unwrap_or_default()
    }
}

/// What tells rows apart, by number. Rows of the store share their places, so that a place is
/// looked at once.
#[derive(Default)]
struct Places {
    met: HashMap<usize, Option<u32>, RandomState>,
    numbers: HashMap<Vec<String>, u32, RandomState>,
}

impl Places {
    /// The number of the row that a number counts in; `None` where it is not asked for.
    fn of(&mut self, asked: &mut Asked<'_>, cell: &CellRow) -> Option<u32> {
        let numbers = &mut self.numbers;
        *self.met.entry(Arc::as_ptr(&cell.place).addr()).or_insert_with(|| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            Some(*numbers.entry(asked.row(&cell.place)?).or_insert(next))
        })
    }

    /// All of them in order, and of each number its place there.
    fn sorted(self) -> (Vec<Vec<String>>, Vec<u32>) {
        let mut all: Vec<(Vec<String>, u32)> = self.numbers.into_iter().collect();
        all.sort_unstable();
        let mut ranks = vec![0; all.len()];
        for (rank, (_, number)) in (0..).zip(&all) {
            if let Some(place) = ranks.get_mut(*number as usize) {
                *place = rank;
            }
        }
        (all.into_iter().map(|(values, _)| values).collect(), ranks)
    }
}

/// A measure that is counted by status, and which status.
fn of_status(name: &str) -> Option<(&str, u8)> {
    let (measure, status) = name.rsplit_once('-')?;
    Some((measure, status.parse().ok()?))
}

/// Every day on which a flow is not zero or a gauge changes, with all gauges as they stand then.
fn by_day(
    question: &Question,
    measures: &[(&'static str, &[Number])],
) -> Vec<(Option<Date>, BTreeMap<&'static str, i64>)> {
    let first = day_number(question.from);
    let day_of_number = |(_, day, _): &Number| *day;
    let changes = measures.iter().flat_map(|(_, all)| all.iter().map(day_of_number));
    let mut days: Vec<i32> = changes.filter(|day| *day >= first).chain([first]).collect();
    days.sort_unstable();
    days.dedup();
    let mut rows: Vec<(Option<Date>, BTreeMap<&str, i64>)> =
        days.iter().map(|day| (Some(day_of(*day)), BTreeMap::new())).collect();
    for (name, all) in measures {
        let gauge = Measure::is_gauge_name(name);
        let begin = all.partition_point(|number| day_of_number(number) < first);
        let (before, mut left) = all.split_at(begin);
        let mut stands = if gauge { before.iter().map(|(.., n)| n).sum() } else { 0 };
        for (day, (_, row)) in days.iter().zip(&mut rows) {
            let until = left.iter().take_while(|number| day_of_number(number) == *day).count();
            let (of_day, later) = left.split_at(until);
            let change: i64 = of_day.iter().map(|(.., n)| n).sum();
            left = later;
            stands = if gauge { stands + change } else { change };
            if stands != 0 {
                row.insert(name, stands);
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{registry::Place, store::CellRow};

    #[test]
    fn what_is_counted_by_status_can_be_asked_for_by_status() {
        let day: Date = "2024-03-01".parse().unwrap();
        let place = Arc::new(Place::default());
        let cell = |measure: &'static str, n| CellRow {
            measure,
            place: place.clone(),
            day: day_number(day),
            n,
        };
        let cells = [cell("in-status-4", 3), cell("refused-3", 1), cell("open", 3)];
        let question =
            |by: &[By]| Question { by: by.iter().copied().collect(), ..Question::of(day, day) };
        let told = |by: &[By]| rows(&mut Asked::new(&question(by), None), &cells);
        let rows = told(&[]);
        let told = told(&[By::Status]);
        let told: Vec<_> = told.into_iter().map(|row| (row.status, row.measures)).collect();
        let measure = |name, n| BTreeMap::from([(name, n)]);
        assert_eq!(told, [(Some(3), measure("refused", 1)), (Some(4), measure("in-status", 3))]);
        assert_eq!(rows[0].measures.len(), 3);
    }
}
