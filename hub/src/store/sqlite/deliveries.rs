//! Deliveries: the outbox.

mod dead;
mod standing;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Instant,
};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, params};

use super::{SqliteStore, Task, at_rest};
use crate::store::{
    Answer, StoreError,
    at_rest::Place,
    deliveries::{
        Concluded, Course, DeadId, DeadLetter, DeadQuery, Decision, Deliveries, Delivery, Due, End,
        LinePlace, Outgoing, Running, Waiting, Wanted, from_to,
        leases::{DueLine, Leases},
        millis, shortened,
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

const LINES: &str = "INSERT INTO outbox_lines (channel, key, waiting, attempt_at, attempts)
    VALUES (?1, ?2, ?3, ?4, 0)
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
    p.text, o.body, (SELECT channel FROM messages m WHERE m.message = e.message),
    p.key_id, p.wrapped_key";

/// The personal text of a delivery that is to have one.
const PERSONAL: &str = "LEFT JOIN personal p ON o.personal = 1 AND p.position = o.position";

fn delivery(row: &Row<'_>) -> Result<Delivery, rusqlite::Error> {
    let position = row.get(0)?;
    Ok(Delivery {
        key: String::new(),
        position,
        token: 0,
        attempts: 0,
        failing: None,
        text: row.get(1)?,
        public: row.get(2)?,
        personal: at_rest::text(row, Place::Personal(position), (3, 6))?,
        body: at_rest::edited(row, position, 4)?,
        from: row.get(5)?,
    })
}

/// The leases of a channel, as they are kept.
fn leases(connection: &Connection, channel: &str) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT leases FROM outbox_leases WHERE channel = ?1";
    let kept = connection.prepare_cached(sql)?.query_row([channel], |row| row.get(0));
    Ok(kept.optional()?.unwrap_or_default())
}

/// Keeps the leases of a channel, where they have changed.
fn keep(
    transaction: &Transaction<'_>,
    channel: &str,
    (before, after): (&[u8], &Leases),
) -> Result<(), StoreError> {
    let after = after.bytes();
    if after != before {
        let sql = "INSERT INTO outbox_leases (channel, leases) VALUES (?1, ?2)
                   ON CONFLICT (channel) DO UPDATE SET leases = excluded.leases";
        transaction.prepare_cached(sql)?.execute(params![channel, after])?;
    }
    Ok(())
}

/// Lines that are due, in their order, up to a number.
fn due(
    transaction: &Transaction<'_>,
    (channel, up_to): (&str, i64),
    (now, most): (i64, usize),
) -> Result<Vec<DueLine>, StoreError> {
    let filter = if up_to == i64::MAX { "?2 = ?2" } else { standing::BEFORE };
    let sql = format!(
        "SELECT key, attempts, failing_since FROM outbox_lines l
         WHERE channel = ?1 AND attempt_at <= ?3 AND {filter} ORDER BY attempt_at LIMIT ?4"
    );
    let read = |row: &Row<'_>| {
        let failing: Option<i64> = row.get(2)?;
        let failing = failing.map(|since| from_to(since, now));
        Ok(DueLine { key: row.get(0)?, attempts: row.get(1)?, failing, lost: false })
    };
    let mut statement = transaction.prepare_cached(&sql)?;
    let all = statement.query_map(params![channel, up_to, now, most], read)?;
    Ok(all.collect::<Result<_, _>>()?)
}

fn announce(
    transaction: &Transaction<'_>,
    (channel, leases): (&str, &mut Leases),
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
    // Those that are leased are at the front too.
    let (now, most_read) = (now(), leases.count(now()) + most as usize);
    let due = due(transaction, (channel, up_to), (now, most_read))?;
    let (token, lines) = leases.take(due, most, (now, lease));
    // Of each line its first delivery.
    let sql = format!(
        "SELECT o.position, {DELIVERY} FROM outbox o CROSS JOIN entries e ON e.position = o.position
         {PERSONAL} WHERE o.channel = ?1 AND o.key = ?2 ORDER BY o.position LIMIT 1"
    );
    let mut first = transaction.prepare_cached(&sql)?;
    let mut all = Vec::with_capacity(lines.len());
    for DueLine { key, attempts, failing, lost } in lines {
        if lost {
            let sql = "UPDATE outbox_lines SET attempts = attempts + 1
                       WHERE channel = ?1 AND key = ?2";
            transaction.prepare_cached(sql)?.execute([channel, &key])?;
        }
        if let Some(read) = first.query_row([channel, &key], delivery).optional()? {
            all.push(Delivery { key, token, attempts, failing, ..read });
        }
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
    gone: CachedStatement<'a>,
    last: CachedStatement<'a>,
}

impl<'a> Settling<'a> {
    fn of(transaction: &'a Transaction<'_>, channel: &'a str) -> Result<Self, StoreError> {
        let gone = "DELETE FROM outbox WHERE channel = ?1 AND key = ?2 AND position = ?3";
        let [gone, last] = [gone, LAST].map(|sql| transaction.prepare_cached(sql));
        Ok(Self { channel, gone: gone?, last: last? })
    }

    /// Settles the delivery of a lease that is in force.
    fn settle(
        &mut self,
        transaction: &Transaction<'_>,
        (key, position): (&str, u64),
    ) -> Result<bool, StoreError> {
        if self.gone.execute(params![self.channel, key, position])? == 0 {
            return Ok(false);
        }
        if self.last.execute([self.channel, key])? == 0 {
            behind(transaction, self.channel, key)?;
        }
        Ok(true)
    }
}

/// Ends a line of one delivery; most are.
const LAST: &str = "DELETE FROM outbox_lines WHERE channel = ?1 AND key = ?2 AND waiting = 1";

/// What follows in a line is due, where something does.
fn next(transaction: &Transaction<'_>, channel: &str, key: &str) -> Result<(), StoreError> {
    match transaction.prepare_cached(LAST)?.execute([channel, key])? {
        0 => behind(transaction, channel, key),
        _ => Ok(()),
    }
}

/// What follows in a longer line is due.
fn behind(transaction: &Transaction<'_>, channel: &str, key: &str) -> Result<(), StoreError> {
    let sql = "UPDATE outbox_lines SET waiting = waiting - 1, attempt_at = ?3, attempts = 0,
                   failing_since = NULL, told = NULL WHERE channel = ?1 AND key = ?2";
    transaction.prepare_cached(sql)?.execute(params![channel, key, now()])?;
    Ok(())
}

fn conclude(
    transaction: &Transaction<'_>,
    (channel, leases): (&str, &mut Leases),
    ended: Vec<Concluded>,
) -> Result<u32, StoreError> {
    let mut settling = Settling::of(transaction, channel)?;
    let mut done = 0;
    for Concluded { key, position, token, end } in ended {
        if !leases.end(&key, token) {
            continue;
        }
        match end {
            End::Settled => {
                if !settling.settle(transaction, (&key, position))? {
                    continue;
                }
            }
            End::SettledAndKept => {
                let sql = "INSERT INTO settled (position, channel, at) VALUES (?1, ?2, ?3)
                           ON CONFLICT (position, channel) DO NOTHING";
                transaction.prepare_cached(sql)?.execute(params![position, channel, now()])?;
                advance(transaction, channel, (&key, position))?;
            }
            End::Postponed { wait, told, counts } => {
                let now = now();
                let sql = "UPDATE outbox_lines SET attempt_at = ?3, attempts = attempts + ?4,
                               failing_since = CASE ?4 WHEN 0 THEN failing_since
                                   ELSE coalesce(failing_since, ?5) END, told = ?6
                           WHERE channel = ?1 AND key = ?2";
                let at = now.saturating_add(millis(wait));
                let values = params![channel, key, at, counts, now, shortened(told)];
                transaction.prepare_cached(sql)?.execute(values)?;
            }
            // It is due as it was.
            End::Released => {}
            End::Buried { cause, told } => {
                dead::bury(transaction, channel, (&key, position), (cause, told))?;
            }
        }
        done += 1;
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
            let kept = leases(transaction, &channel)?;
            let mut leases = Leases::read(&kept)?;
            let concluded = conclude(transaction, (&channel, &mut leases), ended)?;
            let announced = announce(transaction, (&channel, &mut leases), wanted)?;
            keep(transaction, &channel, (&kept, &leases))?;
            Ok((concluded, announced))
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
