//! What earlier attempts have told of messages that are sent again.

use deadpool_postgres::GenericClient;

use super::{
    at_rest,
    failure::Failure,
    session::{self, Value, signed, unsigned},
};
use crate::store::{
    at_rest::Place,
    batch::{SentAgain, Told, ToldBefore},
};

/// Entries read in one go.
const TOGETHER: i64 = 1_024;

/// Reads it, of the records of some chunks.
pub(super) async fn before(
    client: &impl GenericClient,
    again: &[SentAgain],
) -> Result<ToldBefore, Failure> {
    let sql = "SELECT previous, first_position, last_position FROM messages
               WHERE message = $1 AND dedup = $2 AND mode = $3";
    let mut before = ToldBefore::default();
    for one in again {
        let mut next = Some(signed(one.last));
        while let Some(message) = next {
            let (dedup, mode) = (one.dedup.as_bytes().as_slice(), one.mode.as_str());
            let values: [Value<'_>; 3] = [&message, &dedup, &mode];
            let Some(row) = session::row(client, sql, &values).await? else { break };
            let positions: (Option<i64>, Option<i64>) = (row.try_get(1)?, row.try_get(2)?);
            if let Some(positions) = positions.0.zip(positions.1) {
                before.ended(&one.key, unsigned(positions.1));
                told(client, one, (message, positions), &mut before).await?;
            }
            next = row.try_get(0)?;
        }
    }
    Ok(before)
}

/// What one attempt has told of the records.
async fn told(
    client: &impl GenericClient,
    one: &SentAgain,
    (message, (first, last)): (i64, (i64, i64)),
    before: &mut ToldBefore,
) -> Result<(), Failure> {
    let sql = "SELECT record FROM entries
               WHERE position BETWEEN $1 AND $2 AND message = $3 AND record IS NOT NULL
               ORDER BY position LIMIT 1";
    // Records lie in the order of their numbers: the first is found by halves.
    let (start, end) = (i64::from(*one.records.start()), i64::from(*one.records.end()));
    let (mut from, mut to) = (first, last + 1);
    while from < to {
        let middle = from + (to - from) / 2;
        let found = session::row(client, sql, &[&middle, &last, &message]).await?;
        match found.map(|row| row.try_get::<_, i64>(0)).transpose()? {
            Some(record) if record < start => from = middle + 1,
            _ => to = middle,
        }
    }
    let sql = "SELECT e.position, e.record, e.kind, e.text, p.text, p.key_id,
                   p.wrapped_key FROM entries e
               LEFT JOIN personal p ON p.position = e.position
               WHERE e.position BETWEEN $1 AND $2 AND e.message = $3 AND e.record IS NOT NULL
               ORDER BY e.position LIMIT $4";
    loop {
        let rows = session::rows(client, sql, &[&from, &last, &message, &TOGETHER]).await?;
        for row in &rows {
            let (position, record): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if record > end {
                return Ok(());
            }
            from = position + 1;
            let place = (unsigned(position), u32::try_from(record).unwrap_or(u32::MAX));
            let entry = (row.try_get(2)?, row.try_get(3)?);
            let personal = at_rest::text(row, Place::Personal(place.0), (4, 5))?;
            if let Some(told) = Told::read(place, entry, personal)? {
                before.add(&one.key, told);
            }
        }
        if rows.len() < TOGETHER as usize {
            return Ok(());
        }
    }
}
