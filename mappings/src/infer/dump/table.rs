//! The tables of a dump: their columns with types, the key, and rows.

use std::collections::BTreeMap;

use super::scan::{Broken, Scan, What, Word, escape};

/// Rows of a table that are kept; those behind them are counted.
pub(super) const ROWS_MAX: usize = 1_200;
/// Columns that a row may have.
pub(super) const COLUMNS_MAX: usize = 1_000;
/// Tables that are kept.
const TABLES_MAX: usize = 2_000;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    /// In quotes.
    Text(String),
    /// A number, a keyword, or what a function made.
    Bare(String),
    /// As `COPY` writes it, whatever its type.
    Copied(String),
}

impl Cell {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Null => None,
            Self::Text(text) | Self::Bare(text) | Self::Copied(text) => Some(text),
        }
    }
}

/// A column, with its type in lower case where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) kind: Option<String>,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<Declared>,
    pub(super) key: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Rows behind those that are kept.
    pub(super) more: usize,
}

impl Table {
    fn add(&mut self, row: Vec<Cell>) {
        match self.rows.len() < ROWS_MAX {
            true => self.rows.push(row),
            false => self.more += 1,
        }
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// All rows, kept or not.
    pub(super) fn count(&self) -> usize {
        self.rows.len() + self.more
    }
}

/// The tables by their names, as the dump calls them.
pub(super) type Tables = BTreeMap<String, Table>;

/// Whether a text is a dump with rows: a statement that brings some begins a line.
pub(super) fn is_dump(source: &str) -> bool {
    source.lines().any(|line| {
        let mut words = line.split_ascii_whitespace().map(str::to_ascii_lowercase);
        let (first, second) = (words.next().unwrap_or_default(), words.next());
        let second = second.unwrap_or_default();
        match first.as_str() {
            "insert" => second == "into" || second.starts_with('['),
            "create" => second == "table",
            "copy" => line.trim_end().to_ascii_lowercase().contains(" from stdin"),
            _ => false,
        }
    })
}

/// Reads a dump.
pub(super) fn read(source: &str) -> Result<Tables, Broken> {
    let mut reader =
        Reader { scan: Scan { source, at: 0, backslashes: false }, tables: Tables::new() };
    while let Some(word) = reader.scan.word()? {
        if word.is("insert") {
            reader.insert()?;
        } else if word.is("copy") {
            reader.copy()?;
        } else if word.is("create") {
            reader.create()?;
        } else if word.is("alter") {
            reader.alter()?;
        } else if !word.is_sign(';') && !word.is("go") {
            reader.end()?;
        }
    }
    Ok(reader.tables)
}

/// A dump that is being read.
pub(super) struct Reader<'s> {
    pub(super) scan: Scan<'s>,
    tables: Tables,
}

impl Reader<'_> {
    /// Steps over the rest of a statement: to a semicolon, or a line that begins the next one.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        loop {
            let before = self.scan.at;
            let Some(word) = self.scan.peek()? else { return Ok(()) };
            let skipped = self.scan.source.get(before..self.scan.at).unwrap_or_default();
            let begins = ["insert", "copy", "create", "alter", "go"];
            if skipped.contains('\n') && begins.iter().any(|keyword| word.is(keyword)) {
                return Ok(());
            }
            self.scan.word()?;
            if word.is_sign(';') {
                return Ok(());
            }
        }
    }

    /// Takes a keyword if it comes next.
    pub(super) fn takes(&mut self, keyword: &str) -> Result<bool, Broken> {
        let is = self.scan.peek()?.is_some_and(|word| word.is(keyword));
        if is {
            self.scan.word()?;
        }
        Ok(is)
    }

    pub(super) fn takes_sign(&mut self, sign: char) -> Result<bool, Broken> {
        let is = self.scan.peek()?.is_some_and(|word| word.is_sign(sign));
        if is {
            self.scan.word()?;
        }
        Ok(is)
    }

    /// A table's name without quotes, with its schema unless that is the usual one.
    pub(super) fn name(&mut self) -> Result<Option<String>, Broken> {
        let mut parts = Vec::new();
        loop {
            let Some(part) = self.scan.word()?.and_then(|word| word.name()) else {
                return Ok(None);
            };
            parts.push(part);
            if !self.takes_sign('.')? {
                break;
            }
        }
        let usual = |part: &String| ["public", "dbo"].contains(&part.to_lowercase().as_str());
        if parts.len() > 1 && parts.first().is_some_and(usual) {
            parts.remove(0);
        }
        Ok(Some(parts.join(".")))
    }

    /// Names in brackets, after the opening one; what stands beside a name is left out.
    pub(super) fn names(&mut self) -> Result<Vec<String>, Broken> {
        let mut names = Vec::new();
        let mut next = true;
        while let Some(word) = self.scan.word()? {
            if word.is_sign(')') {
                break;
            }
            if word.is_sign(',') {
                next = true;
            } else if let (true, Some(name)) = (next, word.name()) {
                names.push(name);
                next = false;
            }
            if names.len() > COLUMNS_MAX {
                return Err(self.scan.broken(What::Columns));
            }
        }
        Ok(names)
    }

    /// A table by its name, with the columns that a statement names.
    pub(super) fn table(&mut self, name: &str, columns: &[String]) -> Option<&mut Table> {
        if self.tables.len() >= TABLES_MAX && !self.tables.contains_key(name) {
            return None;
        }
        let table = self.tables.entry(name.to_owned()).or_default();
        if table.columns.is_empty() {
            let declared = |name: &String| Declared { name: name.clone(), kind: None };
            table.columns = columns.iter().map(declared).collect();
        }
        Some(table)
    }

    /// Takes rows: in the order of the table's columns where the statement names others.
    fn keep(&mut self, name: &str, columns: &[String], row: Vec<Cell>) {
        let Some(table) = self.table(name, columns) else { return };
        if columns.is_empty() && table.columns.is_empty() {
            let numbered = (1..=row.len()).map(|number| format!("col{number}"));
            table.columns = numbered.map(|name| Declared { name, kind: None }).collect();
        }
        if columns.is_empty() || table.rows.len() >= ROWS_MAX {
            return table.add(row);
        }
        let mut ordered = vec![Cell::Null; table.columns.len()];
        for (name, cell) in columns.iter().zip(row) {
            if let Some(place) = table.place(name).and_then(|at| ordered.get_mut(at)) {
                *place = cell;
            }
        }
        table.add(ordered);
    }

    fn insert(&mut self) -> Result<(), Broken> {
        self.takes("ignore")?;
        self.takes("into")?;
        let Some(name) = self.name()? else { return self.end() };
        let columns = if self.takes_sign('(')? { self.names()? } else { Vec::new() };
        // `OVERRIDING SYSTEM VALUE` may stand before the values.
        for keyword in ["overriding", "system", "user", "value"] {
            self.takes(keyword)?;
        }
        if !self.takes("values")? {
            return self.end();
        }
        while self.takes_sign('(')? {
            let row = self.row()?;
            self.keep(&name, &columns, row);
            if !self.takes_sign(',')? {
                break;
            }
        }
        Ok(())
    }

    /// The values of a row, after the opening bracket.
    fn row(&mut self) -> Result<Vec<Cell>, Broken> {
        let mut row = Vec::new();
        let begun = self.scan.at;
        let unended = Broken { at: begun, what: What::Row };
        loop {
            if row.len() >= COLUMNS_MAX {
                return Err(self.scan.broken(What::Columns));
            }
            let mut cell = Cell::Null;
            let (mut depth, mut words) = (0_usize, 0);
            // `CAST('2013-12-02' AS DateTime)`, `'7'::bigint`: the first value in it counts.
            let ended = loop {
                let word = self.scan.word()?.ok_or(unended)?;
                match word {
                    Word::Sign(')') if depth == 0 => break true,
                    Word::Sign(',') if depth == 0 => break false,
                    Word::Sign(';') => return Err(unended),
                    Word::Sign('(') => depth += 1,
                    Word::Sign(')') => depth -= 1,
                    Word::Text(text) if !matches!(cell, Cell::Text(_)) => cell = Cell::Text(text),
                    Word::Bare(word) if words == 0 && !word.eq_ignore_ascii_case("null") => {
                        cell = Cell::Bare(word.to_owned());
                    }
                    _ => {}
                }
                words += 1;
            };
            row.push(cell);
            if ended {
                return Ok(row);
            }
        }
    }

    fn copy(&mut self) -> Result<(), Broken> {
        let Some(name) = self.name()? else { return self.end() };
        let columns = if self.takes_sign('(')? { self.names()? } else { Vec::new() };
        let rest = self.scan.line().unwrap_or_default().to_ascii_lowercase();
        if !rest.contains("from stdin") {
            return Ok(());
        }
        while let Some(line) = self.scan.line() {
            if line == "\\." {
                break;
            }
            if line.split('\t').take(COLUMNS_MAX + 1).count() > COLUMNS_MAX {
                return Err(self.scan.broken(What::Columns));
            }
            let row = line.split('\t').map(copied).collect();
            self.keep(&name, &columns, row);
        }
        Ok(())
    }
}

/// A field as `COPY` writes it.
fn copied(field: &str) -> Cell {
    if field == "\\N" {
        return Cell::Null;
    }
    if !field.contains('\\') {
        return Cell::Copied(field.to_owned());
    }
    let mut text = String::new();
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next().map(escape)),
            other => text.push(other),
        }
    }
    Cell::Copied(text)
}
