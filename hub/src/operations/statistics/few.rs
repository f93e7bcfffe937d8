//! Small cells: what is left out of numbers that everybody may see (decision 56).
//!
//! A number tells something about as many dossiers as it is out of: of three that were finished,
//! "one late" points at somebody, of three hundred it does not. So measures go by groups, each with
//! the dossiers that it is out of, and a group of too few is left out of its row as a whole. Where
//! the sum over a dimension would give it away, another row's goes with it.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Status;
use jiff::civil::Date;

use super::{Asked, By, DueOf, Operations, Question, Row, Statistic};
use crate::{
    auth::Principal,
    registry::{
        Measure,
        measure::{counted_by, counted_by_hub, names},
    },
    store::StoreError,
};

/// What is out of fewer dossiers is left out, unless the province decides otherwise.
pub const FEW: u32 = 5;

/// Turns after which a sum that gives something away loses all that it is of, not one more.
const TURNS: usize = 32;

/// Below how many dossiers numbers are left out for somebody; `None` where nothing is.
pub(in crate::operations) fn hides(who: &Principal, few: u32) -> Option<u32> {
    // A number out of one dossier is the least that there is.
    (*who == Principal::Portal && few > 1).then_some(few)
}

/// Measures that are out of the same dossiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Submitted,
    Accepted,
    /// How what was finished, or withdrawn, was finished.
    Ended,
    /// What was not accepted, of all that was decided on; by status what was refused.
    Refused,
    Returned,
    /// What stands open, and how.
    Standing,
    /// Which status what is there has.
    Status,
}

type Measures = BTreeMap<&'static str, i64>;

impl Group {
    const ALL: [Self; 7] = [
        Self::Submitted,
        Self::Accepted,
        Self::Ended,
        Self::Refused,
        Self::Returned,
        Self::Standing,
        Self::Status,
    ];

    /// The group of a measure, by its name with or without a status behind it.
    fn of(name: &str) -> Option<Self> {
        let by_hub = || Some((counted_by_hub(name)?, None));
        Some(match counted_by(name).or_else(by_hub)? {
            (Measure::Submitted, _) => Self::Submitted,
            (Measure::Accepted | Measure::AcceptedOnline | Measure::AcceptedPost, _) => {
                Self::Accepted
            }
            // What was stopped was finished so.
            (Measure::Refused, Some(Status::STOPPED)) => Self::Ended,
            (Measure::Refused, _) => Self::Refused,
            (Measure::Returned, _) => Self::Returned,
            (Measure::InStatus, _) => Self::Status,
            (measure, _) if measure.is_gauge() => Self::Standing,
            _ => Self::Ended,
        })
    }

    /// How many dossiers measures of it are out of.
    fn out_of(self, measures: &Measures) -> i64 {
        let of = |measure: Measure| measures.get(measure.name()).copied().unwrap_or_default();
        let own = || {
            let own = measures.iter().filter(|(name, _)| Self::of(name) == Some(self));
            own.map(|(_, n)| n).sum::<i64>()
        };
        match self {
            Self::Accepted => of(Measure::Accepted),
            Self::Ended => {
                let how = [Measure::FinishedEarly, Measure::FinishedOnTime, Measure::FinishedLate];
                how.map(of).iter().sum::<i64>() + of(Measure::Withdrawn)
            }
            Self::Refused => of(Measure::Accepted) + own(),
            Self::Standing => of(Measure::Open),
            Self::Submitted | Self::Returned | Self::Status => own(),
        }
    }

    /// Whether its numbers of several days add up.
    fn is_flow(self) -> bool {
        !matches!(self, Self::Standing | Self::Status)
    }

    /// The names of its measures as an answer has them: all of them, for which of them are not zero
    /// is told by none that is left out.
    fn names(self, question: &Question) -> BTreeSet<&'static str> {
        let by_status = question.by.contains(&By::Status);
        match (by_status, self) {
            (true, Self::Refused) => BTreeSet::from([Measure::Refused.name()]),
            (true, Self::Status) => BTreeSet::from([Measure::InStatus.name()]),
            _ => {
                let by_hub = question.due_of == DueOf::Hub;
                let own = names().into_iter().filter(|name| Self::of(name) == Some(self));
                own.filter(|name| by_hub || counted_by_hub(name).is_none()).collect()
            }
        }
    }
}

/// What of a group is told of one place and one day: rows by status are of the same dossiers.
struct Cell<'a> {
    place: &'a BTreeMap<&'static str, String>,
    day: Option<Date>,
    rows: Vec<usize>,
    out_of: i64,
}

type PlaceAndDay<'a> = (&'a BTreeMap<&'static str, String>, Option<Date>);

fn cells(rows: &[Row], group: Group) -> Vec<Cell<'_>> {
    let mut sums: BTreeMap<PlaceAndDay<'_>, (Vec<usize>, Measures)> = BTreeMap::new();
    let has = |row: &Row| row.measures.keys().any(|name| Group::of(name) == Some(group));
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| has(row)) {
        let (places, sum) = sums.entry((&row.place, row.day)).or_default();
        places.push(at);
        row.measures.iter().for_each(|(name, n)| *sum.entry(name).or_default() += n);
    }
    let cell = |((place, day), (rows, sum))| Cell { place, day, rows, out_of: group.out_of(&sum) };
    sums.into_iter().map(cell).collect()
}

/// The cells that a sum over a dimension is of, for each such sum that somebody may ask for.
fn summed(question: &Question, cells: &[Cell<'_>], group: Group) -> Vec<Vec<usize>> {
    let over = question.by.iter().copied().filter(|by| match by {
        By::Place(_) | By::Offer(_) => true,
        By::Day => group.is_flow(),
        By::Status => false,
    });
    let mut all = Vec::new();
    for over in over {
        let mut lines: BTreeMap<(Vec<&str>, Option<Date>), Vec<usize>> = BTreeMap::new();
        for (at, cell) in cells.iter().enumerate() {
            let rest = cell.place.iter().filter(|(name, _)| **name != over.name());
            let rest = rest.map(|(_, value)| value.as_str()).collect();
            let day = cell.day.filter(|_| over != By::Day);
            lines.entry((rest, day)).or_default().push(at);
        }
        all.extend(lines.into_values());
    }
    all
}

/// Which cells are left out: those of too few, those that would tell what another group leaves out,
/// and the next smallest of a sum that would tell one alone, or several that are too few together.
fn left_out(
    question: &Question,
    (cells, group): (&[Cell<'_>], Group),
    elsewhere: &BTreeSet<usize>,
    few: i64,
) -> BTreeSet<usize> {
    let tells = |cell: &Cell<'_>| {
        group == Group::Status && cell.rows.iter().any(|row| elsewhere.contains(row))
    };
    let small = cells.iter().enumerate().filter(|(_, cell)| cell.out_of < few || tells(cell));
    let mut hidden: BTreeSet<usize> = small.map(|(at, _)| at).collect();
    if hidden.is_empty() {
        return hidden;
    }
    let sums = summed(question, cells, group);
    let n = |at: &usize| cells.get(*at).map_or(0, |cell| cell.out_of);
    // Each turn hides a cell more, or is the last.
    for turn in 0..=cells.len() {
        let before = hidden.len();
        for sum in &sums {
            let (gone, told): (Vec<usize>, Vec<usize>) =
                sum.iter().partition(|at| hidden.contains(at));
            let together: i64 = gone.iter().map(n).sum();
            if gone.is_empty() || (gone.len() > 1 && together >= few) {
                continue;
            }
            match turn < TURNS {
                true => hidden.extend(told.into_iter().min_by_key(|at| (n(at), *at))),
                false => hidden.extend(told),
            }
        }
        if hidden.len() == before {
            break;
        }
    }
    hidden
}

/// Leaves out of rows what is out of fewer than so many dossiers, or would give such away; each row
/// tells what it lacks.
fn leave_out(question: &Question, rows: &mut [Row], few: u32) {
    // By its statuses a row would tell what stands open in it, and often how much was finished.
    let mut elsewhere = BTreeSet::new();
    for group in Group::ALL {
        let cells = cells(rows, group);
        let hidden = left_out(question, (&cells, group), &elsewhere, i64::from(few));
        let hidden: Vec<usize> = hidden
            .iter()
            .filter_map(|at| cells.get(*at))
            .flat_map(|one| &one.rows)
            .copied()
            .collect();
        elsewhere.extend(&hidden);
        let names = group.names(question);
        for at in hidden {
            let Some(row) = rows.get_mut(at) else { continue };
            row.measures.retain(|name, _| Group::of(name) != Some(group));
            row.suppressed.extend(names.iter().copied());
        }
    }
}

/// The question whose rows are told apart by what one asks for alone: what is left out of a row is
/// the same however it is asked for.
fn beside_others(question: &Question) -> Question {
    let mut wide = Question { only: BTreeMap::new(), offered: BTreeMap::new(), ..question.clone() };
    wide.by.extend(question.only.keys().copied().map(By::Place));
    wide.by.extend(question.offered.keys().copied().map(By::Offer));
    wide
}

/// Of the rows beside others, those asked for, without what is the same of them all.
fn asked_for(asked: &Asked<'_>, rows: Vec<Row>) -> Vec<Row> {
    let question = asked.question;
    let only = asked.only.iter().chain(&asked.within).map(|(one, value)| (one.name(), value));
    let offered = question.offered.iter().map(|(one, value)| (one.name(), value));
    let wanted: BTreeMap<&str, &String> = only.chain(offered).collect();
    let told: BTreeSet<&str> = question.by.iter().map(|by| by.name()).collect();
    let is_wanted =
        |row: &Row| wanted.iter().all(|(name, value)| row.place.get(name) == Some(value));
    let mut rows: Vec<Row> = rows.into_iter().filter(is_wanted).collect();
    rows.iter_mut().for_each(|row| row.place.retain(|name, _| told.contains(name)));
    rows
}

impl Operations {
    /// Numbers as everybody may see them.
    pub(super) async fn for_everybody(
        &self,
        question: &Question,
        few: u32,
    ) -> Result<Statistic, StoreError> {
        let wide = beside_others(question);
        let mut told = self.numbers(&Principal::Portal, &wide).await?;
        leave_out(&wide, &mut told.rows, few);
        let edition = self.published.edition(&*self.store, question.as_of).await?;
        let asked = Asked::new(question, edition.as_deref());
        told.rows = asked_for(&asked, told.rows);
        told.units = asked.named(&told.rows);
        told.suppressed_below = Some(few);
        Ok(told)
    }
}

#[cfg(test)]
mod tests;
