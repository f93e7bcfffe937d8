//! Erasing a person: what there is of one, and its going.

pub(super) mod files;
mod related;

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{SqliteStore, Task, Writer, at_rest, known as journal, message, write};
use crate::{
    registry::Identity,
    store::{
        Answer, StoreError, Submission, Trouble, Verdict,
        at_rest::Place,
        batch::{Erased as Names, Subjects, erasable_codes},
        erasures::{
            Erasable, Erased, ErasedSince, Erasing, Erasure, Erasures, TOLD, Told, channels_of,
            holds_code, time,
        },
        pruning,
    },
};

/// After so long every hub on the store has seen what was erased, and tells nothing of it.
const SEEN_WITHIN: Duration = Duration::from_millis(2 * super::writer::QUIET.as_millis() as u64);

/// How long it is tried to empty the WAL, and how often.
const EMPTIED_WITHIN: Duration = Duration::from_secs(30);
const EMPTIED_REST: Duration = Duration::from_millis(50);

/// What is erased among the names that a batch may touch.
pub(super) fn known(
    connection: &Connection,
    chunks: &[Submission],
    subjects: &Subjects,
) -> Result<Names, StoreError> {
    let mut names = Names::default();
    let any = "SELECT erased IS NOT NULL FROM head";
    if !connection.prepare_cached(any)?.query_row([], |row| row.get(0))? {
        return Ok(names);
    }
    let sql = "SELECT name, position FROM erased WHERE code = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for code in erasable_codes(chunks, subjects) {
        let mut rows = statement.query([code])?;
        while let Some(row) = rows.next()? {
            names.add(row.get(0)?, row.get(1)?);
        }
    }
    Ok(names)
}

/// What is deleted from here on is overwritten, not only left out.
pub(super) fn overwrite(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    Ok(())
}

/// Drops the raw bytes of a message.
pub(super) fn drop_raw(connection: &Connection, message: u64) -> Result<(), StoreError> {
    overwrite(connection)?;
    connection.prepare_cached("DELETE FROM payloads WHERE message = ?1")?.execute([message])?;
    Ok(())
}

/// The names of a dossier and their numbers, by one of them.
fn members(connection: &Connection, key: &str) -> Result<Vec<(u64, Identity)>, StoreError> {
    let Identity { source, source_code } = Identity::of_key(key);
    let sql = "SELECT m.member, m.source, m.source_code
               FROM members k JOIN members m ON m.dossier = k.dossier
               WHERE k.source_code = ?1 AND k.source = ?2 ORDER BY m.member";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([source_code, source], |row| {
        Ok((row.get(0)?, Identity { source: row.get(1)?, source_code: row.get(2)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All that was said under a name: its texts, and the messages that brought them.
fn said(
    connection: &Connection,
    member: u64,
    found: &mut Erasable,
    brought: &mut BTreeSet<u64>,
) -> Result<(), StoreError> {
    let sql = "SELECT o.position, e.message, m.channel, p.position IS NOT NULL
               FROM observations o JOIN entries e ON e.position = o.position
               LEFT JOIN messages m ON m.message = e.message
               LEFT JOIN personal p ON p.position = o.position
               WHERE o.member = ?1 ORDER BY o.position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([member])?;
    while let Some(row) = rows.next()? {
        let (position, is_there): (u64, bool) = (row.get(0)?, row.get(3)?);
        let channel: Option<String> = row.get(2)?;
        brought.extend(row.get::<_, Option<u64>>(1)?);
        found.said.push(position);
        if is_there {
            found.texts.insert(position);
            found.shares.entry(channel.unwrap_or_default()).or_default().texts += 1;
        }
    }
    Ok(())
}

/// What was refused of an agency's messages, and holds a code.
const REFUSED: &str = "
    SELECT m.message, p.bytes, p.key_id, p.wrapped_key, p.piece
    FROM (SELECT DISTINCT message FROM entries INDEXED BY refusals_by_message
          WHERE kind = 'refusal' AND message IS NOT NULL) e
    JOIN messages m ON m.message = e.message JOIN payloads p ON p.message = m.message
    WHERE m.channel >= ?1 AND m.channel < ?2
        AND (p.key_id IS NOT NULL OR instr(p.bytes, ?3) > 0)";

/// Messages of an agency of which a record that it calls so is refused still, or was.
fn refused(
    connection: &Connection,
    name: &Identity,
    brought: &mut BTreeSet<u64>,
) -> Result<(), StoreError> {
    let (from, to) = channels_of(name);
    let sql = "SELECT message FROM refused WHERE channel >= ?1 AND channel < ?2 AND key = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([&from, &to, &name.source_code], |row| row.get(0))?;
    brought.extend(rows.collect::<Result<Vec<u64>, _>>()?);
    let mut statement = connection.prepare_cached(REFUSED)?;
    let mut rows = statement.query(params![from, to, name.source_code.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let message: u64 = row.get(0)?;
        let bytes = at_rest::text(row, Place::Raw(message, row.get(4)?), (1, 2))?;
        if holds_code(&bytes.unwrap_or_default(), &name.source_code) {
            brought.insert(message);
        }
    }
    Ok(())
}

/// All attempts at some messages whose raw bytes are there, or that are not marked yet.
fn attempts(
    connection: &Connection,
    brought: &BTreeSet<u64>,
    found: &mut Erasable,
) -> Result<(), StoreError> {
    let mut key =
        connection.prepare_cached("SELECT channel, id FROM messages WHERE message = ?1")?;
    let mut bytes =
        connection.prepare_cached("SELECT sum(length(bytes)) FROM payloads WHERE message = ?1")?;
    let mut keys: BTreeSet<(String, String)> = BTreeSet::new();
    for one in brought {
        keys.insert(key.query_row([one], |row| Ok((row.get(0)?, row.get(1)?)))?);
    }
    let own: BTreeSet<u64> = found.said.iter().copied().collect();
    let mut others = connection.prepare_cached(
        "SELECT position FROM entries WHERE position BETWEEN ?1 AND ?2 AND message = ?3
             AND record IS NOT NULL",
    )?;
    for (channel, id) in keys {
        for one in message::by_id(connection, Some(&channel), &id)? {
            let there: Option<u64> = bytes.query_row([one.message], |row| row.get(0))?;
            if one.erased.is_some() && there.is_none() {
                continue;
            }
            found.messages.insert(one.message);
            let Some(bytes) = there else { continue };
            let share = found.shares.entry(channel.clone()).or_default();
            (share.messages, share.bytes) = (share.messages + 1, share.bytes + bytes);
            if let (Some(first), Some(last)) = (one.first_position, one.last_position) {
                let mut rows = others.query(params![first, last, one.message])?;
                while let Some(row) = rows.next()? {
                    share.others += u64::from(!own.contains(&row.get::<_, u64>(0)?));
                }
            }
        }
    }
    Ok(())
}

const LETTERS: &str = "
    SELECT (SELECT count(*) FROM outbox WHERE position = ?1 AND body IS NOT NULL)
         + (SELECT count(*) FROM dead_letters
            WHERE position = ?1 AND (body IS NOT NULL OR personal AND told <> ?2))";

/// What there is to erase of a dossier.
fn erasable(connection: &Connection, key: &str) -> Result<Erasable, StoreError> {
    let mut found = Erasable::default();
    let mut brought = BTreeSet::new();
    let mut before = connection.prepare_cached("SELECT position FROM erased WHERE name = ?1")?;
    for (member, identity) in members(connection, key)? {
        said(connection, member, &mut found, &mut brought)?;
        refused(connection, &identity, &mut brought)?;
        let name = identity.key();
        let erased: Option<u64> = before.query_row([&name], |row| row.get(0)).optional()?;
        found.before.extend(erased.map(|position| (name.clone(), position)));
        found.names.push(name);
    }
    brought.append(&mut related::add(connection, key, &mut found)?);
    attempts(connection, &brought, &mut found)?;
    files::add(connection, &mut found)?;
    let mut letters = connection.prepare_cached(LETTERS)?;
    for position in &found.said {
        found.letters += letters.query_row(params![position, TOLD], |row| row.get::<_, u64>(0))?;
    }
    Ok(found)
}

pub(super) fn refuse_moving(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let sql = "SELECT leaving IS NULL AND arriving IS NULL FROM head";
    match transaction.query_row(sql, [], |row| row.get(0))? {
        true => Ok(()),
        false => Err(pruning::moving()),
    }
}

/// Drops all of it, by the erasure at a position.
fn drop_all(
    transaction: &Transaction<'_>,
    found: &Erasable,
    (position, at): (u64, &str),
) -> Result<(), StoreError> {
    let each = |sql: &str, all: &mut dyn Iterator<Item = u64>| -> Result<(), StoreError> {
        let mut statement = transaction.prepare(sql)?;
        for one in all {
            statement.execute([one])?;
        }
        Ok(())
    };
    each("DELETE FROM personal WHERE position = ?1", &mut found.texts.iter().copied())?;
    each("DELETE FROM payloads WHERE message = ?1", &mut found.messages.iter().copied())?;
    let mark = format!("UPDATE messages SET erased = {position} WHERE message = ?1");
    each(&mark, &mut found.messages.iter().copied())?;
    for sql in [
        "UPDATE outbox_lines SET told = NULL WHERE (channel, key) IN
             (SELECT channel, key FROM outbox WHERE position = ?1)",
        "UPDATE outbox SET body = NULL, personal = 0 WHERE position = ?1",
    ] {
        each(sql, &mut found.said.iter().copied())?;
    }
    let sql = "UPDATE dead_letters SET body = NULL, personal = 0, told = ?2 WHERE position = ?1";
    let mut letters = transaction.prepare(sql)?;
    for position in &found.said {
        letters.execute(params![position, TOLD])?;
    }
    let sql = "INSERT INTO erased (name, code, position, at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (name) DO NOTHING";
    let mut names = transaction.prepare(sql)?;
    for name in &found.names {
        names.execute(params![name, Identity::of_key(name).source_code, position, at])?;
    }
    transaction.execute("UPDATE head SET erased = ?1", [position])?;
    files::unname(transaction, found)
}

fn erase(writer: &mut Writer, erasing: &Erasing) -> Result<Erased, StoreError> {
    // Nothing is added to the numbers at the position that comes.
    writer.rolling.forget();
    overwrite(&writer.connection)?;
    let behaviour = TransactionBehavior::Immediate;
    let transaction = writer.connection.transaction_with_behavior(behaviour)?;
    refuse_moving(&transaction)?;
    let found = erasable(&transaction, &erasing.key)?;
    if found.names.is_empty() {
        return Ok(Erased::Unknown);
    }
    if found.is_done() {
        return Ok(Erased::Before(found));
    }
    let mut tip = journal::tip(&transaction)?;
    let text = found.text(erasing);
    let entry = tip.erase(jiff::Timestamp::now(), &text)?;
    write::entry(&transaction, &entry)?;
    write::head(&transaction, &tip)?;
    drop_all(&transaction, &found, (entry.position, &entry.recorded_at.to_string()))?;
    transaction.commit()?;
    let erasure = Erasure { position: entry.position, recorded_at: entry.recorded_at, text };
    Ok(Erased::Now(found, erasure))
}

fn read(row: &Row<'_>) -> Result<Erasure, StoreError> {
    let bytes = |column: usize| -> Result<&[u8], StoreError> {
        Ok(row.get_ref(column)?.as_bytes().unwrap_or_default())
    };
    Erasure::read(row.get(0)?, bytes(1)?, bytes(2)?)
}

fn erasures(
    connection: &Connection,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Erasure>, StoreError> {
    let sql = "SELECT position, text, public FROM entries INDEXED BY entries_erasure
               WHERE kind = 'erasure' AND position >= ?1 ORDER BY position LIMIT ?2";
    let from = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![from, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn erased(connection: &Connection, names: &[String]) -> Result<Option<ErasedSince>, StoreError> {
    let sql = "SELECT position, at FROM erased WHERE name = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut first: Option<(u64, String)> = None;
    for name in names {
        let found = statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        first = first.into_iter().chain(found).min();
    }
    first.map(|(position, at)| Ok(ErasedSince { position, at: time(&at)? })).transpose()
}

/// Compares what the journal tells of erasures with what is stored.
pub(super) fn verify(
    connection: &Connection,
    told: &Told,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT name, position FROM erased")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let stored: BTreeMap<String, u64> = rows.collect::<Result<_, _>>()?;
    let messages = |sql: &str| -> Result<Vec<u64>, StoreError> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let unfounded = messages(
        "SELECT m.message FROM messages m WHERE m.erased IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM entries e WHERE e.position = m.erased AND e.kind = 'erasure') LIMIT 10",
    )?;
    let kept = messages(
        "SELECT m.message FROM messages m WHERE m.erased IS NOT NULL AND EXISTS
             (SELECT 1 FROM payloads p WHERE p.message = m.message) LIMIT 10",
    )?;
    told.close(&stored, (&unfounded, &kept), verdict);
    Ok(())
}

/// Copies the WAL back and empties it.
pub(super) fn empty_wal(connection: &Connection) -> Result<(), StoreError> {
    let copied = "PRAGMA wal_checkpoint(TRUNCATE)";
    let began = Instant::now();
    // Our own thread that copies the WAL back may be at it, and SQLite waits for readers alone,
    // not for who copies.
    while connection.query_row(copied, [], |row| row.get::<_, bool>(0))? {
        if began.elapsed() < EMPTIED_WITHIN {
            thread::sleep(EMPTIED_REST);
            continue;
        }
        return Err(StoreError {
            trouble: Trouble::Busy,
            reason: "others read the file: its room goes back when they end".to_owned(),
        });
    }
    Ok(())
}

impl Erasures for SqliteStore {
    fn erasable(&self, key: String) -> Answer<'_, Result<Erasable, StoreError>> {
        self.read(move |connection| {
            let moment = connection.unchecked_transaction()?;
            erasable(&moment, &key)
        })
    }

    fn erase(&self, erasing: Erasing) -> Answer<'_, Result<Erased, StoreError>> {
        let erased = self.write(Task::Job, move |writer| erase(writer, &erasing));
        Box::pin(async move {
            let erased = erased.await?;
            // A hub beside this process looks about so often whether somebody else has written.
            tokio::time::sleep(SEEN_WITHIN).await;
            Ok(erased)
        })
    }

    fn erasures(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Erasure>, StoreError>> {
        self.read(move |connection| erasures(connection, after, limit))
    }

    fn erased(&self, names: Vec<String>) -> Answer<'_, Result<Option<ErasedSince>, StoreError>> {
        self.read(move |connection| erased(connection, &names))
    }

    fn forget(&self) -> Answer<'_, Result<(), StoreError>> {
        self.write(Task::Job, move |writer| empty_wal(&writer.connection))
    }
}
