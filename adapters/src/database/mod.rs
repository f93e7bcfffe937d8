//! `database` poll: rows of a query on an agency's own database, read by a session that only reads.
//!
//! The query is wrapped: rows come in the order of their watermark and key, a batch at a time, each
//! batch a statement of its own. `sweep` says which rows are wanted, `statement` writes that down,
//! `postgres`, `mysql`, `sqlite` and `sqlserver` ask it, `cell` turns values into
//! JSON. `insert` is the other way: rows that are written.

mod cell;
mod fault;
mod insert;
mod mysql;
mod postgres;
mod sqlite;
mod sqlserver;
mod statement;
mod sweep;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::{
    reach::Reach,
    reading::{Ended, Reader, Row, Trouble, Turn, joined, watermark},
};

pub use insert::{DatabaseInsert, InsertSettings};

use cell::Cell;
use statement::{Dialect, Wanted};
use sweep::{Page, Place, Sweep};

/// Where a database is. It holds a password: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    dialect: Dialect,
    text: String,
}

/// Why a text is no address of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is none of postgres://…, mysql://…, mssql://… and sqlite:FILE")]
pub struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let dialect = match text.split_once(':').ok_or(NoAddress)?.0 {
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" | "mariadb" => Dialect::Mysql,
            "sqlite" => Dialect::Sqlite,
            "mssql" | "sqlserver" => Dialect::SqlServer,
            _ => return Err(NoAddress),
        };
        Ok(Self { dialect, text: text.to_owned() })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Address").field(&self.dialect).finish()
    }
}

/// How one channel is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The query, without order and limit.
    pub query: String,
    /// The columns by which a row is known.
    pub key: Vec<String>,
    /// The column that grows whenever a row changes; without, every turn reads all.
    pub watermark: Option<String>,
    /// How far each sweep reaches back before the watermark: seconds, or a number.
    pub overlap: u64,
    /// Rows of one batch, at most [`BATCH_ROWS_MAX`].
    pub batch_rows: usize,
    /// How long one statement may take.
    pub statement_max: Duration,
}

/// Rows of one batch, at most: a batch is one message, and one commit.
pub const BATCH_ROWS_MAX: usize = crate::reading::ROWS_MAX;

/// One channel that is read from a database.
pub struct DatabasePoll {
    settings: Settings,
    address: Address,
    reach: Arc<Reach>,
}

/// A row as it was read.
struct Found {
    watermark: Option<Cell>,
    key: Vec<Cell>,
    text: Bytes,
}

/// A session on a database.
enum Session {
    Postgres(Box<postgres::Session>),
    Mysql(Box<mysql::Session>),
    Sqlite(sqlite::Session),
    SqlServer(Box<sqlserver::Session>),
}

impl Session {
    async fn rows(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Trouble> {
        match self {
            Self::Postgres(session) => session.rows(wanted).await,
            Self::Mysql(session) => session.rows(wanted).await,
            Self::Sqlite(session) => session.rows(wanted).await,
            Self::SqlServer(session) => session.rows(wanted).await,
        }
    }
}

impl DatabasePoll {
    /// Puts settings to work.
    pub fn new(settings: Settings, address: Address, reach: Arc<Reach>) -> Arc<Self> {
        Arc::new(Self { settings, address, reach })
    }

    async fn open(&self) -> Result<Session, Trouble> {
        let (address, settings) = (&self.address.text, &self.settings);
        Ok(match self.address.dialect {
            Dialect::Postgres => {
                let session = postgres::Session::open(address, settings, &self.reach).await?;
                Session::Postgres(Box::new(session))
            }
            Dialect::Mysql => {
                let session = mysql::Session::open(address, settings, &self.reach).await?;
                Session::Mysql(Box::new(session))
            }
            Dialect::Sqlite => Session::Sqlite(sqlite::Session::open(address, settings)?),
            Dialect::SqlServer => {
                let session = sqlserver::Session::open(address, settings, &self.reach).await?;
                Session::SqlServer(Box::new(session))
            }
        })
    }

    async fn sweep(&self, mut turn: Turn) -> Result<Ended, Trouble> {
        let mut place = Place::read(turn.cursor.as_deref())?;
        let mut ended = Ended::default();
        let mut session = self.open().await?;
        let from = self.from(&place)?;
        let mut sweep = match place.sweep.take() {
            Some(sweep) => sweep,
            None => Sweep { high: self.latest(&mut session, from.as_ref()).await?, page: None },
        };
        loop {
            if turn.stop.is_cancelled() {
                return Ok(ended);
            }
            let wanted = Wanted::rows(&self.settings, from.as_ref(), sweep.page.as_ref());
            let found = session.rows(&wanted).await?;
            let over = found.len() < self.settings.batch_rows;
            let last = found
                .last()
                .map(|row| Page { watermark: row.watermark.clone(), key: row.key.clone() });
            if over {
                place.since = sweep.high.clone().or(place.since);
                place.sweep = None;
            } else {
                sweep.page = last;
                place.sweep = Some(sweep.clone());
            }
            let rows = found.into_iter().map(|row| {
                let key: Vec<String> = row.key.iter().map(Cell::text).collect();
                Row { key: joined(&key), text: row.text }
            });
            turn.take_rows(rows.collect(), &place.write(), &mut ended).await?;
            if over {
                return Ok(ended);
            }
        }
    }

    /// Where a sweep begins: before the watermark by the overlap, for what was committed late.
    fn from(&self, place: &Place) -> Result<Option<Cell>, Trouble> {
        let Some(since) = place.since.as_ref().filter(|_| self.settings.watermark.is_some()) else {
            return Ok(None);
        };
        since.earlier(self.settings.overlap).map(Some).ok_or_else(|| {
            let column = self.settings.watermark.as_deref().unwrap_or_default();
            fault::watermark(column)
        })
    }

    /// The latest watermark when a sweep begins: what is behind it is all read when it ends, and
    /// what is committed meanwhile is the next one's.
    async fn latest(
        &self,
        session: &mut Session,
        from: Option<&Cell>,
    ) -> Result<Option<Cell>, Trouble> {
        let Some(column) = &self.settings.watermark else { return Ok(None) };
        let found = session.rows(&Wanted::latest(&self.settings, from)).await?;
        let Some(latest) = found.into_iter().next().and_then(|row| row.watermark) else {
            return Ok(None);
        };
        match latest {
            Cell::Number(_) => Ok(Some(latest)),
            // A row with a date far ahead does not carry the watermark along.
            Cell::Text(text) => match watermark::not_after(&text, Timestamp::now()) {
                Some(text) => Ok(Some(Cell::Text(text))),
                None => Err(fault::watermark(column)),
            },
        }
    }
}

impl Reader for DatabasePoll {
    fn turn(self: Arc<Self>, turn: Turn) -> BoxFuture<'static, Result<Ended, Trouble>> {
        Box::pin(async move { self.sweep(turn).await })
    }
}
