//! Where columns begin: at dates, behind blanks that stand in all rows, where numbers end.

use std::collections::{BTreeMap, BTreeSet};

use super::grid::{Grid, Run, blank, digit};

/// Why a column begins where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It is the first.
    First,
    /// A line of dashes above the rows says so.
    Dashes,
    /// A date of so many letters is read here in all rows.
    Date(usize),
    /// What stands before it is a date, and ends.
    AfterDate,
    /// In most rows something begins here behind blanks.
    Blanks,
    /// In some rows, and in no row does anything go across.
    Seldom,
    /// Numbers end before it, one under the other.
    NumbersEnd,
    /// Numbers begin behind it, one under the other by their ends.
    NumbersBegin,
    /// Digits end and words begin, in all rows.
    Words,
    /// One letter that a word begins behind.
    Flag,
    /// In several rows the digits end before it, in others they go on.
    Shorter,
    /// What follows looks like a telephone number.
    Phone,
}

impl Why {
    /// Whether it could be otherwise.
    pub(super) fn is_guess(self) -> bool {
        matches!(self, Self::Flag | Self::Shorter | Self::Phone | Self::Seldom)
    }

    /// In Vietnamese and in English.
    pub(super) fn words(self) -> [String; 2] {
        let [vi, en] = match self {
            Self::First => ["cột đầu", "the first column"],
            Self::Dashes => ["theo dòng gạch ngang", "by the line of dashes"],
            Self::Date(letters) => {
                return [
                    format!("{letters} ký tự là ngày ở mọi dòng"),
                    format!("{letters} letters are a date in all rows"),
                ];
            }
            Self::AfterDate => ["ngay sau một ngày", "right behind a date"],
            Self::Blanks => ["sau khoảng trắng ở các dòng", "behind blanks in the rows"],
            Self::Seldom => ["vài dòng có, sau khoảng trắng", "in some rows, behind blanks"],
            Self::NumbersEnd => ["sau các số dồn phải", "behind numbers set to the right"],
            Self::NumbersBegin => ["các số dồn phải", "numbers set to the right"],
            Self::Words => ["hết chữ số, bắt đầu chữ", "digits end and words begin"],
            Self::Flag => ["chữ hoa đứng trước là một ký hiệu", "a mark of one letter ends"],
            Self::Shorter => ["vài dòng hết chữ số ở đây", "in some rows the digits end here"],
            Self::Phone => ["giống số điện thoại", "it looks like a phone number"],
        };
        [vi.to_owned(), en.to_owned()]
    }
}

/// Where columns begin, from 0, and why.
pub(super) type Borders = BTreeMap<usize, Why>;

/// Forms of dates by their letters: `0` is a digit; what else there is stands there.
const DATES: [&str; 9] = [
    "0000-00-00 00:00:00",
    "00/00/0000 00:00:00",
    "0000-00-00 00:00",
    "00/00/0000 00:00",
    TO_THE_SECOND,
    "0000-00-00",
    "00/00/0000",
    "00-00-0000",
    TO_THE_DAY,
];

/// Dates without signs.
const TO_THE_SECOND: &str = "00000000000000";
const TO_THE_DAY: &str = "00000000";

/// The borders of a grid that blanks and dates tell, and the dates.
pub(super) fn of(grid: &Grid) -> (Borders, Vec<Run>) {
    let dates = dates(grid);
    let inner: BTreeSet<usize> = dates.iter().flat_map(|date| date.start + 1..date.end).collect();
    let within = |at: usize| inner.contains(&at);
    let mut found = Borders::from([(0, Why::First)]);
    let ragged = ragged(grid);
    for (at, why) in blanks(grid, &ragged).into_iter().chain(numbers(grid, &ragged)) {
        if !within(at) && at < grid.width {
            found.entry(at).or_insert(why);
        }
    }
    for date in &dates {
        if date.start > 0 {
            found.insert(date.start, Why::Date(date.end - date.start));
        }
        let ends = (date.end..grid.width).any(|at| !grid.is_blank(at));
        if ends {
            found.entry(date.end).or_insert(Why::AfterDate);
        }
    }
    without_blank_columns(grid, &mut found, &dates);
    (found, dates)
}

/// A column that is blank in every row is no column: numbers behind it are set to the right within
/// it, and anything else begins where it begins.
fn without_blank_columns(grid: &Grid, found: &mut Borders, dates: &[Run]) {
    let dates: BTreeSet<usize> = dates.iter().map(|date| date.start).collect();
    let starts: Vec<usize> = found.keys().copied().collect();
    for (index, start) in starts.iter().enumerate() {
        let Some(next) = starts.get(index + 1) else { continue };
        if !(*start..*next).all(|at| grid.is_blank(at)) {
            continue;
        }
        let end = starts.get(index + 2).copied().unwrap_or(grid.width);
        let is_date = dates.contains(next);
        let to_the_right = !is_date
            && grid.rows.iter().filter(|row| (*next..end).any(|at| !blank(row, at))).all(|row| {
                (*next..end).all(|at| blank(row, at) || !grid.letter(row, at).is_alphabetic())
                    && !blank(row, end - 1)
            });
        if to_the_right {
            found.remove(next);
        } else if *start > 0 {
            found.remove(start);
        }
    }
}

/// How many rows may be otherwise: one in twenty.
fn spared(grid: &Grid) -> usize {
    grid.rows.len() / 20
}

/// Rows in which something goes across a border. Digits that a letter follows do not: a number may
/// fill its column to the end.
fn crossing(grid: &Grid, at: usize) -> usize {
    let across = |row: &&Vec<char>| {
        let solid = !blank(row, at - 1) && !blank(row, at);
        let full = digit(row, at - 1) && grid.letter(row, at).is_alphabetic();
        solid && !full
    };
    grid.rows.iter().filter(across).count()
}

/// Ends of numbers that are set to the right, with where each begins.
fn ragged(grid: &Grid) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut ends: BTreeMap<usize, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for row in &grid.rows {
        for run in grid.numbers(row) {
            let (count, starts) = ends.entry(run.end).or_default();
            *count += 1;
            starts.insert(run.start);
        }
    }
    let fits = |end: usize, count: usize, starts: &BTreeSet<usize>| {
        // Numbers set to the left begin alike instead.
        let filled = grid.rows.iter().filter(|row| end > 0 && !blank(row, end - 1)).count();
        count > 1
            && starts.len() > 1
            && count * 10 >= filled * 9
            && (end >= grid.width || crossing(grid, end) <= spared(grid))
    };
    ends.into_iter()
        .filter(|(end, (count, starts))| fits(*end, *count, starts))
        .map(|(end, (_, starts))| (end, starts))
        .collect()
}

/// Borders on both sides of numbers that are set to the right.
fn numbers(grid: &Grid, ragged: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<(usize, Why)> {
    let mut found = Vec::new();
    for (end, starts) in ragged {
        found.push((*end, Why::NumbersEnd));
        let Some(first) = starts.first().copied().filter(|first| *first > 0) else { continue };
        if crossing(grid, first) > spared(grid) {
            continue;
        }
        let gap = (0..first).rev().take_while(|at| grid.is_blank(*at)).count();
        // Where blanks before and behind could be of either, half is.
        found.push((first - gap.saturating_sub(1) / 2, Why::NumbersBegin));
    }
    found
}

/// Borders where something begins behind blanks.
fn blanks(grid: &Grid, ragged: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<(usize, Why)> {
    let rows = grid.rows.len();
    let mut found = Vec::new();
    // Where numbers that are set to the right begin, in each row.
    let right: Vec<BTreeSet<usize>> = grid
        .rows
        .iter()
        .map(|row| {
            let runs = grid.numbers(row).into_iter();
            runs.filter(|run| ragged.contains_key(&run.end)).map(|run| run.start).collect()
        })
        .collect();
    for at in 1..grid.width {
        let (mut gaps, mut words, mut wide, mut codes) = (0, 0, 0, 0);
        for (row, right) in grid.rows.iter().zip(&right) {
            if !blank(row, at - 1) || blank(row, at) || right.contains(&at) {
                continue;
            }
            let before = row.iter().take(at).rev().take_while(|one| **one == ' ').count();
            match before {
                1 => words += 1,
                _ => gaps += 1,
            }
            wide += usize::from(before > 2);
            codes += usize::from(coded(row, at));
        }
        let total = gaps + words;
        if total == 0 || crossing(grid, at) > spared(grid) {
            continue;
        }
        let most = total * 10 >= rows * 6;
        let seldom = words == 0 && (gaps > 1 || wide > 0);
        if most && gaps * 2 >= total {
            found.push((at, Why::Blanks));
        } else if total * 10 >= rows * 9 && rows > 2 && codes * 10 >= total * 9 {
            // One blank stands between words too, but not between codes.
            found.push((at, Why::Blanks));
        } else if seldom {
            found.push((at, Why::Seldom));
        }
    }
    found
}

/// Whether what stands before a blank, or what follows it, has digits.
fn coded(row: &[char], at: usize) -> bool {
    let solid = |one: &&char| **one != ' ';
    let before: Vec<&char> = row.iter().take(at - 1).rev().take_while(solid).collect();
    let behind: Vec<&char> = row.iter().skip(at).take_while(solid).collect();
    [before, behind].iter().any(|run| run.iter().any(|one| one.is_ascii_digit()))
}

/// Where all rows have a date of one form, or nothing: the longest forms first.
fn dates(grid: &Grid) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut taken = vec![false; grid.width];
    for form in DATES {
        for year_first in [true, false] {
            let length = form.len();
            let mut at = 0;
            while at + length <= grid.width {
                let run = Run { start: at, end: at + length };
                let free = taken.get(at..at + length).is_some_and(|part| !part.contains(&true));
                // The hours of one date are the year of the next where two stand side by side.
                let next = Run { start: at + 8, end: at + 16 };
                let two = || form == TO_THE_SECOND && is_date(grid, next, TO_THE_DAY, year_first);
                if free && is_date(grid, run, form, year_first) && !two() {
                    taken.iter_mut().skip(at).take(length).for_each(|one| *one = true);
                    found.push(run);
                    at = run.end;
                } else {
                    at += 1;
                }
            }
        }
    }
    found.sort_unstable_by_key(|run| run.start);
    found
}

/// Whether nearly all rows that have something there have a date.
fn is_date(grid: &Grid, run: Run, form: &str, year_first: bool) -> bool {
    let (mut dates, mut others) = (0, 0);
    for row in &grid.rows {
        let cells = row.get(run.start..run.end).unwrap_or_default();
        if cells.iter().all(|one| *one == ' ') {
            continue;
        }
        match day(cells, form, year_first) {
            true => dates += 1,
            false => others += 1,
        }
        if others * 5 > grid.rows.len() {
            return false;
        }
    }
    dates > 0 && others * 4 <= dates
}

/// Whether letters are a day of our times in a form.
fn day(cells: &[char], form: &str, year_first: bool) -> bool {
    let fits = |(cell, wanted): (&char, char)| match wanted {
        '0' => cell.is_ascii_digit(),
        other => *cell == other,
    };
    if !cells.iter().zip(form.chars()).all(fits) {
        return false;
    }
    let digits: Vec<u32> = cells.iter().filter_map(|one| one.to_digit(10)).collect();
    let number = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0, |sum, one| sum * 10 + one)
    };
    let leading = form.bytes().take_while(|one| *one == b'0').count();
    // Signs between digits tell the order by themselves.
    if (matches!(leading, 4 | 14) && !year_first) || (leading == 2 && year_first) {
        return false;
    }
    let (year, month, day) = match year_first {
        true => (number(0, 4), number(4, 6), number(6, 8)),
        false => (number(4, 8), number(2, 4), number(0, 2)),
    };
    (1900..2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && number(8, 10) < 24
        && number(10, 12) < 60
        && number(12, 14) < 60
}
