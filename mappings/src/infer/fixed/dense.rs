//! Borders within what no blank divides: by kinds of letters that change at one place in all rows.

use std::collections::BTreeSet;

use super::{
    borders::{Borders, Why},
    grid::{Grid, Run, blank, digit},
};

/// Different marks of one letter; more are no code.
const MARKS_MAX: usize = 16;

/// Adds the borders within columns that are no dates.
pub(super) fn divide(grid: &Grid, found: &mut Borders, dates: &[Run]) {
    let dates: BTreeSet<usize> = dates.iter().map(|date| date.start).collect();
    let starts: Vec<usize> = found.keys().copied().collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(grid.width);
        if dates.contains(start) {
            continue;
        }
        let column = Run { start: *start, end };
        let words = words(grid, column);
        let figures = Run { start: *start, end: words.unwrap_or(end) };
        let cut = shorter(grid, figures).or_else(|| phone(grid, figures));
        let mark = cut.is_none().then(|| mark(grid, column)).flatten();
        let all = [(words, Why::Words)].into_iter().chain([(mark, Why::Flag)]);
        for (at, why) in all.filter_map(|(at, why)| Some((at?, why))).chain(cut) {
            found.entry(at).or_insert(why);
        }
    }
}

/// Rows that have something in a column.
fn filled(grid: &Grid, column: Run) -> impl Iterator<Item = &Vec<char>> {
    let has = move |row: &&Vec<char>| (column.start..column.end).any(|at| !blank(row, at));
    grid.rows.iter().filter(has)
}

/// Where digits end and a word begins, at the same place in all rows.
fn words(grid: &Grid, column: Run) -> Option<usize> {
    let letter = |row: &[char], at: usize| grid.letter(row, at).is_alphabetic();
    let leading =
        |row: &Vec<char>| (column.start..column.end).take_while(|at| digit(row, *at)).count();
    let length = filled(grid, column).map(leading).min().filter(|length| *length > 0)?;
    let at = column.start + length;
    let word = |row: &&Vec<char>| (at..at + 3).all(|one| letter(row, one)) && at + 3 <= column.end;
    let (all, changed) = (filled(grid, column).count(), filled(grid, column).filter(word).count());
    let clean = filled(grid, column).all(|row| letter(row, at) || blank(row, at));
    (clean && changed > 1 && changed * 10 >= all * 6).then_some(at)
}

/// Behind a mark of one capital that a word with a capital follows: `TĐường`, `XTrung`.
fn mark(grid: &Grid, column: Run) -> Option<usize> {
    let at = column.start + 1;
    let upper = |row: &[char], at: usize| {
        let letter = grid.letter(row, at);
        letter.is_uppercase() || letter.is_ascii_digit()
    };
    let mut marks = BTreeSet::new();
    let (mut rows, mut told) = (0, 0);
    for row in filled(grid, column) {
        if !grid.letter(row, column.start).is_uppercase() || !upper(row, at) {
            return None;
        }
        marks.insert(grid.letter(row, column.start));
        rows += 1;
        told += usize::from(grid.letter(row, at + 1).is_lowercase());
    }
    // Words in capitals alone would not tell.
    let sound = rows > 1 && marks.len() <= MARKS_MAX && told * 10 >= rows && at < column.end;
    (sound && told > 0).then_some(at)
}

/// How many digits a column begins with in each row, and whether nothing follows them.
fn figures(grid: &Grid, column: Run) -> Option<Vec<usize>> {
    let of = |row: &Vec<char>| {
        let figure =
            |at: &usize| row.get(*at).is_some_and(|one| one.is_ascii_digit() || *one == '.');
        let count = (column.start..column.end).take_while(figure).count();
        let rest = (column.start + count..column.end).all(|at| blank(row, at));
        (rest && count > 0).then_some(count)
    };
    filled(grid, column).map(of).collect()
}

/// Where the digits of several rows end, all at one place, while those of others go on for long.
fn shorter(grid: &Grid, column: Run) -> Option<(usize, Why)> {
    let counts = figures(grid, column)?;
    let least = *counts.iter().min()?;
    let ending = counts.iter().filter(|count| **count == least).count();
    let going_on = counts.iter().all(|count| *count == least || *count >= least + 6);
    let other = counts.iter().any(|count| *count != least);
    (ending > 1 && going_on && other && least > 1).then_some((column.start + least, Why::Shorter))
}

/// Where a telephone number follows a code of a commune or the number of an identity card.
fn phone(grid: &Grid, column: Run) -> Option<(usize, Why)> {
    let counts = figures(grid, column)?;
    if counts.len() < 2 {
        return None;
    }
    let begins = |row: &Vec<char>, at: usize| {
        row.get(at) == Some(&'0') && digit(row, at + 1) && row.get(at + 1) != Some(&'0')
    };
    let fits = |length: &usize| {
        let at = column.start + length;
        counts.iter().all(|count| (length + 9..=length + 12).contains(count))
            && filled(grid, column).all(|row| begins(row, at))
    };
    let length = [5, 9, 12].into_iter().find(fits)?;
    Some((column.start + length, Why::Phone))
}
