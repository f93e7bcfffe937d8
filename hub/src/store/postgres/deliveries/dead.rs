//! Deliveries that were given up.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use tokio_postgres::{Row, types::ToSql};

use super::{DELIVERY, LINES, NOW, PERSONAL, delivery, moving, small};
use crate::store::{
    at_rest::keys,
    deliveries::{DeadId, DeadLetter, DeadQuery, Delivery},
    postgres::{
        at_rest,
        failure::Failure,
        session::{self, Value, signed, unsigned},
    },
};

/// Gives up the first deliveries of some lines, which are held: key, position, cause, what was
/// said.
pub(super) async fn bury(
    client: &impl GenericClient,
    channel: &str,
    buried: Vec<(String, u64, &'static str, String)>,
) -> Result<(), Failure> {
    let sql = format!(
        "INSERT INTO dead_letters (channel, position, number, key, personal, body, attempts,
             cause, told, buried_at, state)
         SELECT o.channel, o.position, (SELECT coalesce(max(number), 0) + 1
                 FROM dead_letters d WHERE d.channel = $1 AND d.position = $3),
             o.key, o.personal, o.body, l.attempts + 1, $4, $5, {NOW}, 'waiting'
         FROM outbox o JOIN outbox_lines l ON l.channel = o.channel AND l.key = o.key
         WHERE o.channel = $1 AND o.key = $2 AND o.position = $3"
    );
    for (key, position, cause, told) in buried {
        let values: [Value<'_>; 5] = [&channel, &key, &signed(position), &cause, &told];
        session::rows(client, &sql, &values).await?;
    }
    Ok(())
}

const DEAD: &str = "channel, position, number, key, personal, body, attempts, cause, told,
    buried_at, state, decided_at, reason";

fn letter(row: &Row) -> Result<DeadLetter, Failure> {
    let id = DeadId {
        channel: row.try_get(0)?,
        position: unsigned(row.try_get(1)?),
        number: unsigned(row.try_get(2)?),
    };
    Ok(DeadLetter {
        id,
        key: row.try_get(3)?,
        personal: row.try_get::<_, i64>(4)? == 1,
        body: at_rest::edited(row, unsigned(row.try_get(1)?), 5)?,
        attempts: small(row.try_get(6)?),
        cause: row.try_get(7)?,
        told: row.try_get(8)?,
        buried_at: unsigned(row.try_get(9)?),
        state: row.try_get(10)?,
        decided_at: row.try_get::<_, Option<i64>>(11)?.map(unsigned),
        reason: row.try_get(12)?,
    })
}

/// Dead letters, in the order in which they were buried.
pub(super) async fn letters(
    client: &impl GenericClient,
    query: DeadQuery,
) -> Result<Vec<DeadLetter>, Failure> {
    let mut wanted = vec!["true".to_owned()];
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let named = [("channel", query.channel), ("state", query.state), ("cause", query.cause)];
    for (column, value) in named {
        if let Some(value) = value {
            values.push(Box::new(value));
            wanted.push(format!("{column} = ${}", values.len()));
        }
    }
    for (sign, value) in [(">=", query.from), ("<", query.to)] {
        if let Some(value) = value {
            values.push(Box::new(signed(value)));
            wanted.push(format!("buried_at {sign} ${}", values.len()));
        }
    }
    if let Some((buried_at, id)) = query.after {
        let first = values.len() + 1;
        values.extend([Box::new(signed(buried_at)) as _, Box::new(id.channel) as _]);
        values.extend([Box::new(signed(id.position)) as _, Box::new(signed(id.number)) as _]);
        wanted.push(format!(
            "(buried_at, channel, position, number) > (${first}, ${}, ${}, ${})",
            first + 1,
            first + 2,
            first + 3
        ));
    }
    values.push(Box::new(i64::from(query.limit)));
    let sql = format!(
        "SELECT {DEAD} FROM dead_letters WHERE {}
         ORDER BY buried_at, channel, position, number LIMIT ${}",
        wanted.join(" AND "),
        values.len()
    );
    let values: Vec<Value<'_>> = values.iter().map(|value| &**value as Value<'_>).collect();
    session::rows(client, &sql, &values).await?.iter().map(letter).collect()
}

/// One of them, with the delivery as it would be announced again.
pub(super) async fn one(
    client: &impl GenericClient,
    id: &DeadId,
) -> Result<Option<(DeadLetter, Delivery)>, Failure> {
    let (position, number) = (signed(id.position), signed(id.number));
    let named: [Value<'_>; 3] = [&id.channel, &position, &number];
    let wanted = "channel = $1 AND position = $2 AND number = $3";
    let sql = format!("SELECT {DEAD} FROM dead_letters WHERE {wanted}");
    let Some(row) = session::row(client, &sql, &named).await? else { return Ok(None) };
    let found = letter(&row)?;
    let sql = format!(
        "SELECT {DELIVERY} FROM (SELECT * FROM dead_letters WHERE {wanted}) o
         JOIN entries e ON e.position = o.position {PERSONAL}"
    );
    let Some(row) = session::row(client, &sql, &named).await? else { return Ok(None) };
    let (key, attempts) = (found.key.clone(), found.attempts);
    Ok(Some((found, Delivery { key, attempts, ..delivery(&row)? })))
}

fn close(what: &str) -> String {
    format!(
        "UPDATE dead_letters SET state = '{what}', decided_at = {NOW}, reason = $4
         WHERE channel = $1 AND position = $2 AND number = $3 AND state = 'waiting'
         RETURNING key, personal, body"
    )
}

/// Puts some back into the outbox.
pub(super) async fn replay(
    client: &impl GenericClient,
    mut ids: Vec<DeadId>,
    body: Option<&[u8]>,
    reason: &str,
) -> Result<u64, Failure> {
    if moving(client).await? {
        return Ok(0);
    }
    ids.sort();
    let close = close("replayed");
    let mut lines: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut done = 0;
    for DeadId { channel, position, number } in ids {
        let (position, number) = (signed(position), signed(number));
        let values: [Value<'_>; 4] = [&channel, &position, &number, &reason];
        let Some(row) = session::row(client, &close, &values).await? else { continue };
        done += 1;
        let (key, personal): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        let kept: Option<Vec<u8>> = row.try_get(2)?;
        let edited = body.map(|body| keys().edited(unsigned(position), body)).transpose()?;
        let body = edited.as_deref().or(kept.as_deref());
        let sql = "INSERT INTO outbox (channel, key, position, personal, body)
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING position";
        let values: [Value<'_>; 5] = [&channel, &key, &position, &personal, &body];
        if session::row(client, sql, &values).await?.is_some() {
            *lines.entry((channel, key)).or_default() += 1;
        }
    }
    let (names, waiting): (Vec<_>, Vec<i64>) = lines.into_iter().unzip();
    let (channels, keys): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    session::rows(client, LINES, &[&channels, &keys, &waiting]).await?;
    Ok(done)
}

/// Decides that one is never delivered.
pub(super) async fn discard(
    client: &impl GenericClient,
    id: &DeadId,
    reason: &str,
) -> Result<bool, Failure> {
    if moving(client).await? {
        return Ok(false);
    }
    let values: [Value<'_>; 4] = [&id.channel, &signed(id.position), &signed(id.number), &reason];
    Ok(session::row(client, &close("discarded"), &values).await?.is_some())
}
