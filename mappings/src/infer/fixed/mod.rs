//! Columns of fixed width as a sample: whether it is one, where columns begin, how they are named.

mod borders;
mod dense;
mod edges;
mod grid;
mod values;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    borders::Why,
    grid::{Grid, decoded},
    values::Guess,
};
use super::{Known, NotUnderstood, reading::HEADER_ROW_MAX};
use crate::{
    format::{Column, Counts, FixedOptions, Format, fixed_rows},
    text::charset::Charset,
};

/// How wide a row may be, and how many columns it may have: what a channel's file takes.
const WIDTH_MAX: usize = 65_536;
const COLUMNS_MAX: usize = 1_000;
/// How much wider than in the sample the last column may be where rows end early.
const SLACK: usize = 100;
/// Rows narrower than this are words, not records.
const WIDTH_MIN: usize = 8;
/// Rows at the end that may be no data.
const FOOTER_MAX: usize = 12;
/// Rows below which borders are not certain.
const ROWS_FEW: usize = 10;

/// A sample of columns of fixed width.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) format: Format,
    /// The text as the reader takes it.
    pub(super) text: String,
    /// Columns without names of their own that look like a member, by their path.
    pub(super) known: BTreeMap<String, Known>,
    /// Why each column begins where it does.
    pub(super) borders: Vec<[String; 2]>,
    /// How many columns blanks make.
    pub(super) gaps: usize,
    pub(super) reasons: Vec<[String; 2]>,
    pub(super) questions: Vec<[String; 2]>,
}

/// Rows as one way of counting sees them.
struct View<'t> {
    rows: Vec<&'t str>,
    counts: Counts,
    charset: Option<Charset>,
    /// Whether the rows are of one length.
    equal: bool,
    /// The length of most.
    length: usize,
    /// The rows of data: from the first to behind the last.
    data: (usize, usize),
}

/// A sample as columns of fixed width; `None` where it is something else.
pub(super) fn of(
    payload: &[u8],
    charset: Charset,
    text: &str,
) -> Option<Result<Fixed, NotUnderstood>> {
    let options = |counts| FixedOptions {
        charset: Some(charset).filter(|_| counts == Counts::Bytes),
        counts: Some(counts),
        ..FixedOptions::default()
    };
    let usual = if charset.is_bytewise() { Counts::Bytes } else { Counts::Characters };
    let bytes = Format::Fixed(options(Counts::Bytes)).text(charset, payload).ok()?;
    let seen =
        |counts| View::of(if counts == Counts::Bytes { &bytes } else { text }, counts, charset);
    let [first, second] = match usual {
        Counts::Bytes => [Counts::Bytes, Counts::Characters],
        Counts::Characters => [Counts::Characters, Counts::Bytes],
    };
    // Where letters are no bytes the lengths tell what was counted.
    let by_first = seen(first);
    let by_second = seen(second).filter(|view| view.equal && charset != Charset::Utf16);
    let view = match (by_first, by_second) {
        (Some(view), _) if view.equal => view,
        (_, Some(view)) => view,
        (view, None) => view?,
    };
    let source = if view.counts == Counts::Bytes { bytes.as_ref() } else { text }.to_owned();
    let counts = Some(view.counts).filter(|counts| *counts != usual);
    let options = FixedOptions { counts, ..options(view.counts) };
    view.understood(source, options)
}

impl<'t> View<'t> {
    fn of(source: &'t str, counts: Counts, charset: Charset) -> Option<Self> {
        let rows: Vec<&str> = fixed_rows(source).map(|(_, row)| row).collect();
        let foreign = |row: &&str| {
            row.len() > WIDTH_MAX * 4 || row.bytes().any(|byte| byte.is_ascii_control())
        };
        if rows.len() < 2 || rows.iter().any(foreign) {
            return None;
        }
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        let mut all = 0;
        for row in rows.iter().filter(|row| !is_blank(row)) {
            *lengths.entry(row.chars().count()).or_default() += 1;
            all += 1;
        }
        let most = lengths.into_iter().max_by_key(|(length, count)| (*count, *length));
        let (length, _) = most?;
        let is = |row: &str| row.chars().count() == length;
        let first = rows.iter().position(|row| is(row))?;
        let last = rows.iter().rposition(|row| is(row))? + 1;
        let solid = |rows: &[&str]| rows.iter().filter(|row| !is_blank(row)).count();
        let within = rows.get(first..last)?;
        let (inner, alike) = (solid(within), within.iter().filter(|row| is(row)).count());
        let footer = solid(rows.get(last..)?);
        let equal = inner > 1
            && alike * 10 >= inner * 8
            && first <= HEADER_ROW_MAX
            && footer <= FOOTER_MAX
            && length >= WIDTH_MIN;
        let charset = Some(charset).filter(|_| counts == Counts::Bytes);
        let data = if equal { (first, last) } else { (0, rows.len()) };
        let view = Self { rows, counts, charset, equal, length, data };
        (all > 1 && (equal || all > 2)).then_some(view)
    }

    fn shown(&self, row: &str) -> String {
        decoded(row.chars(), self.charset)
    }

    /// The rows between two that are not blank; of the length of most, where all are of one.
    fn data(&self, from: usize, to: usize) -> Vec<&'t str> {
        let rows: Vec<&str> = self
            .rows
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(|row| !is_blank(row))
            .collect();
        if !self.equal {
            return rows;
        }
        rows.into_iter().filter(|row| row.chars().count() == self.length).collect()
    }

    fn understood(
        mut self,
        text: String,
        mut options: FixedOptions,
    ) -> Option<Result<Fixed, NotUnderstood>> {
        let dashes = self.dashes();
        self.trim(dashes.as_ref().map(|(row, _)| *row));
        let rows = self.data(self.data.0, self.data.1);
        if rows.is_empty() || (dashes.is_none() && rows.len() < 2) {
            return None;
        }
        let wide = rows.iter().any(|row| row.chars().count() > WIDTH_MAX);
        if wide {
            return self.equal.then(|| Err(too_wide()));
        }
        let grid = Grid::of(&rows, self.charset);
        let by_dashes = dashes.is_some();
        let (mut found, dates) = match dashes {
            Some((_, borders)) => (borders, Vec::new()),
            None => borders::of(&grid),
        };
        // Lines of any lengths are columns only where blanks say so.
        let least = if self.equal { 2 } else { 3 };
        if found.len() < least || grid.width < WIDTH_MIN {
            return None;
        }
        if !by_dashes && found.len() <= COLUMNS_MAX {
            dense::divide(&grid, &mut found, &dates);
        }
        if found.len() > COLUMNS_MAX {
            return Some(Err(too_wide()));
        }
        // A column that is blank in the sample alone still has its width.
        let width = if self.equal { self.length } else { grid.width };
        let found: Vec<(usize, Why)> = found.into_iter().filter(|(at, _)| *at < width).collect();
        // Where rows end early nothing stands behind the last column: it may be wider next month.
        let end = if self.equal { width } else { (width + SLACK).min(WIDTH_MAX) };
        let mut fixed = self.named(&grid, &found, end);
        options.columns = std::mem::take(&mut fixed.columns);
        options.skip_header = self.data.0;
        let behind = self.rows.get(self.data.1..).unwrap_or_default();
        options.skip_footer = behind.iter().filter(|row| !is_blank(row)).count();
        options.short = !self.equal;
        Some(Ok(fixed.told(&self, text, options, rows.len())))
    }

    /// Names for columns by the row above the data, where there is one.
    fn names(&self, found: &[(usize, Why)]) -> BTreeMap<usize, String> {
        let is_rule = |row: &&&str| row.chars().any(char::is_alphabetic);
        let above = self.rows.get(..self.data.0).unwrap_or_default();
        let Some(row) = above.iter().rev().find(is_rule) else { return BTreeMap::new() };
        let cells: Vec<char> = row.chars().collect();
        let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let starts = || found.iter().map(|(at, _)| *at);
        let spans: Vec<(usize, usize)> = starts().zip(starts().skip(1)).collect();
        let mut at = 0;
        while at < cells.len() {
            let mut word: Vec<char> =
                cells.iter().skip(at).take_while(|one| **one != ' ').copied().collect();
            if word.is_empty() {
                at += 1;
                continue;
            }
            // Names of columns without blanks between them stand side by side as these do.
            if let Some((_, end)) = spans.iter().find(|(start, _)| *start == at) {
                word.truncate(end - at);
            }
            // The column that most of the word stands above.
            let over = |index: &usize| {
                let start = found.get(*index).map_or(0, |(start, _)| *start);
                let end = found.get(index + 1).map_or(usize::MAX, |(end, _)| *end);
                (at + word.len()).min(end).saturating_sub(at.max(start))
            };
            let best = (0..found.len()).rev().max_by_key(over).unwrap_or(0);
            names.entry(best).or_default().push(decoded(word.iter().copied(), self.charset));
            at += word.len();
        }
        // A title above one column names nothing.
        if names.len() * 2 < found.len() {
            return BTreeMap::new();
        }
        names.into_iter().map(|(at, words)| (at, words.join(" "))).collect()
    }

    fn named(&self, grid: &Grid, found: &[(usize, Why)], width: usize) -> Named {
        let mut named = Named::default();
        let ends: Vec<usize> = found.iter().skip(1).map(|(at, _)| *at).chain([width]).collect();
        let cells: Vec<values::Values> = found
            .iter()
            .zip(&ends)
            .map(|((from, _), to)| grid.rows.iter().map(|row| grid.text(row, *from, *to)).collect())
            .collect();
        let names = self.names(found);
        named.header = !names.is_empty();
        let guesses = if named.header { vec![None; found.len()] } else { values::guesses(&cells) };
        let all = found.iter().zip(&ends).zip(guesses).zip(&cells).enumerate();
        for (index, (((border, end), guess), cells)) in all {
            named.add(*border, *end, (names.get(&index), guess), cells);
        }
        named
    }
}

/// The columns with their names.
#[derive(Default)]
struct Named {
    columns: Vec<Column>,
    known: BTreeMap<String, Known>,
    borders: Vec<[String; 2]>,
    questions: Vec<[String; 2]>,
    gaps: usize,
    taken: BTreeSet<String>,
    header: bool,
}

impl Named {
    fn add(
        &mut self,
        (from, why): (usize, Why),
        to: usize,
        (said, guess): (Option<&String>, Option<Guess>),
        cells: &values::Values,
    ) {
        let wanted = match (said, &guess) {
            (Some(said), _) => said.clone(),
            (None, Some(guess)) => guess.name.clone(),
            (None, None) => format!("COT_{}", self.columns.len() + 1),
        };
        let mut name = wanted.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        self.gaps += usize::from(matches!(why, Why::First | Why::Blanks | Why::Dashes));
        let [vi, en] = why.words();
        let sure = if why.is_guess() { ["đoán", "a guess"] } else { ["chắc", "sure"] };
        self.borders.push([format!("{vi}: {}", sure[0]), format!("{en}: {}", sure[1])]);
        if said.is_none() && guess.is_none() && cells.iter().any(|cell| !cell.is_empty()) {
            let [vi, en] = match values::is_code(cells) {
                true => [", có thể là trạng thái", ", maybe a status"],
                false => ["", ""],
            };
            let (first, last) = (from + 1, to);
            self.questions.push([
                format!("Cột `{name}` ({first}–{last}) chưa rõ là gì{vi}: đặt tên và ánh xạ."),
                format!("What is the column `{name}` ({first}–{last}){en}? Name and map it."),
            ]);
        }
        if let Some(guess) = guess {
            self.known.insert(name.clone(), guess.known);
        }
        self.columns.push(Column { name, at: from + 1, width: to.saturating_sub(from) });
    }

    fn told(mut self, view: &View<'_>, text: String, options: FixedOptions, rows: usize) -> Fixed {
        let (columns, width) =
            (options.columns.len(), options.columns.last().map_or(0, Column::end));
        let width = width.saturating_sub(1);
        let units = match view.counts {
            Counts::Bytes => ["byte", "bytes"],
            Counts::Characters => ["ký tự", "characters"],
        };
        let lines = match view.equal {
            true => ["mọi dòng dài bằng nhau", "rows of one length"],
            false => ["dòng có thể hết sớm", "rows may end early"],
        };
        let reasons = vec![[
            format!("Cột rộng cố định: {}, {width} {}, {columns} cột.", lines[0], units[0]),
            format!("Fixed width: {}, {width} {}, {columns} columns.", lines[1], units[1]),
        ]];
        if rows < ROWS_FEW {
            self.questions.push([
                format!("Mẫu chỉ có {rows} dòng: xem lại chỗ cắt cột, hoặc xin mẫu dài hơn."),
                format!("Only {rows} rows: look at where columns are cut, or ask for more."),
            ]);
        }
        if !self.header {
            self.questions.push([
                "Tệp không có dòng tên cột: tên do giá trị gợi ra, hãy đối chiếu với cơ quan."
                    .to_owned(),
                "There is no row of names: values suggested them; ask the agency.".to_owned(),
            ]);
        }
        Fixed {
            format: Format::Fixed(options),
            text,
            known: self.known,
            borders: self.borders,
            gaps: self.gaps,
            reasons,
            questions: self.questions,
        }
    }
}

fn is_blank(row: &str) -> bool {
    row.bytes().all(|byte| byte == b' ')
}

fn too_wide() -> NotUnderstood {
    NotUnderstood::new(
        format!("Dòng rộng hơn {WIDTH_MAX} hoặc quá {COLUMNS_MAX} cột: không phải bản ghi."),
        format!("Rows wider than {WIDTH_MAX}, or more than {COLUMNS_MAX} columns: no records."),
    )
}
