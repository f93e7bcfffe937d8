//! The database of an agency's system: a SQLite file with the rows that its people write.

use std::{collections::BTreeMap, path::Path, time::Duration};

use rusqlite::{Connection, types::Value as Cell};
use serde::Deserialize;
use serde_json::Value;

/// How long writing waits for who reads.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// A table of a system: `[table]` of a simulation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its name.
    name: String,
    /// Its columns, as SQL declares them; one is the key.
    columns: Vec<String>,
}

/// The table, open.
#[derive(Debug)]
pub struct Table {
    declared: Declared,
    connection: Connection,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    /// Opens the file, and makes it and the table where they are not there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(declared: Declared, file: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY_MAX)?;
        let columns = declared.columns.join(", ");
        let sql = format!("CREATE TABLE IF NOT EXISTS {} ({columns})", quoted(&declared.name));
        connection.execute_batch(&sql)?;
        Ok(Self { declared, connection })
    }

    /// Writes the rows of a message, each in place of the one with its key; gives how many.
    ///
    /// # Errors
    /// A sentence, where the message is no rows, or the table does not take them.
    pub fn put(&mut self, payload: &[u8]) -> Result<usize, String> {
        let told = |error: rusqlite::Error| error.to_string();
        let rows = serde_json::Deserializer::from_slice(payload).into_iter();
        let rows: Result<Vec<BTreeMap<String, Value>>, _> = rows.collect();
        let rows = rows.map_err(|error| error.to_string())?;
        let writing = self.connection.transaction().map_err(told)?;
        for row in &rows {
            let names: Vec<String> = row.keys().map(|name| quoted(name)).collect();
            let places = vec!["?"; names.len()].join(", ");
            let (table, names) = (quoted(&self.declared.name), names.join(", "));
            let sql = format!("INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})");
            let cells = rusqlite::params_from_iter(row.values().map(cell));
            writing.execute(&sql, cells).map_err(told)?;
        }
        writing.commit().map_err(told)?;
        Ok(rows.len())
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        // SQLite has no type for it.
        Value::Bool(told) => Cell::Integer(i64::from(*told)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => number.as_f64().map_or(Cell::Null, Cell::Real),
        },
        Value::String(text) => Cell::Text(text.clone()),
        other => Cell::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_once_as_it_was_last_written() {
        let text = "name = \"ho_so\"\ncolumns = [\"id INTEGER PRIMARY KEY\", \"tt TEXT\"]\n";
        let declared: Declared = toml::from_str(text).unwrap();
        let file = std::env::temp_dir().join(format!("table-{}.db", std::process::id()));
        let mut table = Table::open(declared.clone(), &file).unwrap();
        assert_eq!(table.put(b"{\"id\":1,\"tt\":\"a\"}\n{\"id\":2,\"tt\":null}\n"), Ok(2));
        assert_eq!(table.put(b"{\"id\":1,\"tt\":\"b\"}"), Ok(1));
        assert!(table.put(b"[").is_err() && table.put(b"{\"khac\":1}").is_err());
        drop(table);
        let table = Table::open(declared, &file).unwrap();
        let sql =
            "SELECT group_concat(id || coalesce(tt, '-')) FROM (SELECT * FROM ho_so ORDER BY id)";
        let told: String = table.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(told, "1b,2-");
        std::fs::remove_file(file).unwrap();
    }
}
