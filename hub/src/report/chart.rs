//! A chart of a report: the first column in bars, in the parts that an identity makes of it.

use std::fmt::Write as _;

use super::printed::{Printed, number_vi};
use crate::registry::report::RowKind;

/// Bars, at most; the largest.
const BARS_MAX: usize = 12;
/// The length of the longest bar, and the place where bars begin.
const BAR_WIDTH: f64 = 560.0;
const BAR_START: f64 = 300.0;
const BAR_STEP: usize = 26;
/// Letters of a name, at most.
const NAME_CHARS_MAX: usize = 44;

/// A part of the bars: its name, and the place of its column among the figures.
struct Part<'a> {
    vi: &'a str,
    at: usize,
}

/// A chart as SVG, with what it says in words.
pub(super) struct Chart {
    pub(super) svg: String,
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// The parts of the first column: the columns that the last identity makes it up of.
fn parts<'a>(printed: &Printed<'a>) -> Option<Vec<Part<'a>>> {
    let first = printed.columns.get(2)?;
    let mut of_first = printed.checks.iter().map(|check| &check.identity);
    let identity = of_first.rfind(|one| one.left == [first.number])?;
    let columns = printed.columns;
    let place = |number: &u32| columns.iter().position(|column| column.number == *number);
    let places: Option<Vec<usize>> = identity.right.iter().map(place).collect();
    let places = places?;
    let top = |at: &usize| columns.get(*at).and_then(|column| column.vi.first());
    let differ = places.windows(2).all(|pair| top(&pair[0]) != top(&pair[1]));
    let part = |at: usize| {
        let column = columns.get(at)?;
        let vi = if differ { column.vi.first()? } else { column.vi.last()? };
        Some(Part { vi, at: at.checked_sub(2)? })
    };
    places.into_iter().map(part).collect()
}

/// The chart; none where there is nothing to show.
pub(super) fn chart(printed: &Printed<'_>) -> Option<Chart> {
    let parts = parts(printed).filter(|_| !printed.is_difference)?;
    let figure = |figures: &[Option<i64>], at: usize| figures.get(at).copied().flatten();
    let rows = printed.lines.iter().filter(|line| line.kind == RowKind::Row);
    let mut bars: Vec<_> = rows
        .filter_map(|line| Some((line, figure(line.figures, 0).filter(|sum| *sum > 0)?)))
        .collect();
    let all = bars.len();
    bars.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    bars.truncate(BARS_MAX);
    let most = bars.first()?.1;
    #[allow(clippy::cast_precision_loss, reason = "the length of a bar")]
    let length = |value: i64| value as f64 / most as f64 * BAR_WIDTH;
    let height = (bars.len() + 1) * BAR_STEP + 8;
    let heading = printed.columns.get(2).map(|column| column.vi.join(" – ")).unwrap_or_default();
    let title = match all > bars.len() {
        true => format!("{heading}: {} dòng lớn nhất trong {all} dòng", bars.len()),
        false => heading,
    };
    let (mut words, mut drawn) = (String::new(), String::new());
    for (row, (line, sum)) in bars.iter().enumerate() {
        let (y, name) = ((row + 1) * BAR_STEP, &line.named.name_vi);
        let mut shown: String = name.chars().take(NAME_CHARS_MAX).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        let (shown, end) = (escaped(&shown), BAR_START - 8.0);
        let _ = write!(drawn, "<text x=\"{end}\" y=\"{}\" class=\"name\">{shown}</text>", y + 14);
        let (mut x, mut told) = (BAR_START, Vec::new());
        for (class, part) in parts.iter().enumerate() {
            let value = figure(line.figures, part.at).unwrap_or(0);
            let wide = length(value.max(0));
            let _ = write!(
                drawn,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"18\" \
                 class=\"part-{class}\"/>"
            );
            x += wide;
            told.push(format!("{} {}", part.vi, number_vi(value)));
        }
        let sum = number_vi(*sum);
        let _ = write!(drawn, "<text x=\"{:.1}\" y=\"{}\">{sum}</text>", x + 6.0, y + 14);
        let _ = write!(words, "{name}: {sum} ({}). ", told.join("; "));
    }
    let mut legend = String::new();
    let mut x = BAR_START;
    for (class, part) in parts.iter().enumerate() {
        let name = escaped(part.vi);
        let _ = write!(
            legend,
            "<rect x=\"{x}\" y=\"2\" width=\"14\" height=\"14\" class=\"part-{class}\"/>\
             <text x=\"{}\" y=\"14\">{name}</text>",
            x + 20.0
        );
        #[allow(clippy::cast_precision_loss, reason = "the width of a name")]
        let wide = part.vi.chars().count() as f64 * 6.6;
        x += 44.0 + wide;
    }
    let (title, words) = (escaped(&title), escaped(words.trim_end()));
    let svg = format!(
        "<svg role=\"img\" aria-labelledby=\"chart-title chart-words\" \
         viewBox=\"0 0 980 {height}\" xmlns=\"http://www.w3.org/2000/svg\">\
         <title id=\"chart-title\">{title}</title><desc id=\"chart-words\">{words}</desc>\
         {legend}{drawn}</svg>"
    );
    Some(Chart { svg })
}
