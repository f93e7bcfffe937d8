//! How channels stand.

use contracts::problem::Bilingual;
use rusqlite::{Connection, Row, params};

use super::super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError, Tally, Verdict,
    batch::{
        Written,
        days::{DayCounts, days, outcomes},
    },
    channels::{self, Alert, Channels, DayRow},
};

/// Adds what attempts add to the days of their channels.
pub(in super::super) fn add(
    connection: &Connection,
    attempts: &[Written],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO channel_days AS d (channel, day, messages, refused, records,
                   refused_records, repeats, first_at, last_at, pause)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9)
               ON CONFLICT (channel, day) DO UPDATE SET
                   messages = d.messages + excluded.messages,
                   refused = d.refused + excluded.refused,
                   records = d.records + excluded.records,
                   refused_records = d.refused_records + excluded.refused_records,
                   pause = CASE WHEN d.messages = 0 THEN excluded.pause ELSE
                       max(d.pause, excluded.pause, excluded.first_at - d.last_at) END,
                   first_at = CASE WHEN d.messages = 0 THEN excluded.first_at ELSE
                       min(d.first_at, excluded.first_at) END,
                   last_at = max(d.last_at, excluded.last_at)";
    let mut statement = connection.prepare_cached(sql)?;
    for ((channel, day), one) in days(attempts) {
        statement.execute(params![
            channel,
            day,
            one.messages,
            one.refused,
            one.records,
            one.refused_records,
            one.first_at,
            one.last_at,
            one.pause,
        ])?;
    }
    let sql = "INSERT INTO channel_outcomes AS o (channel, outcome, messages, last_at)
               VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (channel, outcome) DO UPDATE SET
                   messages = o.messages + excluded.messages,
                   last_at = max(o.last_at, excluded.last_at)";
    let mut statement = connection.prepare_cached(sql)?;
    for ((channel, outcome), (messages, last_at)) in outcomes(attempts) {
        statement.execute(params![channel, outcome, messages, last_at])?;
    }
    Ok(())
}

/// Messages by channel and outcome; those that are being received have none.
pub(in super::super) fn tallies(connection: &Connection) -> Result<Vec<Tally>, StoreError> {
    let sql = "SELECT channel, NULL AS outcome, count(*), max(recorded_at) FROM messages
               WHERE outcome IS NULL GROUP BY channel
               UNION ALL SELECT channel, outcome, messages, last_at FROM channel_outcomes
               ORDER BY channel, outcome";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Tally {
            channel: row.get(0)?,
            outcome: row.get(1)?,
            messages: row.get(2)?,
            last_at: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts outcomes anew.
pub(in super::super) fn recount(connection: &Connection) -> Result<(), StoreError> {
    let sql = "DELETE FROM channel_outcomes;
               INSERT INTO channel_outcomes
               SELECT channel, outcome, count(*), max(recorded_at) FROM messages
               WHERE outcome IS NOT NULL GROUP BY channel, outcome";
    Ok(connection.execute_batch(sql)?)
}

/// Compares the counts of outcomes with the messages.
pub(in super::super) fn verify(
    connection: &Connection,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let sql = "SELECT channel, outcome, coalesce(o.messages, 0), coalesce(m.messages, 0)
               FROM (SELECT channel, outcome, count(*) AS messages FROM messages
                     WHERE outcome IS NOT NULL GROUP BY channel, outcome) m
               FULL JOIN channel_outcomes o USING (channel, outcome)
               WHERE o.messages IS NOT m.messages";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (channel, outcome): (String, String) = (row.get(0)?, row.get(1)?);
        verdict.add(channels::miscounted((&channel, &outcome), row.get(2)?, row.get(3)?));
    }
    Ok(())
}

fn latest(connection: &Connection, channel: &str, most: u32) -> Result<Vec<DayRow>, StoreError> {
    let sql = "SELECT day, messages, refused, records, refused_records, first_at, last_at, pause,
                      repeats
               FROM channel_days WHERE channel = ?1 ORDER BY day DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![channel, most], |row| {
        let counts = DayCounts {
            messages: row.get(1)?,
            refused: row.get(2)?,
            records: row.get(3)?,
            refused_records: row.get(4)?,
            first_at: row.get(5)?,
            last_at: row.get(6)?,
            pause: row.get(7)?,
        };
        Ok(DayRow { day: row.get(0)?, counts, repeats: row.get(8)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn repeats(connection: &Connection, day: i32, all: &[(String, u64)]) -> Result<(), StoreError> {
    let sql = "INSERT INTO channel_days AS d VALUES (?1, ?2, 0, 0, 0, 0, ?3, 0, 0, 0)
               ON CONFLICT (channel, day) DO UPDATE SET repeats = d.repeats + excluded.repeats";
    let mut statement = connection.prepare_cached(sql)?;
    for (channel, more) in all {
        statement.execute(params![channel, day, more])?;
    }
    Ok(())
}

fn alert(row: &Row<'_>) -> Result<(Alert, String), rusqlite::Error> {
    let told = Bilingual { vi: String::new(), en: String::new() };
    let (channel, kind) = (row.get(0)?, row.get(1)?);
    let (opened_at, closed_at) = (row.get(2)?, row.get(3)?);
    Ok((Alert { channel, kind, told, opened_at, closed_at }, row.get(4)?))
}

fn open(connection: &Connection) -> Result<Vec<Alert>, StoreError> {
    let sql = "SELECT channel, kind, opened_at, closed_at, told FROM alerts
               WHERE closed_at IS NULL ORDER BY channel, kind";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], alert)?;
    let mut all = Vec::new();
    for row in rows {
        let (alert, told) = row?;
        all.push(Alert { told: channels::words(&told)?, ..alert });
    }
    Ok(all)
}

fn stand(
    connection: &Connection,
    kinds: &[&str],
    standing: Vec<Alert>,
    now: i64,
) -> Result<Vec<Alert>, StoreError> {
    let mut changed = Vec::new();
    let close = "UPDATE alerts SET closed_at = ?3
                 WHERE channel = ?1 AND kind = ?2 AND closed_at IS NULL";
    let mut close = connection.prepare_cached(close)?;
    for one in open(connection)? {
        let same = |other: &Alert| other.channel == one.channel && other.kind == one.kind;
        if kinds.contains(&one.kind.as_str()) && !standing.iter().any(same) {
            close.execute(params![one.channel, one.kind, now])?;
            changed.push(Alert { closed_at: Some(now), ..one });
        }
    }
    let sql = "INSERT INTO alerts (channel, kind, opened_at, told) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING";
    let mut insert = connection.prepare_cached(sql)?;
    for one in standing {
        let told = channels::text(&one.told);
        if insert.execute(params![one.channel, one.kind, one.opened_at, told])? > 0 {
            changed.push(one);
        }
    }
    Ok(changed)
}

impl Channels for SqliteStore {
    fn channel_days(
        &self,
        channels: Vec<String>,
        days: u32,
    ) -> Answer<'_, Result<Vec<Vec<DayRow>>, StoreError>> {
        self.read(move |connection| {
            channels.iter().map(|channel| latest(connection, channel, days)).collect()
        })
    }

    fn add_repeats(&self, day: i32, all: Vec<(String, u64)>) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| repeats(transaction, day, &all))
    }

    fn stand(
        &self,
        kinds: Vec<&'static str>,
        standing: Vec<Alert>,
        now: i64,
    ) -> Answer<'_, Result<Vec<Alert>, StoreError>> {
        self.alone(Task::Aside, move |transaction| stand(transaction, &kinds, standing, now))
    }

    fn alerts(&self) -> Answer<'_, Result<Vec<Alert>, StoreError>> {
        self.read(open)
    }
}
