//! Rows of a database as a sample: a SQL dump, or JSON rows as the hub reads them.
//!
//! A dump's rows become what the hub would be given by a query: JSON of the table that looks like
//! dossiers, with what other tables say of its codes.

mod query;
mod rows;
mod scan;
mod schema;
mod table;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::{
    query::Joined,
    rows::{Kind, column_kinds},
    scan::{Broken, What},
    table::{Table, Tables},
};
use super::{
    NotUnderstood, meaning,
    reading::{Reading, plausibility},
    workbook::unread,
};
use crate::{
    document::NodeKind,
    format::{Format, JsonOptions, Limits, RowsOptions, line_column},
    text::charset::Charset,
};

pub(super) use self::query::Source;

/// Tables that a question names.
const NAMED_MAX: usize = 12;
/// Members that a table of dossiers has at least.
const MEMBERS_MIN: usize = 3;

/// A sample of a database as rows; `None` where it is something else.
pub(super) fn of(payload: &[u8], wanted: Option<&str>) -> Result<Option<Reading>, NotUnderstood> {
    let text = text(payload)?;
    let is_json = text.trim_start().starts_with(['{', '[']);
    match (is_json, wanted) {
        (true, Some(table)) => json(&text, table).map(Some),
        (false, _) if table::is_dump(&text) => dump(&text, wanted).map(Some),
        (_, None) => Ok(None),
        (false, Some(_)) => Err(NotUnderstood::new(
            "Tên bảng chỉ dùng với bản dump SQL hoặc các dòng JSON của một bảng.",
            "A table's name goes with a SQL dump, or with a table's rows as JSON.",
        )),
    }
}

/// The text of a dump, one letter a byte where it is no Unicode: as the hub is given such texts.
fn text(payload: &[u8]) -> Result<Cow<'_, str>, NotUnderstood> {
    let utf16 = payload.starts_with(&[0xff, 0xfe]) || payload.starts_with(&[0xfe, 0xff]);
    if utf16 {
        return Charset::Utf16.decode(payload).map_err(|error| {
            NotUnderstood::new(
                format!("Tệp mẫu hỏng ở byte {}: không phải UTF-16.", error.offset),
                format!("The sample is no UTF-16 at byte {}.", error.offset),
            )
        });
    }
    let payload = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    Ok(match str::from_utf8(payload) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(payload.iter().copied().map(char::from).collect()),
    })
}

fn dump(text: &str, wanted: Option<&str>) -> Result<Reading, NotUnderstood> {
    let tables = table::read(text).map_err(|broken| told(text, broken))?;
    let (name, looks) = chosen(&tables, wanted)?;
    let Some(table) = tables.get(&name) else { return Err(no_rows(&tables)) };
    let joined = Joined::of(&tables, &name, table);
    let (columns, rows, ragged) = rows::written(table, &joined);
    let mut reading = reading(rows, columns, &name);
    let others: Vec<String> = tables
        .iter()
        .filter(|(other, table)| **other != name && table.count() > 0)
        .map(|(other, table)| format!("`{}` ({})", shown(other), table.count()))
        .take(NAMED_MAX)
        .collect();
    let [vi, en] = match looks {
        true => ["giống bảng hồ sơ nhất", "looks most like dossiers"],
        false => [
            "có nhiều dòng nhất; không bảng nào giống hồ sơ",
            "is the biggest; none looks like dossiers",
        ],
    };
    let (count, list) = (table.count(), others.join(", "));
    let name = shown(&name);
    let vi_chosen = if wanted.is_some() { "do --table chọn" } else { vi };
    let en_chosen = if wanted.is_some() { "was chosen by --table" } else { en };
    reading.reasons.push([
        format!("Bản dump SQL: bảng `{name}` ({count} dòng) {vi_chosen}."),
        format!("A SQL dump: the table `{name}` ({count} rows) {en_chosen}."),
    ]);
    if !others.is_empty() && wanted.is_none() {
        reading.questions.push([
            format!(
                "Lấy bảng `{name}`; bảng khác trong dump: {list}. Chọn bảng khác bằng --table."
            ),
            format!("The table `{name}` was taken; there are {list} too: --table chooses."),
        ]);
    }
    if ragged > 0 {
        reading.questions.push([
            format!("{ragged} dòng của `{name}` không đủ cột nên bị bỏ qua."),
            format!("{ragged} rows of `{name}` have another number of columns: left out."),
        ]);
    }
    if table.columns.iter().any(|column| column.kind.is_none()) {
        reading.questions.push([
            "Dump không có CREATE TABLE: kiểu cột đoán theo giá trị.".to_owned(),
            "The dump has no CREATE TABLE: types are guessed from values.".to_owned(),
        ]);
    }
    if let Some(source) = &mut reading.source {
        source.of_dump(table, &joined, quote(text));
    }
    Ok(reading)
}

/// The sign that a dump puts around names.
fn quote(text: &str) -> [char; 2] {
    let begins = |sign: &str| {
        text.contains(&format!("INTO {sign}")) || text.contains(&format!("INSERT {sign}"))
    };
    match (begins("`"), begins("[")) {
        (true, _) => ['`', '`'],
        (_, true) => ['[', ']'],
        _ => ['"', '"'],
    }
}

/// JSON rows of a table.
fn json(text: &str, name: &str) -> Result<Reading, NotUnderstood> {
    let lines = !text.trim_start().starts_with('[');
    let form = Format::Json(JsonOptions { lines, doubled: false });
    let mut columns: Vec<(String, Kind)> = Vec::new();
    let mut flat = true;
    let mut first = true;
    let read = form.read(text, &[], &Limits::default(), &mut |item| {
        let Ok((document, row)) = item else { return };
        for child in document.children(row) {
            let kind = document.kind(child);
            flat &= !matches!(kind, NodeKind::Object | NodeKind::Array);
            let told = match kind {
                NodeKind::Number => Some(Kind::Number),
                NodeKind::Text => Some(rows::kind_of(document.text(child))),
                _ => None,
            };
            let name = document.name(child);
            let place = columns.iter_mut().find(|(known, _)| known == name);
            match (place, told) {
                (Some((_, kind)), Some(told)) if *kind == Kind::Unknown => *kind = told,
                (None, told) if first => {
                    columns.push((name.to_owned(), told.unwrap_or(Kind::Unknown)));
                }
                _ => {}
            }
        }
        first = false;
    });
    read.map_err(|fault| unread(&fault))?;
    if !flat || columns.is_empty() {
        return Err(NotUnderstood::new(
            "Dòng của bảng là đối tượng JSON phẳng, mỗi cột một giá trị; mẫu này không phải.",
            "A table's rows are JSON objects of columns with one value each; these are not.",
        ));
    }
    let mut reading = reading(text.to_owned(), columns, name);
    let name = shown(name);
    reading.reasons.push([
        format!("Các dòng JSON của bảng `{name}`."),
        format!("JSON rows of the table `{name}`."),
    ]);
    Ok(reading)
}

/// Rows of columns, read as the channel reads them.
fn reading(rows: String, columns: Vec<(String, Kind)>, table: &str) -> Reading {
    let charset = legacy(&rows);
    let names = columns.iter().map(|(name, _)| name.clone()).collect();
    let format = Format::Rows(RowsOptions { columns: names, copied: false });
    let mut reasons = Vec::new();
    if let Some(charset) = charset {
        reasons.push([
            format!("Chữ trong cơ sở dữ liệu theo bảng mã {charset}, mỗi byte một chữ."),
            format!("Texts of the database are {charset}, a letter for each byte."),
        ]);
    }
    let source = Source::new(table, columns, charset);
    let mut reading = Reading::new(Charset::Utf8, rows, format, 0, reasons);
    reading.questions.extend(source.questions(&reading.text));
    reading.source = Some(source);
    reading
}

/// The charset that letters are bytes of, if they make more sense so.
fn legacy(rows: &str) -> Option<Charset> {
    // Bytes in a database without a charset come as letters below 256.
    let part = rows.get(..rows.floor_char_boundary(1 << 20)).unwrap_or(rows);
    let words: String =
        part.split('"').filter(|text| !text.is_ascii()).collect::<Vec<_>>().join("\n");
    let plain = plausibility(&words);
    ["tcvn3", "vni", "windows-1258", "viscii"]
        .into_iter()
        .filter_map(|name| Charset::all().find(|one| one.name() == name))
        .filter_map(|charset| {
            let text = charset.decode_latin1_text(&words).ok()?;
            Some((plausibility(&text), charset))
        })
        .filter(|(score, _)| *score > plain)
        .max_by_key(|(score, _)| *score)
        .map(|(_, charset)| charset)
}

/// The table that is meant: the one named, or of those that look like dossiers the biggest.
fn chosen(tables: &Tables, wanted: Option<&str>) -> Result<(String, bool), NotUnderstood> {
    if let Some(wanted) = wanted {
        let is = |name: &&String| {
            let last = name.rsplit('.').next().unwrap_or(name);
            name.eq_ignore_ascii_case(wanted) || last.eq_ignore_ascii_case(wanted)
        };
        let found = tables.iter().filter(|(_, table)| table.count() > 0).map(|(name, _)| name);
        return match found.clone().find(is) {
            Some(name) => Ok((name.clone(), true)),
            None => {
                let list: Vec<String> =
                    found.take(NAMED_MAX).map(|name| format!("`{}`", shown(name))).collect();
                let (list, wanted) = (list.join(", "), shown(wanted));
                Err(NotUnderstood::new(
                    format!("Dump không có dòng nào của bảng `{wanted}`; có: {list}."),
                    format!("The dump has no rows of a table `{wanted}`; there are: {list}."),
                ))
            }
        };
    }
    let filled = tables.iter().filter(|(_, table)| table.count() > 0);
    let best = filled.max_by_key(|(_, table)| {
        let looks = looks(table);
        (looks, table.count(), table.columns.len())
    });
    best.map(|(name, table)| (name.clone(), looks(table))).ok_or_else(|| no_rows(tables))
}

/// Whether a table's columns are those of dossiers: several members, a moment or a status too.
fn looks(table: &Table) -> bool {
    let mut members: Vec<&str> =
        table.columns.iter().filter_map(|column| meaning::member(&column.name)).collect();
    members.sort_unstable();
    members.dedup();
    members.len() >= MEMBERS_MIN
        && members.iter().any(|member| *member == "status" || member.ends_with("_at"))
}

fn no_rows(tables: &Tables) -> NotUnderstood {
    let count = tables.len();
    NotUnderstood::new(
        format!("Dump có {count} bảng nhưng không có dòng dữ liệu nào (INSERT … VALUES, COPY)."),
        format!("The dump has {count} tables and no rows (INSERT … VALUES, COPY)."),
    )
}

fn told(text: &str, broken: Broken) -> NotUnderstood {
    let (line, column) = line_column(text, broken.at);
    let [vi, en] = match broken.what {
        What::Unclosed => [
            "dấu nháy hoặc chú thích mở ở đây không đóng lại",
            "the quote or comment opened here is never closed",
        ],
        What::Row => ["dòng VALUES bắt đầu ở đây không kết thúc", "the row begun here never ends"],
        What::Columns => ["quá 1000 cột", "more than 1000 columns"],
    };
    NotUnderstood::new(
        format!("Không đọc được bản dump, dòng {line}, cột {column}: {vi}."),
        format!("The dump cannot be read, line {line}, column {column}: {en}."),
    )
}

/// A name as a message shows it.
fn shown(name: &str) -> String {
    name.chars().take(60).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
