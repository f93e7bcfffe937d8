//! When an address is visited again, and what a link is by what was found there. Pure.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use serde::Serialize;

use crate::store::visits::VisitRow;

/// Visits in a row after which a link is dead that leads nowhere.
pub const DEAD_AFTER: u32 = 3;

/// What fails is visited again after so much of the time between visits, until it is dead.
const AGAIN_PART: u32 = 24;

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Nobody has looked yet.
    Unvisited,
    /// It leads somewhere.
    Alive,
    /// It led nowhere when it was last visited.
    Failing,
    /// It has led nowhere for [`DEAD_AFTER`] visits in a row.
    Dead,
}

impl LinkState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unvisited, Self::Alive, Self::Failing, Self::Dead];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unvisited => "unvisited",
            Self::Alive => "alive",
            Self::Failing => "failing",
            Self::Dead => "dead",
        }
    }

    /// By what was found.
    pub fn of(row: Option<&VisitRow>) -> Self {
        match row.map(|row| row.failures) {
            None => Self::Unvisited,
            Some(0) => Self::Alive,
            Some(failures) if failures < DEAD_AFTER => Self::Failing,
            Some(_) => Self::Dead,
        }
    }
}

/// How long until the next visit, after so many in a row that led nowhere: a tenth more or less by
/// `chance` from 0 to 1, so that what began together does not stay together.
pub(super) fn wait(every: Duration, failures: u32, chance: f64) -> Duration {
    let whole = match failures {
        1..DEAD_AFTER => every / AGAIN_PART,
        _ => every,
    };
    whole.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}

/// What there is to do: which addresses are visited now, those that wait longest first, which are
/// forgotten, and in how many milliseconds the next one is due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Addresses, with the visits in a row that led nowhere.
    pub(super) now: Vec<(String, u32)>,
    pub(super) gone: Vec<String>,
    pub(super) next: Option<i64>,
}

/// Compares what procedures lead to with what was found.
pub(super) fn due(wanted: &BTreeMap<&str, usize>, rows: &[VisitRow], every: Duration) -> Due {
    let known: BTreeMap<&str, &VisitRow> = rows.iter().map(|row| (row.url.as_str(), row)).collect();
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    // No visit lies further ahead than twice the time between them: the configuration is another
    // since, or the clock was set back.
    let left = |row: &VisitRow| {
        let left = row.due_at.saturating_sub(row.now);
        if left > every.saturating_mul(2) { 0 } else { left }
    };
    let mut now: Vec<(i64, String, u32)> = Vec::new();
    let mut next: Option<i64> = None;
    for url in wanted.keys() {
        match known.get(url) {
            None => now.push((i64::MAX, (*url).to_owned(), 0)),
            Some(row) if left(row) <= 0 => {
                now.push((row.now.saturating_sub(row.due_at), (*url).to_owned(), row.failures));
            }
            Some(row) => next = Some(next.unwrap_or(i64::MAX).min(left(row))),
        }
    }
    now.sort_by_key(|(waited, ..)| Reverse(*waited));
    let gone = rows.iter().filter(|row| !wanted.contains_key(row.url.as_str()));
    let gone = gone.map(|row| row.url.clone()).collect();
    Due { now: now.into_iter().map(|(_, url, failures)| (url, failures)).collect(), gone, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_dead_after_three_visits_and_is_looked_at_sooner_until_then() {
        let state =
            |failures| LinkState::of(Some(&VisitRow { failures, ..VisitRow::default() })).name();
        assert_eq!(LinkState::of(None), LinkState::Unvisited);
        assert_eq!([0, 1, 2, 3, 9].map(state), ["alive", "failing", "failing", "dead", "dead"]);
        let day = Duration::from_secs(86_400);
        let hours = |failures, chance| wait(day, failures, chance).as_secs_f64() / 3_600.0;
        for (failures, about) in [(0, 24.0), (1, 1.0), (2, 1.0), (3, 24.0), (40, 24.0)] {
            assert!((hours(failures, 0.0) - about * 0.9).abs() < 0.001, "{failures}");
            assert!((hours(failures, 1.0) - about * 1.1).abs() < 0.001, "{failures}");
        }
    }

    #[test]
    fn what_is_due_is_visited_what_nobody_leads_to_is_forgotten() {
        let row = |url: &str, due_at| VisitRow {
            url: url.to_owned(),
            due_at,
            now: 1_000,
            ..VisitRow::default()
        };
        let rows = [
            row("due", 900),
            row("gone", 0),
            row("later", 1_500),
            row("long", 500),
            row("off", 9_999),
        ];
        let wanted = ["due", "later", "long", "new", "off"].map(|url| (url, 1)).into();
        let found = due(&wanted, &rows, Duration::from_secs(1));
        let now: Vec<&str> = found.now.iter().map(|(url, _)| url.as_str()).collect();
        assert_eq!(now[..3], ["new", "long", "due"], "those that wait longest first");
        assert_eq!(
            (now.len(), now.contains(&"off")),
            (4, true),
            "a due day that lies too far ahead"
        );
        assert_eq!((found.gone, found.next), (vec!["gone".to_owned()], Some(500)));
    }
}
