//! A report as everybody may see it: rows of too few dossiers are without figures (decision 56).

use super::{Figure, Form, Note, Report, RowKind};

/// Figures of a row that are out of the same dossiers.
const BASES: usize = 4;

/// Of which dossiers a figure is; `None` for one that counts none.
fn base(figure: Figure) -> Option<usize> {
    Some(match figure {
        Figure::ToHandle | Figure::Carried => 0,
        Figure::Received
        | Figure::ReceivedOnline
        | Figure::ReceivedOffline
        | Figure::ReceivedPost
        | Figure::ReceivedCounter => 1,
        Figure::Finished
        | Figure::FinishedEarly
        | Figure::FinishedOnTime
        | Figure::FinishedLate => 2,
        Figure::Open
        | Figure::OpenInTime
        | Figure::OpenLate
        | Figure::Active
        | Figure::ActiveInTime
        | Figure::Paused
        | Figure::PausedInTime
        | Figure::PausedLate => 3,
        _ => return None,
    })
}

/// How many dossiers the figures of a row are out of.
type OutOf = [i64; BASES];

/// Whether some of its figures are out of too few.
fn is_small(of: &OutOf, few: i64) -> bool {
    of.iter().any(|n| (1..few).contains(n))
}

/// The rows of a report by how they add up.
struct Sums {
    of: Vec<OutOf>,
    hidden: Vec<bool>,
    /// Each sum of a group, and what it is of.
    groups: Vec<(usize, Vec<usize>)>,
    few: i64,
}

impl Sums {
    fn of(report: &Report, form: &Form, few: i64) -> Self {
        let figures: Vec<Option<usize>> = form.counted().map(|(_, figure)| base(figure)).collect();
        let out_of = |told: &[Option<i64>]| {
            let mut of = OutOf::default();
            for (base, n) in figures.iter().zip(told) {
                // All the others are a part of the largest.
                if let (Some(own), Some(n)) = (base.and_then(|base| of.get_mut(base)), n) {
                    *own = (*own).max(*n);
                }
            }
            of
        };
        let of: Vec<OutOf> = report.rows.iter().map(|row| out_of(&row.figures)).collect();
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        for (at, row) in report.rows.iter().enumerate() {
            match (row.kind, groups.last_mut()) {
                (RowKind::Group, _) => groups.push((at, Vec::new())),
                (RowKind::Row, Some((_, rows))) => rows.push(at),
                (RowKind::Row | RowKind::Total, _) => {}
            }
        }
        // What was frozen under other columns than the form's of now is not known well enough.
        let numbers = report.columns.iter().map(|column| column.number);
        let is_known = numbers.eq(form.column.iter().map(|column| column.number));
        let hidden = of.iter().map(|of| !is_known || is_small(of, few)).collect();
        Self { of, hidden, groups, few }
    }

    fn is_hidden(&self, at: usize) -> bool {
        self.hidden.get(at).copied().unwrap_or_default()
    }

    fn hide(&mut self, at: usize) {
        self.hidden.get_mut(at).into_iter().for_each(|hidden| *hidden = true);
    }

    fn all(&self, at: usize) -> i64 {
        self.of.get(at).into_iter().flatten().sum()
    }

    /// Whether a sum that is told gives away what is hidden of its rows.
    fn gives_away(&self, hidden: &[usize]) -> bool {
        let mut together = OutOf::default();
        for of in hidden.iter().filter_map(|at| self.of.get(*at)) {
            together.iter_mut().zip(of).for_each(|(sum, n)| *sum += n);
        }
        hidden.len() == 1 || is_small(&together, self.few)
    }

    /// The smallest row that is told, of some.
    fn smallest(&self, rows: &[usize]) -> Option<usize> {
        let told = rows.iter().copied().filter(|at| !self.is_hidden(*at));
        told.min_by_key(|at| (self.all(*at), *at))
    }

    /// Hides one more row where a sum of a group gives something away; whether it did.
    fn hide_by_groups(&mut self) -> bool {
        let found = self.groups.iter().find_map(|(sum, rows)| {
            let hidden: Vec<usize> =
                rows.iter().copied().filter(|at| self.is_hidden(*at)).collect();
            let gives_away = !self.is_hidden(*sum) && self.gives_away(&hidden);
            gives_away.then(|| self.smallest(rows).unwrap_or(*sum))
        });
        found.into_iter().for_each(|at| self.hide(at));
        found.is_some()
    }

    /// Hides one row more, with the sum of its group, where the sum of all gives something away
    /// of groups that are without one; whether it did.
    fn hide_by_total(&mut self, total: usize) -> bool {
        let (mut unknown, mut told) = (Vec::new(), Vec::new());
        for (sum, rows) in &self.groups {
            let (gone, left): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|at| self.is_hidden(**at));
            if self.is_hidden(*sum) {
                unknown.extend(gone);
            }
            told.extend(left.into_iter().map(|at| (self.all(at), at, *sum)));
        }
        if self.is_hidden(total) || unknown.is_empty() || !self.gives_away(&unknown) {
            return false;
        }
        match told.into_iter().min() {
            Some((_, at, sum)) => [at, sum].into_iter().for_each(|at| self.hide(at)),
            None => self.hide(total),
        }
        true
    }

    /// The rows that are to be without figures.
    fn hidden(mut self) -> Vec<bool> {
        let total = self.of.len().saturating_sub(1);
        // Each turn hides a row more, or is the last.
        for _ in 0..=self.of.len() {
            if !self.hide_by_groups() && !self.hide_by_total(total) {
                break;
            }
        }
        self.hidden
    }
}

impl Report {
    /// Leaves figures out of rows that are out of fewer than so many dossiers, or whose figures
    /// would give such away; says so in each of them, and below. Gives whether there were any.
    pub fn leave_out(&mut self, form: &Form, few: u32) -> bool {
        let hidden = Sums::of(self, form, i64::from(few)).hidden();
        if !hidden.contains(&true) {
            return false;
        }
        for (row, _) in self.rows.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden) {
            row.figures.fill(None);
            row.suppressed = true;
        }
        for check in &mut self.checks {
            check.faults.retain(|fault| hidden.get(fault.row) != Some(&true));
        }
        self.notes.push(Note {
            vi: format!(
                "Không nêu số của dòng có dưới {few} hồ sơ, và của dòng khác mà tổng làm lộ ra nó."
            ),
            en: format!(
                "Rows of fewer than {few} dossiers are without figures, and such whose figures \
                 would give them away."
            ),
        });
        true
    }
}
