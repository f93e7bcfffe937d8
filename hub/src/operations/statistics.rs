//! Numbers of any days, as of any position.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::Operations;
use crate::{
    auth::Principal,
    registry::{
        Measure,
        measure::{day_number, day_of},
    },
    store::{CellQuery, CellRow, StoreError},
};

/// Days a statistic may span: a century.
pub const STATISTIC_DAYS_MAX: i32 = 36_525;

/// A statistic's question.
#[derive(Debug, Clone)]
pub struct Question {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Dimensions: agency, procedure, status, day.
    pub by: Vec<Dimension>,
    /// One agency.
    pub agency: Option<String>,
    /// One procedure.
    pub procedure: Option<String>,
    /// Position.
    pub as_of: Option<u64>,
}

/// A dimension of a statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Accepting agency.
    Agency,
    /// National procedure.
    Procedure,
    /// Status: only what is counted by status, so stays and refusals.
    Status,
    /// Day.
    Day,
}

/// A row of a statistic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Agency, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Procedure, where asked for; empty where dossiers have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// National status, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// Day, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// Numbers by measure: flows counted over the days, gauges as they stood at their end.
    pub measures: BTreeMap<String, i64>,
}

/// A statistic's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistic {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The journal position it is true at.
    pub as_of: u64,
    /// Rows in the order of their dimensions.
    pub rows: Vec<Row>,
}

impl Operations {
    /// Numbers. An agency is told only its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn statistics(
        &self,
        who: &Principal,
        question: &Question,
    ) -> Result<Statistic, StoreError> {
        let mut agency = question.agency.clone();
        if let Principal::Agency(own) = who {
            agency = Some(own.clone());
        }
        let by = |dimension| question.by.contains(&dimension);
        let query = CellQuery {
            agency,
            procedure: question.procedure.clone(),
            by_agency: by(Dimension::Agency),
            by_procedure: by(Dimension::Procedure),
            by_day: by(Dimension::Day),
            from: day_number(question.from),
            to: day_number(question.to),
            as_of: question.as_of,
        };
        let (as_of, cells) = self.store.statistics(query).await?;
        let rows = rows(question, &cells);
        Ok(Statistic { from: question.from, to: question.to, as_of, rows })
    }
}

/// Sums changes into rows: flows over the days, gauges by running sums.
fn rows(question: &Question, cells: &[CellRow]) -> Vec<Row> {
    type Place = (Option<String>, Option<String>, Option<u8>);
    let by = |dimension| question.by.contains(&dimension);
    let place = |cell: &CellRow, status: Option<u8>| -> Place {
        let agency = by(Dimension::Agency).then(|| cell.agency.clone());
        (agency, by(Dimension::Procedure).then(|| cell.procedure.clone()), status)
    };
    let mut sums: BTreeMap<Place, BTreeMap<&str, BTreeMap<i32, i64>>> = BTreeMap::new();
    for cell in cells {
        let (measure, status) = match (by(Dimension::Status), of_status(&cell.measure)) {
            (true, Some((measure, status))) => (measure, Some(status)),
            (true, None) => continue,
            (false, _) => (cell.measure.as_str(), None),
        };
        let days = sums.entry(place(cell, status)).or_default().entry(measure).or_default();
        *days.entry(cell.day).or_default() += cell.n;
    }
    let mut rows = Vec::new();
    for ((agency, procedure, status), measures) in sums {
        let row = |day: Option<Date>, measures: BTreeMap<String, i64>| Row {
            agency: agency.clone(),
            procedure: procedure.clone(),
            status,
            day,
            measures,
        };
        if by(Dimension::Day) {
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

    #[test]
    fn what_is_counted_by_status_can_be_asked_for_by_status() {
        let day: Date = "2024-03-01".parse().unwrap();
        let cell = |measure: &str, n| CellRow {
            measure: measure.to_owned(),
            agency: String::new(),
            procedure: String::new(),
            day: day_number(day),
            n,
        };
        let cells = [cell("in-status-4", 3), cell("refused-3", 1), cell("open", 3)];
        let question = |by: &[Dimension]| Question {
            from: day,
            to: day,
            by: by.to_vec(),
            agency: None,
            procedure: None,
            as_of: None,
        };
        let told = rows(&question(&[Dimension::Status]), &cells);
        let told: Vec<_> = told.into_iter().map(|row| (row.status, row.measures)).collect();
        let measure = |name: &str, n| BTreeMap::from([(name.to_owned(), n)]);
        assert_eq!(told, [(Some(3), measure("refused", 1)), (Some(4), measure("in-status", 3))]);
        assert_eq!(rows(&question(&[]), &cells)[0].measures.len(), 3);
    }
}
