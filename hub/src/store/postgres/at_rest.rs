//! What is sealed: rows of it, and their sealing in turns, by the role that owns the store.

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::{self, Failure},
    portable::Marks,
    scan,
    session::{self, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    at_rest::{self, AtRest, Kept, KeyMark, Kind, Place, Sealed, SealedBy, Turn, Turned, rows_max},
    pruning,
};

/// A text as a row has it: its bytes, then the name of its key and the wrapped key in the next two
/// columns; nothing where there are no bytes.
pub(super) fn kept<'a>(
    row: &'a Row,
    salt: Option<usize>,
    bytes: usize,
    key: usize,
) -> Result<Option<Kept<'a>>, Failure> {
    let Some(text) = row.try_get::<_, Option<&[u8]>>(bytes)? else { return Ok(None) };
    let (id, wrapped): (Option<&str>, Option<&[u8]>) = (row.try_get(key)?, row.try_get(key + 1)?);
    let salt = salt.map(|at| row.try_get::<_, Option<&[u8]>>(at)).transpose()?.flatten();
    Ok(Some(Kept { salt, bytes: text, key: id.zip(wrapped) }))
}

/// A text, opened.
pub(super) fn text(
    row: &Row,
    place: Place,
    (bytes, key): (usize, usize),
) -> Result<Option<Vec<u8>>, Failure> {
    let kept = kept(row, None, bytes, key)?;
    Ok(kept.map(|kept| at_rest::text(place, kept)).transpose()?)
}

/// An edited text, opened.
pub(super) fn edited(row: &Row, position: u64, column: usize) -> Result<Option<Vec<u8>>, Failure> {
    let stored: Option<Vec<u8>> = row.try_get(column)?;
    Ok(stored.map(|stored| at_rest::keys().open_edited(position, stored)).transpose()?)
}

async fn marks(client: &impl GenericClient) -> Result<Vec<KeyMark>, Failure> {
    let found = session::rows(client, "SELECT id, mark FROM at_rest_keys", &[]).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn add_mark(client: &impl GenericClient, (id, mark): KeyMark) -> Result<(), Failure> {
    let sql = "INSERT INTO at_rest_keys (id, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    session::rows(client, sql, &[&id, &mark]).await.map(drop)
}

/// The rows of a kind that the first key does not seal, from a place on.
const PERSONAL: &str = "
    SELECT position, 0::bigint, salt, text, key_id, wrapped_key FROM personal
    WHERE position >= $1 AND $2::bigint IS NOT NULL AND key_id IS DISTINCT FROM $3::text
    ORDER BY position LIMIT $4 FOR UPDATE";
const RAW: &str = "
    SELECT message, piece::bigint, salt, bytes, key_id, wrapped_key FROM payloads
    WHERE (message, piece) >= ($1, $2::bigint) AND key_id IS DISTINCT FROM $3::text
    ORDER BY message, piece LIMIT $4 FOR UPDATE";

/// What is written of them: sealed, or wrapped by another key.
const SEALED: [&str; 2] = [
    "UPDATE personal SET salt = '', text = $3, key_id = $4, wrapped_key = $5
     WHERE position = $1 AND $2::bigint IS NOT NULL",
    "UPDATE payloads SET salt = NULL, bytes = $3, key_id = $4, wrapped_key = $5
     WHERE message = $1 AND piece = $2::bigint",
];
const WRAPPED: [&str; 2] = [
    "UPDATE personal SET key_id = $3, wrapped_key = $4
     WHERE position = $1 AND $2::bigint IS NOT NULL",
    "UPDATE payloads SET key_id = $3, wrapped_key = $4
     WHERE message = $1 AND piece = $2::bigint",
];

async fn texts(
    transaction: &Transaction<'_>,
    (kind, place): (Kind, fn(u64, u64) -> Place),
    (from, piece): (u64, u64),
) -> Result<Turned, Failure> {
    let (sql, table) = if kind == Kind::Personal { (PERSONAL, 0) } else { (RAW, 1) };
    let (first, limit) = (at_rest::keys().first(), rows_max(kind));
    let values: [Value<'_>; 4] = [&signed(from), &signed(piece), &first, &limit];
    let mut done = Turned::default();
    for row in session::rows(transaction, sql, &values).await? {
        let at: (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let (first, second) = (unsigned(at.0), unsigned(at.1));
        let Some(kept) = kept(&row, Some(2), 3, 4)? else { continue };
        match at_rest::keys().turn(place(first, second), kept)? {
            Some(Turn::Sealed(Sealed { key_id, wrapped_key, bytes })) => {
                let values: [Value<'_>; 5] = [&at.0, &at.1, &bytes, &key_id, &wrapped_key];
                session::rows(transaction, SEALED[table], &values).await?;
                done.sealed += 1;
            }
            Some(Turn::Wrapped(key_id, wrapped_key)) => {
                let values: [Value<'_>; 4] = [&at.0, &at.1, &key_id, &wrapped_key];
                session::rows(transaction, WRAPPED[table], &values).await?;
                done.wrapped += 1;
            }
            None => {}
        }
        done.next = Some((first, second + 1));
    }
    Ok(done)
}

/// Edited texts are few: all of them in one turn.
async fn edited_texts(transaction: &Transaction<'_>) -> Result<Turned, Failure> {
    let mut done = Turned::default();
    for (read, write) in [
        (
            "SELECT channel, position, body FROM outbox WHERE body IS NOT NULL FOR UPDATE",
            "UPDATE outbox SET body = $4 WHERE channel = $1 AND position = $2 AND body = $3",
        ),
        (
            "SELECT channel, position, body FROM dead_letters WHERE body IS NOT NULL FOR UPDATE",
            "UPDATE dead_letters SET body = $4
             WHERE channel = $1 AND position = $2 AND body = $3",
        ),
    ] {
        for row in session::rows(transaction, read, &[]).await? {
            let (channel, position): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let stored: Vec<u8> = row.try_get(2)?;
            let turned = at_rest::keys().turn_edited(unsigned(position), stored.clone())?;
            if let Some(turned) = turned {
                let values: [Value<'_>; 4] = [&channel, &position, &stored, &turned];
                session::rows(transaction, write, &values).await?;
                done.sealed += 1;
            }
        }
    }
    Ok(done)
}

async fn seal_some(
    transaction: &Transaction<'_>,
    kind: Kind,
    from: (u64, u64),
) -> Result<Turned, Failure> {
    // What the first key seals is passed over, however much it is.
    scan::settings(transaction).await?;
    if Marks::read(transaction).await?.is_any() {
        return Err(pruning::moving().into());
    }
    match kind {
        Kind::Personal => {
            texts(transaction, (kind, |position, _| Place::Personal(position)), from).await
        }
        Kind::Raw => texts(transaction, (kind, Place::Raw), from).await,
        Kind::Edited => edited_texts(transaction).await,
    }
}

async fn sealed_by(transaction: &Transaction<'_>, kind: Kind) -> Result<Vec<SealedBy>, Failure> {
    let sql = match kind {
        Kind::Personal => "SELECT key_id, count(*) FROM personal GROUP BY key_id ORDER BY key_id",
        Kind::Raw => "SELECT key_id, count(*) FROM payloads GROUP BY key_id ORDER BY key_id",
        Kind::Edited => return Ok(Vec::new()),
    };
    scan::settings(transaction).await?;
    let found = session::rows(transaction, sql, &[]).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)))).collect()
}

/// Drops the marks of keys by which nothing is sealed.
const DROP: &str = "DELETE FROM at_rest_keys k WHERE k.id <> ALL ($1::text[])
    AND NOT EXISTS (SELECT FROM personal WHERE key_id = k.id)
    AND NOT EXISTS (SELECT FROM payloads WHERE key_id = k.id)
    RETURNING k.id";

async fn drop_marks(transaction: &Transaction<'_>, but: &[String]) -> Result<Vec<String>, Failure> {
    scan::settings(transaction).await?;
    let found = session::rows(transaction, DROP, &[&but]).await?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

impl AtRest for PostgresStore {
    fn key_marks(&self) -> Answer<'_, Result<Vec<KeyMark>, StoreError>> {
        Box::pin(soon(async { Ok(marks(&self.sessions.reader().await?).await?) }))
    }

    fn add_key_mark(&self, mark: KeyMark) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(add_mark(&client, mark).await?)
        }))
    }

    fn seal_some(&self, kind: Kind, from: (u64, u64)) -> Answer<'_, Result<Turned, StoreError>> {
        alone!(self, |transaction| seal_some(&transaction, kind, from).await?)
    }

    fn sealed_by(&self, kind: Kind) -> Answer<'_, Result<Vec<SealedBy>, StoreError>> {
        alone!(self, |transaction| sealed_by(&transaction, kind).await?)
    }

    fn drop_key_marks(&self, but: Vec<String>) -> Answer<'_, Result<Vec<String>, StoreError>> {
        alone!(self, |transaction| drop_marks(&transaction, &but).await?)
    }
}
