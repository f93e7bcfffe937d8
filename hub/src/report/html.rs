//! A report as a page to print: A4 across, its own style, nothing that runs.

use askama::Template;

use super::{
    Unwritten,
    chart::chart,
    printed::{Line, Printed, Spanned, number_vi},
};
use crate::registry::report::{Check, RowKind, day_vi};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    printed: &'a Printed<'a>,
    whose: (&'a str, &'a str),
    days: (String, String),
    standing: (String, String),
    heading_rows: Vec<Vec<Spanned<'a>>>,
    lines: Vec<PageLine<'a>>,
    chart: Option<String>,
    checks: Vec<(bool, String, String)>,
    assertions: Vec<(String, String)>,
}

struct PageLine<'a> {
    class: &'static str,
    line: &'a Line<'a>,
    figures: Vec<String>,
}

fn columns(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("({number})")).collect::<Vec<_>>().join(" + ")
}

/// What is said of the identities: whether each holds, in two languages.
pub(super) fn checks(printed: &Printed<'_>) -> Vec<(bool, String, String)> {
    let said = |check: &Check| {
        let equal =
            format!("{} = {}", columns(&check.identity.left), columns(&check.identity.right));
        if check.holds {
            return (true, format!("Kiểm tra {equal}: khớp."), format!("{equal} holds."));
        }
        let rows = check.faults.iter().map(|fault| {
            let name = printed.lines.get(fault.row).map_or("", |line| &line.named.name_vi);
            format!("{name}: {} ≠ {}", number_vi(fault.left), number_vi(fault.right))
        });
        let rows = rows.collect::<Vec<_>>().join("; ");
        (
            false,
            format!("Kiểm tra {equal}: KHÔNG KHỚP ({rows})."),
            format!("{equal} does NOT hold ({rows})."),
        )
    };
    printed.checks.iter().map(said).collect()
}

/// What plans state beside what the catalogue has, in two languages.
pub(super) fn assertions(printed: &Printed<'_>) -> Vec<(String, String)> {
    let said = |one: &crate::registry::report::Asserted| {
        let (stated, has) = (number_vi(one.stated), number_vi(one.catalogue));
        let (on, source) = (one.on, &one.source);
        let more = if one.difference > 0 { "+" } else { "" };
        let difference = format!("{more}{}", number_vi(one.difference));
        (
            format!(
                "{}: {source} ghi {stated}; danh mục ngày {} có {has} (chênh lệch {difference}).",
                one.named.name_vi,
                day_vi(on),
            ),
            format!(
                "{}: {source} states {stated}; the catalogue of {on} has {has} ({difference}).",
                one.named.name_en,
            ),
        )
    };
    printed.assertions.iter().map(said).collect()
}

pub(super) fn write(printed: &Printed<'_>) -> Result<Vec<u8>, Unwritten> {
    let mut heading_rows: Vec<Vec<Spanned<'_>>> = Vec::new();
    heading_rows.resize_with(printed.depth(), Vec::new);
    for span in printed.headings() {
        if let Some(row) = heading_rows.get_mut(span.row) {
            row.push(span);
        }
    }
    let counted = printed.columns.len().saturating_sub(2);
    let lines = printed.lines.iter().map(|line| {
        let figure = |at: usize| match line.figures.get(at).copied().flatten() {
            Some(figure) => number_vi(figure),
            None if line.side.is_some() => String::new(),
            None => "…".to_owned(),
        };
        let class = match line.kind {
            RowKind::Group => "group",
            RowKind::Row => "row",
            RowKind::Total => "total",
        };
        PageLine { class, line, figures: (0..counted).map(figure).collect() }
    });
    let page = Page {
        printed,
        whose: printed.whose(),
        days: printed.days(),
        standing: printed.standing(),
        heading_rows,
        lines: lines.collect(),
        chart: chart(printed).map(|chart| chart.svg),
        checks: checks(printed),
        assertions: assertions(printed),
    };
    Ok(page.render()?.into_bytes())
}
