//! `[channels.NAME.database]`: rows of a query on an agency's database.

use std::time::Duration;

use adapters::database::{BATCH_ROWS_MAX, Settings};
use serde::Deserialize;
use toml::Spanned;

use super::{Fault, How, Read, every, needed, number};
use crate::catalog::dropped::Source;

/// Seconds that one statement may take, at most.
const STATEMENT_SECONDS_MAX: u64 = 3_600;

/// The table as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseTold {
    /// The secret that holds the database's address.
    pub secret: Spanned<String>,
    /// The query, without order and limit.
    pub query: Spanned<String>,
    /// The columns by which a row is known.
    pub key: Spanned<Vec<String>>,
    /// The column that grows whenever a row changes.
    pub watermark: Option<Spanned<String>>,
    /// How far each sweep reaches back: seconds, or a number.
    #[serde(default = "overlap")]
    pub overlap: u64,
    /// Seconds between two turns.
    pub every_seconds: Option<Spanned<u64>>,
    /// Rows of one batch.
    pub batch_rows: Option<Spanned<u64>>,
    /// Seconds for one statement.
    pub statement_seconds: Option<Spanned<u64>>,
}

/// Ten minutes, where the watermark is a time.
fn overlap() -> u64 {
    600
}

pub(super) fn read(source: &Source<'_>, told: &DatabaseTold) -> Result<Read, Fault> {
    let query = told.query.get_ref().trim();
    let begins =
        |word: &str| query.get(..word.len()).is_some_and(|at| at.eq_ignore_ascii_case(word));
    if !begins("select") && !begins("with") {
        let message = "the query does not begin with SELECT or WITH".to_owned();
        let advice = "write a query that reads, without ORDER BY and LIMIT at its end";
        return Err(source.fault(&told.query.span(), message, advice));
    }
    let key = told.key.get_ref();
    if key.is_empty() || key.iter().any(String::is_empty) {
        let message = "there is no key".to_owned();
        let advice = "write key = [\"COLUMN\"]: what a row is known by";
        return Err(source.fault(&told.key.span(), message, advice));
    }
    let most = BATCH_ROWS_MAX as u64;
    let batch_rows = number(source, told.batch_rows.as_ref(), (most, most))? as usize;
    let seconds = (60, STATEMENT_SECONDS_MAX);
    let seconds = number(source, told.statement_seconds.as_ref(), seconds)?;
    let settings = Settings {
        query: query.to_owned(),
        key: key.clone(),
        watermark: told.watermark.as_ref().map(|told| told.get_ref().clone()),
        overlap: told.overlap,
        batch_rows,
        statement_max: Duration::from_secs(seconds),
    };
    let every = every(source, told.every_seconds.as_ref())?;
    let secrets = vec![needed(source, &told.secret)];
    Ok(Read { every, how: How::Database(Box::new(settings)), secrets })
}
