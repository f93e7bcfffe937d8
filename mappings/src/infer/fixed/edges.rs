//! Which rows of a file are data: titles, names, lines of dashes and totals are not.

use super::{
    FOOTER_MAX, View,
    borders::{self, Borders, Why},
    grid::Grid,
    is_blank,
};
use crate::{infer::reading::HEADER_ROW_MAX, text::normalise::search_key};

impl View<'_> {
    /// A line of dashes among the first rows, and where each run of them begins.
    pub(super) fn dashes(&self) -> Option<(usize, Borders)> {
        let is = |row: &str| {
            let signs = row.chars().all(|one| matches!(one, '-' | '=' | ' '));
            signs && row.split(' ').filter(|run| run.len() > 1).count() > 1
        };
        let at = self.rows.iter().take(HEADER_ROW_MAX).position(|row| is(row))?;
        let row: Vec<char> = self.rows.get(at)?.chars().collect();
        let mut borders = Borders::new();
        let mut before = ' ';
        for (place, letter) in row.into_iter().enumerate() {
            if before == ' ' && letter != ' ' {
                borders.insert(place, Why::Dashes);
            }
            before = letter;
        }
        Some((at, borders))
    }

    /// Leaves out rows at both ends that are no data: titles, names of columns, totals.
    pub(super) fn trim(&mut self, dashes: Option<usize>) {
        let (mut from, mut to) = self.data;
        if let Some(row) = dashes {
            from = row + 1;
        }
        for _ in 0..FOOTER_MAX {
            let last = self
                .rows
                .get(from..to)
                .and_then(|rows| rows.iter().rposition(|row| !is_blank(row)));
            let Some(last) = last.map(|last| from + last) else { break };
            let is_end = self.rows.get(last).is_some_and(|row| self.is_total(row));
            to = if is_end { last } else { last + 1 };
            if !is_end {
                break;
            }
        }
        if dashes.is_none() {
            from = self.header(from, to);
        }
        while self.rows.get(from).is_some_and(|row| is_blank(row)) && from < to {
            from += 1;
        }
        self.data = (from, to);
    }

    fn is_total(&self, row: &str) -> bool {
        let shown = self.shown(row);
        let key = search_key(&shown);
        let first = key.split(' ').next().unwrap_or_default();
        let counted = shown.trim_start().starts_with('(') || key.contains("rows selected");
        matches!(first, "tong" | "cong" | "total") && !key.starts_with("cong ty")
            || counted && key.contains("row")
    }

    /// Where data begins: behind rows that go across the borders of the rows in the middle, or have
    /// no digits where all of those have some.
    fn header(&self, from: usize, to: usize) -> usize {
        let solid: Vec<(usize, &str)> = (from..to)
            .filter_map(|at| Some((at, *self.rows.get(at)?)))
            .filter(|(_, row)| !is_blank(row))
            .collect();
        let skipped = (solid.len() / 3).min(HEADER_ROW_MAX);
        let Some((begin, _)) = solid.get(skipped) else { return from };
        let middle = self.data(*begin, to);
        let grid = Grid::of(&middle, self.charset);
        let (found, _) = borders::of(&grid);
        let figures = |row: &str| row.bytes().filter(u8::is_ascii_digit).count();
        let always = middle.iter().all(|row| figures(row) > 3);
        let blanks: Vec<usize> = found
            .iter()
            .filter(|(_, why)| matches!(why, Why::Blanks | Why::Seldom))
            .map(|(at, _)| *at)
            .collect();
        let is_data = |row: &str| {
            let cells: Vec<char> = row.chars().collect();
            let across = |at: &usize| {
                let [before, behind] = [*at - 1, *at].map(|at| grid.letter(&cells, at));
                before.is_alphabetic() && behind.is_alphanumeric()
            };
            // A mark or a number may fill its column; a title goes across several.
            let crossed = blanks.iter().filter(|at| across(at)).count();
            crossed == 0 && (figures(row) > 0 || !always)
        };
        let title = solid.iter().take(skipped).rposition(|(_, row)| !is_data(row));
        title.map_or(from, |last| solid.get(last + 1).map_or(from, |(at, _)| *at))
    }
}
