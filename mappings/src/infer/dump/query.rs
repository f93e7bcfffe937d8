//! The query that would read a sample's rows, and the settings of the channel that asks it.

use std::collections::HashMap;

use super::{
    column_kinds,
    rows::Kind,
    table::{Cell, Table, Tables},
};
use crate::{
    infer::{meaning::Meaning, proposal::toml, records::Records},
    text::{charset::Charset, normalise::search_key},
};

/// Tables that are joined to the one of dossiers.
const JOINED_MAX: usize = 4;

/// Names of columns that change whenever a row does, folded, without spaces.
const CHANGES: [&str; 18] = [
    "ngaysua",
    "ngaycapnhat",
    "capnhat",
    "capnhatluc",
    "thoidiemsua",
    "thoigiansua",
    "thoigiancapnhat",
    "ngaychinhsua",
    "ngaythaydoi",
    "updatedat",
    "updateddate",
    "updatedon",
    "lastmodified",
    "modifiedat",
    "modifieddate",
    "lastupdate",
    "lastupdated",
    "rowversion",
];

/// Another table that says what a code of a row means.
#[derive(Debug, Clone)]
struct Other<'t> {
    name: String,
    table: &'t Table,
    /// The column that both have.
    by: String,
    /// Which rows have which code.
    rows: HashMap<&'t str, usize>,
    /// The columns that the row lacks.
    columns: Vec<usize>,
    kinds: Vec<Kind>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Joined<'t>(Vec<Other<'t>>);

impl<'t> Joined<'t> {
    /// Tables one of whose columns is different in all their rows, and has all the codes that the
    /// column of the same name has in the table of dossiers.
    pub(super) fn of(tables: &'t Tables, name: &str, table: &Table) -> Self {
        let mut found: Vec<Other<'t>> = Vec::new();
        let mut taken: Vec<&str> = table.columns.iter().map(|one| one.name.as_str()).collect();
        for (other, looked) in tables.iter().filter(|(other, _)| *other != name) {
            // A table that is cut off says nothing of codes.
            if looked.rows.is_empty() || looked.more > 0 || found.len() >= JOINED_MAX {
                continue;
            }
            let by = looked.columns.iter().enumerate().find_map(|(at, column)| {
                let own = table.place(&column.name)?;
                Some((column.name.clone(), codes(table, own, looked, at)?))
            });
            let Some((by, rows)) = by else { continue };
            let free = |at: &usize| {
                looked.columns.get(*at).is_some_and(|one| !taken.contains(&one.name.as_str()))
            };
            let columns: Vec<usize> = (0..looked.columns.len()).filter(free).collect();
            if columns.is_empty() {
                continue;
            }
            taken.extend(
                columns.iter().filter_map(|at| Some(looked.columns.get(*at)?.name.as_str())),
            );
            let kinds = column_kinds(looked);
            found.push(Other { name: other.clone(), table: looked, by, rows, columns, kinds });
        }
        Self(found)
    }

    /// The columns that they add.
    pub(super) fn columns(&self) -> impl Iterator<Item = (String, Kind)> {
        self.0.iter().flat_map(|other| {
            other.columns.iter().filter_map(|at| {
                let kind = other.kinds.get(*at).copied()?;
                Some((other.table.columns.get(*at)?.name.clone(), kind))
            })
        })
    }

    /// What they add to one row.
    pub(super) fn values<'s>(
        &'s self,
        table: &'s Table,
        cells: &'s [Cell],
    ) -> impl Iterator<Item = (&'s str, Option<&'s Cell>, Kind)> {
        self.0.iter().flat_map(move |other| {
            let code = table.place(&other.by).and_then(|at| cells.get(at)?.text());
            let row = code.and_then(|code| other.table.rows.get(*other.rows.get(code)?));
            other.columns.iter().filter_map(move |at| {
                let kind = other.kinds.get(*at).copied()?;
                let cell = row.and_then(|row| row.get(*at));
                Some((other.table.columns.get(*at)?.name.as_str(), cell, kind))
            })
        })
    }

    /// How a query joins them.
    fn joins(&self) -> Vec<Join> {
        let name = |other: &Other<'_>, at: &usize| Some(other.table.columns.get(*at)?.name.clone());
        let join = |other: &Other<'_>| Join {
            table: other.name.clone(),
            by: other.by.clone(),
            columns: other.columns.iter().filter_map(|at| name(other, at)).collect(),
        };
        self.0.iter().map(join).collect()
    }
}

/// Rows by their codes, if these are different and have all that a table's rows have.
fn codes<'t>(
    table: &Table,
    own: usize,
    other: &'t Table,
    at: usize,
) -> Option<HashMap<&'t str, usize>> {
    let mut rows = HashMap::new();
    for (number, row) in other.rows.iter().enumerate() {
        if rows.insert(row.get(at)?.text()?, number).is_some() {
            return None;
        }
    }
    let mut codes = table.rows.iter().filter_map(|row| row.get(own)?.text()).peekable();
    codes.peek()?;
    codes.all(|code| rows.contains_key(code)).then_some(rows)
}

/// A table that a query joins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Join {
    table: String,
    by: String,
    columns: Vec<String>,
}

/// A database as a sample showed it.
#[derive(Debug, Clone)]
pub(in crate::infer) struct Source {
    table: String,
    columns: Vec<(String, Kind)>,
    /// What its texts are written in, where they come as one letter a byte.
    pub(in crate::infer) charset: Option<Charset>,
    /// Rows behind those that were looked at.
    pub(in crate::infer) more: usize,
    key: Vec<String>,
    joins: Vec<Join>,
    quote: [char; 2],
}

impl Source {
    pub(super) fn new(table: &str, columns: Vec<(String, Kind)>, charset: Option<Charset>) -> Self {
        let table = table.to_owned();
        let (key, joins) = (Vec::new(), Vec::new());
        Self { table, columns, charset, more: 0, key, joins, quote: ['"', '"'] }
    }

    /// What a dump says besides: its key, the tables joined, how it quotes names.
    pub(super) fn of_dump(&mut self, table: &Table, joined: &Joined<'_>, quote: [char; 2]) {
        self.key.clone_from(&table.key);
        self.joins = joined.joins();
        (self.quote, self.more) = (quote, table.more);
    }

    /// The column that tells of changes, by its name and its type.
    fn watermark(&self) -> Option<&(String, Kind)> {
        let folded = |name: &str| -> String {
            search_key(name).chars().filter(|one| one.is_ascii_alphanumeric()).collect()
        };
        self.columns.iter().find(|(name, kind)| {
            let moment = matches!(kind, Kind::Time | Kind::Zoned | Kind::Day);
            *kind == Kind::Version || moment && CHANGES.contains(&folded(name).as_str())
        })
    }

    /// What is to be asked of those who keep the database; `rows` is the sample.
    pub(super) fn questions(&self, rows: &str) -> Vec<[String; 2]> {
        let mut asked = Vec::new();
        match self.watermark() {
            None => asked.push([
                "Không thấy cột thay đổi mỗi khi hồ sơ thay đổi: mỗi lượt đọc lại cả bảng. \
                 Nếu có, ghi vào `watermark`."
                    .to_owned(),
                "No column tells of changes: every turn reads the whole table. If there is one, \
                 name it as `watermark`."
                    .to_owned(),
            ]),
            Some((name, _)) if rows.contains(&format!("{}:null", toml(name))) => asked.push([
                format!(
                    "`{name}` có dòng trống, dòng ấy không được đọc: dùng coalesce trong query."
                ),
                format!(
                    "`{name}` is null in some rows, which are not read: coalesce in the query."
                ),
            ]),
            Some(_) => {}
        }
        asked.push([
            "Xin tài khoản chỉ đọc của cơ sở dữ liệu, ghi địa chỉ vào secrets.toml \
             (docs/polling.md)."
                .to_owned(),
            "Ask for an account of the database that may only read; its address goes into \
             secrets.toml (docs/polling.md)."
                .to_owned(),
        ]);
        asked
    }

    /// A name as the database takes it.
    fn name(&self, name: &str) -> String {
        let small = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_';
        let [open, close] = self.quote;
        // PostgreSQL alone takes bare capitals for small letters.
        let any = |one: char| small(one) || open != '"' && one.is_ascii_uppercase();
        let plain = name.chars().all(any) && name.starts_with(|one: char| !one.is_ascii_digit());
        match plain {
            true => name.to_owned(),
            false => format!("{open}{}{close}", name.replace(close, &format!("{close}{close}"))),
        }
    }

    fn query(&self) -> String {
        let table: Vec<String> = self.table.split('.').map(|part| self.name(part)).collect();
        let table = table.join(".");
        if self.joins.is_empty() {
            return format!("SELECT * FROM {table}");
        }
        let (mut columns, mut from) = (vec!["h.*".to_owned()], format!("{table} h"));
        for (number, join) in (1..).zip(&self.joins) {
            let of = |name: &String| format!("l{number}.{}", self.name(name));
            columns.extend(join.columns.iter().map(of));
            let (other, by) = (self.name(&join.table), self.name(&join.by));
            from.push_str(&format!(" LEFT JOIN {other} l{number} ON l{number}.{by} = h.{by}"));
        }
        format!("SELECT {} FROM {from}", columns.join(", "))
    }

    /// What the agency's file says of the channel: TOML, for a channel named `ho-so`.
    pub(in crate::infer) fn transport(
        &self,
        agency: &str,
        records: &Records,
        meanings: &[Meaning],
    ) -> String {
        let mut lines = vec!["transport = \"database\"".to_owned(), String::new()];
        lines.push("[channels.ho-so.database]".to_owned());
        lines.push("# Tên bí mật trong secrets.toml (its name in secrets.toml)".to_owned());
        lines.push(format!("secret = {}", toml(&format!("{agency}-csdl"))));
        lines.push(format!("query = {}", toml(&self.query())));
        let code = meanings.iter().find(|one| one.member == "source_code");
        let code = code.and_then(|one| records.fields.get(one.field)?.names.last().cloned());
        let (key, why) = match (self.key.is_empty(), code) {
            (false, _) => (self.key.clone(), "khóa chính của bảng (the primary key)"),
            (true, Some(code)) => (vec![code], "cột mã hồ sơ (the code of the dossier)"),
            (true, None) => (
                self.columns.first().map(|(name, _)| name.clone()).into_iter().collect(),
                "đoán: cột đầu (a guess: the first column)",
            ),
        };
        let key: Vec<String> = key.iter().map(|one| toml(one)).collect();
        lines.push(format!("# {why}"));
        lines.push(format!("key = [{}]", key.join(", ")));
        match self.watermark() {
            Some((name, kind)) => {
                lines.push("# theo tên và kiểu cột (by the column's name and type)".to_owned());
                lines.push(format!("watermark = {}", toml(name)));
                if *kind == Kind::Day {
                    lines
                        .push("# chỉ có ngày: đọc lại cả ngày (days only: a day again)".to_owned());
                    lines.push("overlap = 86400".to_owned());
                }
            }
            None => {
                lines.push(
                    "# watermark: không thấy cột thay đổi, mỗi lượt đọc cả bảng (none was found)"
                        .to_owned(),
                );
                lines.push("every_seconds = 3600".to_owned());
            }
        }
        lines.join("\n") + "\n"
    }
}
