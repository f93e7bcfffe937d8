//! What a benchmark says: lines of one form, so that a person and a program can read them.

use std::{
    fmt,
    io::{self, Write},
};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    what: String,
    figure: f64,
    unit: &'static str,
    ratio: Option<(f64, String)>,
}

/// The figures of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    title: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

/// A figure with three digits that mean something.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0.abs() {
            figure if figure >= 99.95 => 0,
            figure if figure >= 9.995 => 1,
            figure if figure >= 0.0995 => 2,
            figure if figure >= 0.001 => 4,
            _ => 7,
        };
        out.pad(&format!("{:.decimals$}", self.0))
    }
}

impl Table {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new(), notes: Vec::new() }
    }

    /// A figure without a floor, or a floor itself.
    pub(super) fn line(&mut self, what: impl Into<String>, figure: f64, unit: &'static str) {
        self.lines.push(Line { what: what.into(), figure, unit, ratio: None });
    }

    /// A figure and how many times its floor it is.
    pub(super) fn against(
        &mut self,
        (what, figure, unit): (&str, f64, &'static str),
        (floor, of): (&str, f64),
    ) {
        let ratio = (of > 0.0).then(|| (figure / of, floor.to_owned()));
        self.lines.push(Line { what: what.to_owned(), figure, unit, ratio });
    }

    /// A figure that was taken several times: the one in the middle, and where there are more the
    /// least and the most.
    pub(super) fn spread(&mut self, what: &str, figures: &[f64], unit: &'static str) {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        self.line(what, middle, unit);
        if let [least, .., most] = sorted[..] {
            self.line(format!("{what}, least"), least, unit);
            self.line(format!("{what}, most"), most, unit);
        }
    }

    /// A sentence below the figures.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Writes the table.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# {}", self.title)?;
        writeln!(out, "{:<44}  {:>10}  {:<10}  {:>8}  of", "what", "figure", "unit", "ratio")?;
        for Line { what, figure, unit, ratio } in &self.lines {
            write!(out, "{what:<44}  {:>10}  ", Short(*figure))?;
            match ratio {
                Some((ratio, floor)) => writeln!(out, "{unit:<10}  {:>8}  {floor}", Short(*ratio))?,
                None => writeln!(out, "{unit}")?,
            }
        }
        for note in &self.notes {
            writeln!(out, "# {note}")?;
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_one_form_and_ratios_name_their_floor() {
        let mut table = Table::new("work");
        table.line("bare", 51_800.4, "req/s");
        table.against(("hub", 2_590.0, "req/s"), ("bare", 51_800.0));
        table.note("said");
        let mut told = Vec::new();
        table.write(&mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        let words: Vec<Vec<&str>> =
            told.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[2], ["bare", "51800", "req/s"]);
        assert_eq!(words[3], ["hub", "2590", "req/s", "0.0500", "bare"]);
        assert_eq!(words[4], ["#", "said"]);
    }
}
