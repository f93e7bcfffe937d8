//! Erasing a person: what there is of one, and its going. It takes the role that owns the store.

mod files;
mod related;

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::{
    PostgresStore, at_rest,
    failure::{Failure, Tries},
    known as journal, message,
    portable::Marks,
    session::{self, Value, signed, soon, unsigned},
    write,
};
use crate::{
    registry::Identity,
    store::{
        Answer, StoreError, Submission, Verdict,
        at_rest::Place,
        batch::{Erased as Names, Subjects, erasable_codes},
        erasures::{
            Erasable, Erased, ErasedSince, Erasing, Erasure, Erasures, TOLD, Told, channels_of,
            holds_code, time,
        },
        pruning,
    },
};

/// What is erased among the names that a batch may touch.
pub(super) async fn known(
    client: &impl GenericClient,
    chunks: &[Submission],
    subjects: &Subjects,
) -> Result<Names, Failure> {
    let codes = erasable_codes(chunks, subjects);
    let sql = "SELECT name, position FROM erased WHERE code = ANY ($1::text[])";
    let mut names = Names::default();
    for row in session::rows(client, sql, &[&codes]).await? {
        names.add(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    Ok(names)
}

/// All that was said under the names of a dossier: position, message, channel, and whether the
/// personal text is there.
const SAID: &str = "
    SELECT o.position, e.message, m.channel, p.position IS NOT NULL
    FROM unnest($1::bigint[]) w (member) JOIN observations o ON o.member = w.member
    JOIN entries e ON e.position = o.position
    LEFT JOIN messages m ON m.message = e.message
    LEFT JOIN personal p ON p.position = o.position";

/// Messages of an agency of which a record that it calls so is refused still.
const REFUSED: &str =
    "SELECT message FROM refused WHERE channel >= $1 AND channel < $2 AND key = $3";

/// What was refused of an agency's messages, and holds a code; and what is sealed, where only who
/// opens it sees that.
const REFUSED_BEFORE: &str = "
    SELECT m.message, p.piece, CASE WHEN p.key_id IS NULL THEN p.bytes END
    FROM (SELECT DISTINCT message FROM entries
          WHERE kind = 'refusal' AND message IS NOT NULL) e
    JOIN messages m ON m.message = e.message JOIN payloads p ON p.message = m.message
    WHERE m.channel >= $1 AND m.channel < $2
        AND (p.key_id IS NOT NULL OR position($3::bytea IN p.bytes) > 0)";

const LETTERS: &str = "
    SELECT (SELECT count(*) FROM outbox WHERE position = ANY ($1) AND body IS NOT NULL)
         + (SELECT count(*) FROM dead_letters WHERE position = ANY ($1)
                AND (body IS NOT NULL OR personal <> 0 AND told <> $2))";

/// A piece of raw bytes, opened where it is sealed: one at a time, since all of them may be many.
async fn piece(client: &impl GenericClient, message: i64, piece: i32) -> Result<Vec<u8>, Failure> {
    let sql = "SELECT bytes, key_id, wrapped_key FROM payloads WHERE message = $1 AND piece = $2";
    let row = session::row(client, sql, &[&message, &piece]).await?;
    let place = Place::Raw(unsigned(message), unsigned(piece.into()));
    let text = row.map(|row| at_rest::text(&row, place, (0, 1))).transpose()?;
    Ok(text.flatten().unwrap_or_default())
}

/// Messages of an agency of which a record that it calls so is refused still, or was.
async fn refused(
    client: &impl GenericClient,
    name: &Identity,
    brought: &mut BTreeSet<i64>,
) -> Result<(), Failure> {
    let (from, to) = channels_of(name);
    let values: [Value<'_>; 3] = [&from, &to, &name.source_code];
    for row in session::rows(client, REFUSED, &values).await? {
        brought.insert(row.try_get(0)?);
    }
    let code = name.source_code.as_bytes();
    let values: [Value<'_>; 3] = [&from, &to, &code];
    for row in session::rows(client, REFUSED_BEFORE, &values).await? {
        let (message, piece): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        let bytes = match row.try_get::<_, Option<Vec<u8>>>(2)? {
            Some(bytes) => bytes,
            None => self::piece(client, message, piece).await?,
        };
        if holds_code(&bytes, &name.source_code) {
            brought.insert(message);
        }
    }
    Ok(())
}

/// The names of a dossier, and what was said under them; gives the messages that brought it.
async fn said(
    client: &impl GenericClient,
    key: &str,
    found: &mut Erasable,
) -> Result<BTreeSet<i64>, Failure> {
    let Identity { source, source_code } = Identity::of_key(key);
    let sql = "SELECT m.member, m.source, m.source_code, e.position
               FROM members k JOIN members m ON m.dossier = k.dossier
               LEFT JOIN erased e ON e.name = m.source || '/' || m.source_code
               WHERE k.source_code = $1 AND k.source = $2 ORDER BY m.member";
    let (mut members, mut brought) = (Vec::<i64>::new(), BTreeSet::new());
    for row in session::rows(client, sql, &[&source_code, &source]).await? {
        let name = Identity { source: row.try_get(1)?, source_code: row.try_get(2)? };
        members.push(row.try_get(0)?);
        let erased: Option<i64> = row.try_get(3)?;
        found.before.extend(erased.map(|position| (name.key(), unsigned(position))));
        found.names.push(name.key());
        refused(client, &name, &mut brought).await?;
    }
    for row in session::rows(client, SAID, &[&members]).await? {
        let position = unsigned(row.try_get(0)?);
        brought.extend(row.try_get::<_, Option<i64>>(1)?);
        found.said.push(position);
        if row.try_get(3)? {
            found.texts.insert(position);
            let channel: Option<String> = row.try_get(2)?;
            found.shares.entry(channel.unwrap_or_default()).or_default().texts += 1;
        }
    }
    found.said.sort_unstable();
    Ok(brought)
}

/// All attempts at some messages whose raw bytes are there, or that are not marked yet.
async fn attempts(
    client: &impl GenericClient,
    brought: BTreeSet<i64>,
    found: &mut Erasable,
) -> Result<(), Failure> {
    let brought: Vec<i64> = brought.into_iter().collect();
    let sql = "SELECT DISTINCT channel, id FROM messages WHERE message = ANY ($1)";
    let said: Vec<i64> = found.said.iter().copied().map(signed).collect();
    for key in session::rows(client, sql, &[&brought]).await? {
        let (channel, id): (String, String) = (key.try_get(0)?, key.try_get(1)?);
        for one in message::by_id(client, Some(&channel), &id).await? {
            let sql = "SELECT sum(octet_length(bytes))::bigint FROM payloads WHERE message = $1";
            let row = session::row(client, sql, &[&signed(one.message)]).await?;
            let bytes: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
            if one.erased.is_some() && bytes.is_none() {
                continue;
            }
            found.messages.insert(one.message);
            let Some(bytes) = bytes else { continue };
            let share = found.shares.entry(channel.clone()).or_default();
            share.messages += 1;
            share.bytes += unsigned(bytes);
            let sql = "SELECT count(*) FROM entries WHERE position BETWEEN $1 AND $2
                           AND message = $3 AND record IS NOT NULL AND position <> ALL ($4)";
            if let Some((first, last)) = one.first_position.zip(one.last_position) {
                let (first, last, number) = (signed(first), signed(last), signed(one.message));
                let values: [Value<'_>; 4] = [&first, &last, &number, &said];
                let row = session::row(client, sql, &values).await?;
                let count: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
                share.others += count.map_or(0, unsigned);
            }
        }
    }
    Ok(())
}

/// What there is to erase of a dossier.
async fn erasable(client: &impl GenericClient, key: &str) -> Result<Erasable, Failure> {
    let mut found = Erasable::default();
    let mut brought = said(client, key, &mut found).await?;
    brought.append(&mut related::add(client, key, &mut found).await?);
    attempts(client, brought, &mut found).await?;
    files::add(client, &mut found).await?;
    let said: Vec<i64> = found.said.iter().copied().map(signed).collect();
    let row = session::row(client, LETTERS, &[&said, &TOLD]).await?;
    let letters: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    found.letters = letters.map_or(0, unsigned);
    Ok(found)
}

/// Drops all of it, by the erasure at a position.
async fn drop_all(
    transaction: &Transaction<'_>,
    found: &Erasable,
    (position, at): (i64, &str),
) -> Result<(), Failure> {
    let numbers = |all: &mut dyn Iterator<Item = u64>| all.map(signed).collect::<Vec<i64>>();
    let texts = numbers(&mut found.texts.iter().copied());
    let messages = numbers(&mut found.messages.iter().copied());
    let said = numbers(&mut found.said.iter().copied());
    let steps: [(&str, Vec<Value<'_>>); 7] = [
        ("DELETE FROM personal WHERE position = ANY ($1)", vec![&texts]),
        ("DELETE FROM payloads WHERE message = ANY ($1)", vec![&messages]),
        ("UPDATE messages SET erased = $2 WHERE message = ANY ($1)", vec![&messages, &position]),
        (
            "UPDATE outbox_lines l SET told = NULL FROM outbox o
             WHERE o.position = ANY ($1) AND l.channel = o.channel AND l.key = o.key",
            vec![&said],
        ),
        ("UPDATE outbox SET body = NULL, personal = 0 WHERE position = ANY ($1)", vec![&said]),
        (
            "UPDATE dead_letters SET body = NULL, personal = 0, told = $2
             WHERE position = ANY ($1)",
            vec![&said, &TOLD],
        ),
        ("UPDATE head SET erased = $1", vec![&position]),
    ];
    for (sql, values) in steps {
        transaction.execute(sql, &values).await?;
    }
    let codes: Vec<String> =
        found.names.iter().map(|name| Identity::of_key(name).source_code).collect();
    let sql = "INSERT INTO erased (name, code, position, at)
               SELECT w.name, w.code, $3, $4 FROM unnest($1::text[], $2::text[]) w (name, code)
               ON CONFLICT (name) DO NOTHING";
    transaction.execute(sql, &[&found.names, &codes, &position, &at]).await?;
    files::unname(transaction, found).await
}

async fn erase(store: &PostgresStore, erasing: &Erasing) -> Result<Erased, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let mut tip = soon(journal::tip_held(&transaction)).await?;
    if Marks::read(&transaction).await?.is_any() {
        return Err(pruning::moving().into());
    }
    let found = erasable(&transaction, &erasing.key).await?;
    if found.names.is_empty() {
        return Ok(Erased::Unknown);
    }
    if found.is_done() {
        return Ok(Erased::Before(found));
    }
    let text = found.text(erasing);
    let entry = tip.erase(jiff::Timestamp::now(), &text)?;
    let erasure = Erasure { position: entry.position, recorded_at: entry.recorded_at, text };
    let only = [entry];
    let mut rows = write::entries(&only);
    rows.push(write::head(&tip));
    session::write(&transaction, rows).await?;
    let told = (signed(erasure.position), erasure.recorded_at.to_string());
    drop_all(&transaction, &found, (told.0, &told.1)).await?;
    session::commit(transaction).await?;
    store.appended.to(tip.next());
    Ok(Erased::Now(found, erasure))
}

async fn erasures(
    client: &impl GenericClient,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Erasure>, Failure> {
    let sql = "SELECT position, text, public FROM entries
               WHERE kind = 'erasure' AND position >= $1 ORDER BY position LIMIT $2";
    let from = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1));
    let read =
        |row: &Row| Ok(Erasure::read(unsigned(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?)?);
    session::rows(client, sql, &[&from, &i64::from(limit)]).await?.iter().map(read).collect()
}

async fn erased(
    client: &impl GenericClient,
    names: &[String],
) -> Result<Option<ErasedSince>, Failure> {
    let sql = "SELECT position, at FROM erased WHERE name = ANY ($1::text[])
               ORDER BY position LIMIT 1";
    let row = session::row(client, sql, &[&names]).await?;
    let since = |row: Row| {
        Ok(ErasedSince { position: unsigned(row.try_get(0)?), at: time(row.try_get(1)?)? })
    };
    row.map(since).transpose()
}

/// Compares what the journal tells of erasures with what is stored.
pub(super) async fn verify(
    client: &impl GenericClient,
    told: &Told,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let mut stored = BTreeMap::new();
    for row in session::rows(client, "SELECT name, position FROM erased", &[]).await? {
        stored.insert(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    let mut marked = [Vec::new(), Vec::new()];
    for (sql, found) in [
        "SELECT m.message FROM messages m WHERE m.erased IS NOT NULL AND NOT EXISTS
             (SELECT FROM entries e WHERE e.position = m.erased AND e.kind = 'erasure') LIMIT 10",
        "SELECT m.message FROM messages m WHERE m.erased IS NOT NULL AND EXISTS
             (SELECT FROM payloads p WHERE p.message = m.message) LIMIT 10",
    ]
    .into_iter()
    .zip(&mut marked)
    {
        for row in session::rows(client, sql, &[]).await? {
            found.push(unsigned(row.try_get(0)?));
        }
    }
    told.close(&stored, (&marked[0], &marked[1]), verdict);
    Ok(())
}

impl Erasures for PostgresStore {
    fn erasable(&self, key: String) -> Answer<'_, Result<Erasable, StoreError>> {
        Box::pin(async move {
            let mut client = self.sessions.reader().await?;
            let moment = session::at_one_moment(&mut client).await?;
            Ok(erasable(&moment, &key).await?)
        })
    }

    fn erase(&self, erasing: Erasing) -> Answer<'_, Result<Erased, StoreError>> {
        Box::pin(async move {
            let mut tries = Tries::default();
            loop {
                match erase(self, &erasing).await {
                    Err(failure) if tries.again(&failure).await => {}
                    ended => return ended.map_err(StoreError::from),
                }
            }
        })
    }

    fn erasures(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Erasure>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(erasures(&client, after, limit).await?)
        }))
    }

    fn erased(&self, names: Vec<String>) -> Answer<'_, Result<Option<ErasedSince>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(erased(&client, &names).await?)
        }))
    }

    /// Rows that are dropped lie in the files until PostgreSQL puts others in their place.
    fn forget(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
