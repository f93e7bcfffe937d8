//! Rows of a file as a grid of letters: what stands in which column of which row.

use crate::text::charset::Charset;

/// Cells that are looked at; more rows would tell nothing new.
const CELLS_MAX: usize = 2 << 20;
/// Rows that are looked at.
const ROWS_MAX: usize = 1_000;

/// Rows of equal width, a letter for each unit that widths count; what a row lacks is blank.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<char>>,
    pub(super) width: usize,
    /// What bytes are written in, where a unit is a byte.
    charset: Option<Charset>,
}

/// A run of letters without a blank in it, or a part of one: from where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Grid {
    /// Of rows as the reader sees them: a character a unit.
    pub(super) fn of(rows: &[&str], charset: Option<Charset>) -> Self {
        let widths = rows.iter().map(|row| row.trim_end_matches(' ').chars().count());
        let width = widths.max().unwrap_or(0);
        let count = (CELLS_MAX / width.max(1)).clamp(2, ROWS_MAX);
        // Spread over the whole file: its beginning may be of one kind.
        let step = rows.len().div_ceil(count).max(1);
        let padded = |row: &&str| {
            let blanks = std::iter::repeat(' ');
            row.chars().chain(blanks).take(width).collect()
        };
        Self { rows: rows.iter().step_by(step).map(padded).collect(), width, charset }
    }

    /// What stands in some columns of a row, as a person reads it.
    pub(super) fn text(&self, row: &[char], from: usize, to: usize) -> String {
        let cells = row.get(from..to.min(row.len())).unwrap_or_default();
        decoded(cells.iter().copied(), self.charset).trim().to_owned()
    }

    /// What the letter of a cell is, for telling kinds apart: a byte by itself, where it has one.
    pub(super) fn letter(&self, row: &[char], at: usize) -> char {
        let Some(letter) = row.get(at).copied() else { return ' ' };
        let Some(charset) = self.charset.filter(|_| !letter.is_ascii()) else { return letter };
        let byte = u8::try_from(u32::from(letter)).unwrap_or(b'?');
        let read = charset.decode(&[byte]).ok().and_then(|text| text.chars().next());
        // A part of a letter: that it is one is all that it tells.
        read.unwrap_or('x')
    }

    /// Whether a column is blank in every row.
    pub(super) fn is_blank(&self, at: usize) -> bool {
        self.rows.iter().all(|row| blank(row, at))
    }

    /// Runs of digits, with what stands within numbers, that a blank precedes and a blank, a letter
    /// or the end follows.
    pub(super) fn numbers(&self, row: &[char]) -> Vec<Run> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < row.len() {
            let within = |letter: &char| letter.is_ascii_digit() || ".,-".contains(*letter);
            let length = row.iter().skip(at).take_while(|letter| within(letter)).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let run = Run { start: at, end: at + length };
            let digits = row.iter().skip(at).take(length).any(char::is_ascii_digit);
            let behind = self.letter(row, run.end);
            let before = at == 0 || blank(row, at - 1);
            if digits && before && (behind == ' ' || behind.is_alphabetic()) {
                found.push(run);
            }
            at = run.end;
        }
        found
    }
}

/// Whether a cell is blank, or behind the row's end.
pub(super) fn blank(row: &[char], at: usize) -> bool {
    row.get(at).is_none_or(|letter| *letter == ' ')
}

/// Whether a cell holds a digit.
pub(super) fn digit(row: &[char], at: usize) -> bool {
    row.get(at).is_some_and(char::is_ascii_digit)
}

/// A text of one letter a byte, in its charset; what is cut wrongly stays as it is.
pub(super) fn decoded(letters: impl Iterator<Item = char>, charset: Option<Charset>) -> String {
    let text: String = letters.collect();
    let Some(charset) = charset else { return text };
    let byte = |letter: char| u8::try_from(u32::from(letter)).unwrap_or(b'?');
    let bytes: Vec<u8> = text.chars().map(byte).collect();
    charset.decode(&bytes).map(std::borrow::Cow::into_owned).unwrap_or(text)
}
