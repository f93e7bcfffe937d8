//! A dump's rows as the hub would read them: JSON, a row a line, values by the types of columns.

use serde_json::value::RawValue;

use super::{
    query::Joined,
    table::{Cell, Declared, Table},
};

/// What a column holds, as far as it changes how a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Boolean,
    Time,
    Zoned,
    Day,
    /// A number that the server makes grow with every change of any row.
    Version,
    Text,
    /// Nothing told.
    Unknown,
}

/// The kind that a declared type means.
fn declared(kind: &str) -> Kind {
    let first = kind.split_whitespace().next().unwrap_or_default();
    let zoned = kind.contains("with time zone") && !kind.contains("without");
    match first {
        "timestamptz" | "datetimeoffset" => Kind::Zoned,
        "timestamp" if zoned => Kind::Zoned,
        "timestamp" | "datetime" | "datetime2" | "smalldatetime" => Kind::Time,
        "date" => Kind::Day,
        "rowversion" => Kind::Version,
        "bool" | "boolean" | "bit" => Kind::Boolean,
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "mediumint" | "serial"
        | "bigserial" | "int2" | "int4" | "int8" | "numeric" | "decimal" | "money" | "float"
        | "real" | "double" | "number" => Kind::Number,
        _ => Kind::Text,
    }
}

/// The kind that a text has by its looks.
pub(super) fn kind_of(text: &str) -> Kind {
    let form: String = text
        .chars()
        .take(40)
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    let time = form.starts_with("0000-00-00 00:00:00") || form.starts_with("0000-00-00T00:00:00");
    match (form.as_str(), time) {
        ("0000-00-00", _) => Kind::Day,
        (_, true) if form.get(19..).is_some_and(|rest| rest.contains(['+', '-', 'Z'])) => {
            Kind::Zoned
        }
        (_, true) => Kind::Time,
        _ => Kind::Text,
    }
}

/// A number that JSON writes the same.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let sound = digits.starts_with(|first: char| first.is_ascii_digit());
    sound && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The kinds of a table's columns, by declaration or by what all values are.
pub(super) fn column_kinds(table: &Table) -> Vec<Kind> {
    let told = |(at, column): (usize, &Declared)| match &column.kind {
        Some(kind) => declared(kind),
        None => guessed(table.rows.iter().filter_map(|row| row.get(at))),
    };
    table.columns.iter().enumerate().map(told).collect()
}

fn guessed<'t>(cells: impl Iterator<Item = &'t Cell>) -> Kind {
    let mut found: Option<Kind> = None;
    for cell in cells {
        let kind = match cell {
            Cell::Null => continue,
            Cell::Bare(word)
                if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") =>
            {
                Kind::Boolean
            }
            Cell::Bare(_) => Kind::Number,
            Cell::Text(text) => kind_of(text),
            Cell::Copied(text) if matches!(text.as_str(), "t" | "f") => Kind::Boolean,
            Cell::Copied(text) if is_number(text) => Kind::Number,
            Cell::Copied(text) => kind_of(text),
        };
        if found.is_some_and(|other| other != kind) {
            return Kind::Text;
        }
        found = Some(kind);
    }
    found.unwrap_or(Kind::Unknown)
}

/// A value as JSON.
fn value(cell: &Cell, kind: Kind) -> String {
    let Some(text) = cell.text() else { return "null".to_owned() };
    let text = text.trim_end_matches('\0');
    match kind {
        Kind::Number | Kind::Version if is_number(text) => return text.to_owned(),
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "1" => return "true".to_owned(),
            "f" | "false" | "0" => return "false".to_owned(),
            _ => {}
        },
        Kind::Time | Kind::Zoned => return quoted(&time(text)),
        _ => {}
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `2013-12-02 08:10:00+07` as `2013-12-02T08:10:00+07:00`; a fraction of nothing is left out.
fn time(text: &str) -> String {
    let Some((day, rest)) = text.split_at_checked(10) else { return text.to_owned() };
    let rest = rest.trim_start_matches([' ', 'T']);
    let zone = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(zone).unwrap_or((rest, ""));
    let clock = match clock.split_once('.') {
        Some((whole, part)) if part.trim_end_matches('0').is_empty() => whole,
        _ => clock,
    };
    let minutes = if zone.len() == 3 { ":00" } else { "" };
    match clock.is_empty() {
        true => text.to_owned(),
        false => format!("{day}T{clock}{zone}{minutes}"),
    }
}

/// A row as JSON, with what other tables say of it.
fn row(table: &Table, kinds: &[Kind], cells: &[Cell], joined: &Joined<'_>) -> String {
    let own =
        table.columns.iter().zip(cells).zip(kinds).map(|((column, cell), kind)| {
            format!("{}:{}", quoted(&column.name), value(cell, *kind))
        });
    let others = joined.values(table, cells);
    let others = others.map(|(name, cell, kind)| {
        let text = cell.map_or_else(|| "null".to_owned(), |cell| value(cell, kind));
        format!("{}:{text}", quoted(name))
    });
    format!("{{{}}}\n", own.chain(others).collect::<Vec<_>>().join(","))
}

/// The columns of the query, its rows as JSON, and how many rows have another number of columns.
pub(super) fn written(table: &Table, joined: &Joined<'_>) -> (Vec<(String, Kind)>, String, usize) {
    let kinds = column_kinds(table);
    let own = table.columns.iter().map(|column| column.name.clone()).zip(kinds.iter().copied());
    let columns = own.chain(joined.columns()).collect();
    let whole = |cells: &&Vec<Cell>| cells.len() == table.columns.len();
    let rows = table.rows.iter().filter(whole);
    let text: String = rows.clone().map(|cells| row(table, &kinds, cells, joined)).collect();
    (columns, text, table.rows.len() - rows.count())
}
