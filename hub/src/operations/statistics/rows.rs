//! Rows of an answer out of numbers by place and day.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{By, Question, Row, asked::CountedCell};
use crate::registry::{
    Dimension, Measure,
    measure::{day_number, day_of},
    offer::Offer,
};

/// Sums changes into rows: flows over the days, gauges by running sums.
pub(super) fn rows(question: &Question, cells: &[CountedCell<'_>]) -> Vec<Row> {
    let by = |by| question.by.contains(&by);
    let dimensions: Vec<Dimension> =
        Dimension::ALL.into_iter().filter(|one| by(By::Place(*one))).collect();
    let place = |(cell, offered): &CountedCell<'_>| -> Vec<String> {
        let places = dimensions.iter().map(|one| one.of(&cell.place));
        places.chain(offered.iter().copied()).map(str::to_owned).collect()
    };
    type Key = (Vec<String>, Option<u8>);
    let mut sums: BTreeMap<Key, BTreeMap<&str, BTreeMap<i32, i64>>> = BTreeMap::new();
    for counted in cells {
        let cell = &counted.0;
        let (measure, status) = match (by(By::Status), of_status(&cell.measure)) {
            (true, Some((measure, status))) => (measure, Some(status)),
            (true, None) => continue,
            (false, _) => (cell.measure.as_str(), None),
        };
        let days = sums.entry((place(counted), status)).or_default().entry(measure).or_default();
        *days.entry(cell.day).or_default() += cell.n;
    }
    let mut rows = Vec::new();
    for ((place, status), measures) in sums {
        let names = dimensions.iter().map(|one| one.name());
        let names = names.chain(question.by_offers().map(Offer::name));
        let place: BTreeMap<&str, String> = names.zip(place).collect();
        let row = |day: Option<Date>, measures: BTreeMap<String, i64>| Row {
            place: place.clone(),
            status,
            day,
            measures,
        };
        if by(By::Day) {
            let days = by_day(question, &measures);
            rows.extend(days.into_iter().map(|(day, measures)| row(Some(day_of(day)), measures)));
        } else {
            let total = |days: &BTreeMap<i32, i64>| days.values().sum::<i64>();
            let totals = measures.iter().map(|(name, days)| ((*name).to_owned(), total(days)));
            rows.push(row(None, totals.filter(|(_, n)| *n != 0).collect()));
        }
    }
    rows
}

/// A measure that is counted by status, and which status.
fn of_status(name: &str) -> Option<(&str, u8)> {
    let (measure, status) = name.rsplit_once('-')?;
    Some((measure, status.parse().ok()?))
}

/// Every day on which a flow is not zero or a gauge changes, with all gauges as they stand then.
fn by_day(
    question: &Question,
    measures: &BTreeMap<&str, BTreeMap<i32, i64>>,
) -> BTreeMap<i32, BTreeMap<String, i64>> {
    let first = day_number(question.from);
    let mut days: BTreeMap<i32, BTreeMap<String, i64>> = BTreeMap::new();
    days.insert(first, BTreeMap::new());
    for changes in measures.values() {
        for day in changes.keys().filter(|day| **day >= first) {
            days.entry(*day).or_default();
        }
    }
    for (name, changes) in measures {
        let mut stands = 0;
        let gauge = Measure::is_gauge_name(name);
        if gauge {
            stands = changes.range(..first).map(|(_, n)| *n).sum();
        }
        for (day, row) in &mut days {
            let change = changes.get(day).copied().unwrap_or(0);
            stands = if gauge { stands + change } else { change };
            if stands != 0 {
                row.insert((*name).to_owned(), stands);
            }
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{registry::Place, store::CellRow};

    #[test]
    fn what_is_counted_by_status_can_be_asked_for_by_status() {
        let day: Date = "2024-03-01".parse().unwrap();
        let cell = |measure: &str, n| CellRow {
            measure: measure.to_owned(),
            place: Place::default(),
            day: day_number(day),
            n,
        };
        let cells = [cell("in-status-4", 3), cell("refused-3", 1), cell("open", 3)];
        let cells = cells.map(|cell| (cell, Vec::new()));
        let question =
            |by: &[By]| Question { by: by.iter().copied().collect(), ..Question::of(day, day) };
        let told = rows(&question(&[By::Status]), &cells);
        let told: Vec<_> = told.into_iter().map(|row| (row.status, row.measures)).collect();
        let measure = |name: &str, n| BTreeMap::from([(name.to_owned(), n)]);
        assert_eq!(told, [(Some(3), measure("refused", 1)), (Some(4), measure("in-status", 3))]);
        assert_eq!(rows(&question(&[]), &cells)[0].measures.len(), 3);
    }
}
