//! Rows of a database that the hub reads, beside pushes of the same rows.

use std::{hint::black_box, path::PathBuf, sync::Arc};

use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};

use super::{
    super::{
        child,
        server::Database,
        storage::Place,
        workload::{self, Shape},
    },
    Batch, Bench, BenchError, ONE_BY_ONE, clock, stop, until, wire,
};
use crate::store::postgres::connect;

/// Rows of one message, as the hub reads them unless it is told otherwise.
const IN_ONE: u64 = 500;
/// Rows for each message that other transports bring: less would be too short to be measured.
const ROWS_EACH: u64 = 4;
/// The number of a row, which grows.
const NUMBER: &str = "SO";

pub(super) const PUSHED: &str = "push of rows, one connection";
pub(super) const READ: &str = "database, rows";

/// A database that is not the hub's.
pub(super) enum Foreign {
    File(PathBuf),
    Server(Box<Database>),
}

type Row = Vec<(String, String)>;

impl Foreign {
    /// Makes an empty table, on the server of an address or in a file of SQLite.
    pub(super) fn make(address: Option<&str>, file: PathBuf) -> Result<Self, BenchError> {
        let foreign = match Place::told(address)? {
            Place::Server(server) => Self::Server(Box::new(server.database()?)),
            Place::Scratch => Self::File(file),
            Place::File(_) => {
                return Err(BenchError::Input(
                    "--database: name a server, postgres://ROLE:PASSWORD@HOST:PORT/DATABASE; \
                     without, rows are in a file of SQLite"
                        .to_owned(),
                ));
            }
        };
        let columns = head().split(',').map(|name| format!("\"{name}\" TEXT")).collect::<Vec<_>>();
        let columns = columns.join(", ");
        foreign
            .order(&format!("CREATE TABLE bang (\"{NUMBER}\" BIGINT PRIMARY KEY, {columns})"))?;
        Ok(foreign)
    }

    /// The secret by which the hub reaches it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::File(file) => format!("sqlite:{}", file.display()),
            Self::Server(database) => database.line.clone(),
        }
    }

    fn order(&self, sql: &str) -> Result<(), BenchError> {
        match self {
            Self::File(file) => Ok(Connection::open(file)?.execute_batch(sql)?),
            Self::Server(database) => child::wait(async {
                Ok::<_, BenchError>(connect(&database.config).await?.batch_execute(sql).await?)
            })?,
        }
    }

    /// Reads all rows as the hub does, so many at once and each a text, and does nothing with them:
    /// milliseconds of CPU for each. Nothing where a server reads too.
    fn bare(&self) -> Result<Option<f64>, BenchError> {
        let Self::File(file) = self else { return Ok(None) };
        let connection = Connection::open(file)?;
        let sql = format!("SELECT * FROM bang WHERE \"{NUMBER}\" > ?1 ORDER BY 1 LIMIT {IN_ONE}");
        let mut statement = connection.prepare(&sql)?;
        let columns = statement.column_count();
        let (mut last, mut count, before) = (i64::MIN, 0_u64, clock::thread_nanos());
        loop {
            stop::check()?;
            let mut rows = statement.query([last])?;
            let first = count;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                let mut text = Vec::with_capacity(1_024);
                for at in 1..columns {
                    text.extend_from_slice(
                        row.get_ref(at)?.as_bytes_or_null().ok().flatten().unwrap_or_default(),
                    );
                }
                black_box(text);
                count += 1;
            }
            if count == first {
                break;
            }
        }
        let used = clock::thread_nanos().zip(before).map(|(after, before)| after - before);
        Ok(used.map(|nanos| nanos as f64 / 1e6 / count.max(1) as f64))
    }

    /// Puts rows into the table, all at one moment.
    fn fill(&self, rows: &[Row]) -> Result<(), BenchError> {
        let marks = |mark: fn(usize) -> String| {
            let count = head().split(',').count();
            (1..=count + 1).map(mark).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::File(file) => {
                let mut connection = Connection::open(file)?;
                let all = connection.transaction()?;
                let sql = format!("INSERT INTO bang VALUES ({})", marks(|at| format!("?{at}")));
                for (number, row) in rows.iter().enumerate() {
                    let number = rusqlite::types::Value::from(number as i64);
                    let values = row.iter().map(|(_, value)| {
                        Some(value.clone()).filter(|value| !value.is_empty()).into()
                    });
                    all.prepare_cached(&sql)?
                        .execute(params_from_iter(std::iter::once(number).chain(values)))?;
                }
                Ok(all.commit()?)
            }
            Self::Server(database) => child::wait(async {
                let mut client = connect(&database.config).await?;
                let all = client.transaction().await?;
                let sql = marks(|at| format!("nullif(${at}::text, '')"));
                let sql = sql.replacen("nullif($1::text, '')", "$1::text::bigint", 1);
                let statement = all.prepare(&format!("INSERT INTO bang VALUES ({sql})")).await?;
                for (number, row) in rows.iter().enumerate() {
                    let mut values = vec![number.to_string()];
                    values.extend(row.iter().map(|(_, value)| value.clone()));
                    all.execute_raw(&statement, values).await?;
                }
                Ok::<_, BenchError>(all.commit().await?)
            })?,
        }
    }
}

fn head() -> &'static str {
    workload::ROWS_TEMPLATE.lines().next().unwrap_or_default()
}

/// The mapping of rows: that of separated values, but for what they come in.
pub(super) fn mapping() -> String {
    let columns: Vec<String> =
        [NUMBER].into_iter().chain(head().split(',')).map(|name| format!("{name:?}")).collect();
    let records =
        workload::ROWS_MAPPING.split_once("[[record]]").map_or("", |(_, records)| records);
    format!(
        "format = \"rows\"\ncharset = \"utf-8\"\n\n[rows]\ncolumns = [{}]\n\n[[record]]{records}",
        columns.join(", ")
    )
}

/// Dossiers as rows.
fn rows(batch: &Batch) -> Result<Vec<Row>, BenchError> {
    let mut text = String::new();
    batch.load.shaped(Shape::Rows, batch.first..batch.first + batch.count, 0, &mut text);
    let damaged = |error: csv::Error| BenchError::Damaged(error.to_string());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().map_err(damaged)?.clone();
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(damaged)?;
        let named = names.iter().zip(&row);
        Ok(named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    };
    reader.records().map(row).collect()
}

/// The message that some rows are, as the hub makes it of those it reads.
fn message(rows: &[Row], first: usize) -> String {
    let texts = rows.iter().enumerate().map(|(at, row)| {
        let told = |value: &String| match value.is_empty() {
            true => Value::Null,
            false => value.as_str().into(),
        };
        let mut object = Map::new();
        object.insert(NUMBER.to_owned(), (first + at).into());
        object.extend(row.iter().map(|(name, value)| (name.clone(), told(value))));
        Value::Object(object).to_string()
    });
    format!("[{}]\n", texts.collect::<Vec<_>>().join(",\n"))
}

impl Bench {
    /// The same number of rows pushed and read; milliseconds of CPU that reading one takes alone.
    pub(super) fn rows(&mut self) -> Result<Option<f64>, BenchError> {
        let (pushed, read) = (self.rows_of(), self.rows_of());
        let key = self.hub.keys.agency.clone();
        let messages: Vec<String> = rows(&pushed)?
            .chunks(IN_ONE as usize)
            .enumerate()
            .map(|(at, chunk)| message(chunk, at * IN_ONE as usize))
            .collect();
        let (messages, first) = (Arc::new(messages), pushed.first);
        let count = messages.len() as u64;
        self.measure_each((PUSHED, pushed.count), |bench| {
            let script = move |number: u64, request: &mut Vec<u8>| {
                let (id, text) = (format!("dong-{first}-{number}"), &messages[number as usize]);
                let channel = format!("{}.dong", workload::AGENCY);
                wire::post(&channel, &key, &id, text, request);
            };
            bench.sent((ONE_BY_ONE, count), Arc::new(script))
        })?;
        let all = rows(&read)?;
        let last = workload::Workload::code(read.first + read.count - 1);
        self.measure_each((READ, read.count), |bench| {
            bench.foreign.fill(&all)?;
            let path = format!("/v1/dossiers/{last}");
            until(|| Ok(bench.hub.get(&path)?.0 == 200))
        })?;
        self.foreign.bare()
    }

    fn rows_of(&mut self) -> Batch {
        let count = (self.messages * ROWS_EACH).next_multiple_of(IN_ONE);
        let batch = Batch { load: self.load.clone(), first: self.done, count };
        self.done += count;
        batch
    }
}
