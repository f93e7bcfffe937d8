//! Deliveries: the outbox.

mod dead;
mod standing;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Instant,
};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, params};

use super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    deliveries::{
        Concluded, Course, DeadId, DeadLetter, DeadQuery, Decision, Deliveries, Delivery, Due, End,
        LinePlace, Outgoing, Running, Waiting, Wanted, from_to, millis, shortened,
    },
};

/// Milliseconds since 1970: what the clock said when the process first asked, and what has gone by
/// since. Who sets the clock meanwhile makes no delivery wait for a time that never was.
fn now() -> i64 {
    static FIRST: LazyLock<(Instant, i64)> =
        LazyLock::new(|| (Instant::now(), jiff::Timestamp::now().as_millisecond()));
    let (first, at) = *FIRST;
    at.saturating_add(millis(first.elapsed()))
}

const OUTBOX: &str = "INSERT INTO outbox (channel, key, position, personal, body)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";

const LINES: &str = "INSERT INTO outbox_lines (channel, key, waiting, attempt_at, token, attempts)
    VALUES (?1, ?2, ?3, ?4, 0, 0)
    ON CONFLICT (channel, key) DO UPDATE SET waiting = waiting + excluded.waiting";

/// Adds what a batch makes.
pub(super) fn add(connection: &Connection, outgoing: &[Outgoing]) -> Result<(), StoreError> {
    if outgoing.is_empty() {
        return Ok(());
    }
    let mut outbox = connection.prepare_cached(OUTBOX)?;
    let mut lines: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in outgoing {
        let added = outbox.execute(params![
            &*one.channel,
            one.key,
            one.position,
            one.personal,
            None::<Vec<u8>>
        ])?;
        *lines.entry((&one.channel, &one.key)).or_default() += added as u64;
    }
    let (mut statement, now) = (connection.prepare_cached(LINES)?, now());
    for ((channel, key), waiting) in lines {
        statement.execute(params![channel, key, waiting, now])?;
    }
    Ok(())
}

/// Whether nothing may be delivered from here, because the store takes part in a move.
fn moving(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT leaving IS NOT NULL OR arriving IS NOT NULL FROM head";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// What is read of a delivery beside its line.
const DELIVERY: &str = "e.text, e.public,
    CASE o.personal WHEN 1 THEN (SELECT text FROM personal p WHERE p.position = o.position) END,
    o.body,
    (SELECT channel FROM messages m WHERE m.message = e.message)";

fn delivery(row: &Row<'_>) -> Result<Delivery, rusqlite::Error> {
    Ok(Delivery {
        key: String::new(),
        position: row.get(0)?,
        token: 0,
        attempts: 0,
        failing: None,
        text: row.get(1)?,
        public: row.get(2)?,
        personal: row.get(3)?,
        body: row.get(4)?,
        from: row.get(5)?,
    })
}

fn announce(
    transaction: &Transaction<'_>,
    channel: &str,
    Wanted { most, lease }: Wanted,
) -> Result<Vec<Delivery>, StoreError> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let decided = standing::decided(transaction, channel)?;
    let up_to = match decided.as_ref().map(|decided| (decided.state, decided.up_to)) {
        Some((Running::Paused, _)) => return Ok(Vec::new()),
        Some((Running::Draining, Some(up_to))) => i64::try_from(up_to).unwrap_or(i64::MAX),
        _ => i64::MAX,
    };
    let filter = if up_to == i64::MAX { "?2 = ?2" } else { standing::BEFORE };
    // The lines that are due first, and of each its first delivery.
    let sql = format!(
        "SELECT o.position, {DELIVERY}, l.key, l.token + 1, l.attempts + 1, l.failing_since
         FROM (SELECT key, token, attempts, failing_since FROM outbox_lines l
             WHERE channel = ?1 AND attempt_at <= ?3 AND {filter} ORDER BY attempt_at LIMIT ?4) l
         CROSS JOIN outbox o ON o.channel = ?1 AND o.key = l.key AND o.position = (
             SELECT position FROM outbox WHERE channel = ?1 AND key = l.key
             ORDER BY position LIMIT 1)
         CROSS JOIN entries e ON e.position = o.position"
    );
    let now = now();
    let mut statement = transaction.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| {
        let (failing, read): (Option<i64>, _) = (row.get(9)?, delivery(row)?);
        let failing = failing.map(|since| from_to(since, now));
        let (key, token, attempts) = (row.get(6)?, row.get(7)?, row.get(8)?);
        Ok(Delivery { key, token, attempts, failing, ..read })
    };
    let all = statement.query_map(params![channel, up_to, now, most], read)?;
    let all: Vec<Delivery> = all.collect::<Result<_, _>>()?;
    let mut lease_it = transaction.prepare_cached(
        "UPDATE outbox_lines SET attempt_at = ?3, token = ?4, attempts = ?5
         WHERE channel = ?1 AND key = ?2",
    )?;
    let until = now.saturating_add(millis(lease));
    for one in &all {
        lease_it.execute(params![channel, one.key, until, one.token, one.attempts])?;
    }
    Ok(all)
}

/// The first delivery of a line is no more; what follows it is due.
fn advance(
    transaction: &Transaction<'_>,
    channel: &str,
    (key, position): (&str, u64),
) -> Result<(), StoreError> {
    let sql = "DELETE FROM outbox WHERE channel = ?1 AND key = ?2 AND position = ?3";
    match transaction.prepare_cached(sql)?.execute(params![channel, key, position])? {
        0 => Ok(()),
        _ => next(transaction, channel, key),
    }
}

/// What settles deliveries, made ready once for all that are concluded together: how nearly all
/// end.
struct Settling<'a> {
    channel: &'a str,
    line: CachedStatement<'a>,
    gone: CachedStatement<'a>,
    last: CachedStatement<'a>,
}

impl<'a> Settling<'a> {
    fn of(transaction: &'a Transaction<'_>, channel: &'a str) -> Result<Self, StoreError> {
        let line = "SELECT waiting FROM outbox_lines
                    WHERE channel = ?1 AND key = ?2 AND token = ?3";
        let gone = "DELETE FROM outbox WHERE channel = ?1 AND key = ?2 AND position = ?3";
        let last = "DELETE FROM outbox_lines WHERE channel = ?1 AND key = ?2";
        let [line, gone, last] = [line, gone, last].map(|sql| transaction.prepare_cached(sql));
        Ok(Self { channel, line: line?, gone: gone?, last: last? })
    }

    /// Settles the delivery of a lease, if that is in force.
    fn settle(
        &mut self,
        transaction: &Transaction<'_>,
        (key, position, token): (&str, u64, u64),
    ) -> Result<bool, StoreError> {
        let line = self.line.query_row(params![self.channel, key, token], |row| row.get(0));
        let Some(waiting) = line.optional()? else { return Ok(false) };
        if self.gone.execute(params![self.channel, key, position])? == 0 {
            return Ok(false);
        }
        // Most lines are one delivery long.
        match waiting {
            1_u64 => self.last.execute([self.channel, key]).map(drop)?,
            _ => next(transaction, self.channel, key)?,
        }
        Ok(true)
    }
}

/// What follows in a line is due, where something does.
fn next(transaction: &Transaction<'_>, channel: &str, key: &str) -> Result<(), StoreError> {
    // Most lines are one delivery long.
    let sql = "DELETE FROM outbox_lines WHERE channel = ?1 AND key = ?2 AND waiting = 1";
    if transaction.prepare_cached(sql)?.execute([channel, key])? > 0 {
        return Ok(());
    }
    let sql = "UPDATE outbox_lines SET waiting = waiting - 1, attempt_at = ?3, attempts = 0,
                   failing_since = NULL, told = NULL WHERE channel = ?1 AND key = ?2";
    transaction.prepare_cached(sql)?.execute(params![channel, key, now()])?;
    Ok(())
}

fn conclude(
    transaction: &Transaction<'_>,
    channel: &str,
    ended: Vec<Concluded>,
) -> Result<u32, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM outbox_lines l JOIN outbox o
                   ON o.channel = l.channel AND o.key = l.key AND o.position = ?4
               WHERE l.channel = ?1 AND l.key = ?2 AND l.token = ?3)";
    let mut own = transaction.prepare_cached(sql)?;
    let mut settling = Settling::of(transaction, channel)?;
    let mut done = 0;
    for Concluded { key, position, token, end } in ended {
        let still_own = match end {
            End::Settled => settling.settle(transaction, (&key, position, token))?,
            _ => own.query_row(params![channel, key, token, position], |row| row.get(0))?,
        };
        if !still_own {
            continue;
        }
        done += 1;
        match end {
            End::Settled => {}
            End::SettledAndKept => {
                let sql = "INSERT INTO settled (position, channel, at) VALUES (?1, ?2, ?3)
                           ON CONFLICT (position, channel) DO NOTHING";
                transaction.prepare_cached(sql)?.execute(params![position, channel, now()])?;
                advance(transaction, channel, (&key, position))?;
            }
            End::Postponed { wait, told, counts } => {
                let now = now();
                let sql = "UPDATE outbox_lines SET attempt_at = ?3, attempts = attempts - ?4,
                               failing_since = CASE ?4 WHEN 1 THEN failing_since
                                   ELSE coalesce(failing_since, ?5) END, told = ?6
                           WHERE channel = ?1 AND key = ?2";
                let at = now.saturating_add(millis(wait));
                let values = params![channel, key, at, !counts, now, shortened(told)];
                transaction.prepare_cached(sql)?.execute(values)?;
            }
            End::Released => {
                let sql = "UPDATE outbox_lines SET attempt_at = ?3, attempts = attempts - 1
                           WHERE channel = ?1 AND key = ?2";
                transaction.prepare_cached(sql)?.execute(params![channel, key, now()])?;
            }
            End::Buried { cause, told } => {
                dead::bury(transaction, channel, (&key, position), (cause, told))?;
            }
        }
    }
    Ok(done)
}

impl Deliveries for SqliteStore {
    fn due(&self, channels: Vec<Arc<str>>) -> Answer<'_, Result<Vec<Due>, StoreError>> {
        self.read(move |connection| {
            channels.iter().map(|one| standing::due(connection, one)).collect()
        })
    }

    fn conclude_and_announce(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
        wanted: Wanted,
    ) -> Answer<'_, Result<(u32, Vec<Delivery>), StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            if moving(transaction)? {
                return Ok((0, Vec::new()));
            }
            let concluded = conclude(transaction, &channel, ended)?;
            Ok((concluded, announce(transaction, &channel, wanted)?))
        })
    }

    fn decide(&self, channel: String, decision: Decision) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            standing::decide(transaction, &channel, &decision)
        })
    }

    fn courses(&self, of: Vec<LinePlace>) -> Answer<'_, Result<Vec<Course>, StoreError>> {
        self.read(move |connection| {
            let course = |(channel, key, position): &LinePlace| {
                standing::course(connection, channel, (key, *position))
            };
            of.iter().map(course).collect()
        })
    }

    fn waiting(&self) -> Answer<'_, Result<Vec<Waiting>, StoreError>> {
        self.read(standing::waiting)
    }

    fn dead(&self, query: DeadQuery) -> Answer<'_, Result<Vec<DeadLetter>, StoreError>> {
        self.read(move |connection| dead::letters(connection, query))
    }

    fn dead_letter(
        &self,
        id: DeadId,
    ) -> Answer<'_, Result<Option<(DeadLetter, Delivery)>, StoreError>> {
        self.read(move |connection| dead::one(connection, &id))
    }

    fn replay(
        &self,
        ids: Vec<DeadId>,
        body: Option<Vec<u8>>,
        reason: String,
    ) -> Answer<'_, Result<u64, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            dead::replay(transaction, ids, body.as_deref(), &reason)
        })
    }

    fn discard(&self, id: DeadId, reason: String) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            let named = params![id.channel, id.position, id.number, "discarded", now(), reason];
            Ok(!moving(transaction)?
                && transaction.prepare_cached(dead::CLOSE)?.execute(named)? > 0)
        })
    }
}
