//! How attempts end.

use std::{collections::BTreeSet, time::Duration};

use deadpool_postgres::GenericClient;

use super::{NOW, dead, standing};
use crate::store::{
    deliveries::{Concluded, End, leases::Leases, millis, shortened},
    postgres::{
        failure::Failure,
        session::{self, Value, signed},
    },
};

/// Settles deliveries: how nearly all end. Gives how many were there.
async fn settle(
    client: &impl GenericClient,
    channel: &str,
    mut settled: Vec<(String, i64)>,
) -> Result<u32, Failure> {
    // Lines are held in the order of their keys.
    settled.sort();
    let gone = remove(client, channel, &settled).await?;
    let count = u32::try_from(gone.len()).unwrap_or(u32::MAX);
    advance(client, channel, gone).await?;
    Ok(count)
}

/// Takes deliveries out of the outbox; gives the keys of those that were there, in their order.
async fn remove(
    client: &impl GenericClient,
    channel: &str,
    gone: &[(String, i64)],
) -> Result<Vec<String>, Failure> {
    let (keys, positions): (Vec<&str>, Vec<i64>) =
        gone.iter().map(|(key, position)| (key.as_str(), *position)).unzip();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "DELETE FROM outbox o USING unnest($2::text[], $3::bigint[]) w (key, position)
               WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position
               RETURNING o.key";
    let rows = session::rows(client, sql, &[&channel, &keys, &positions]).await?;
    let gone: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let mut gone = gone?;
    gone.sort();
    Ok(gone)
}

/// Holds the lines of some attempts; gives which deliveries are there.
async fn held(
    client: &impl GenericClient,
    channel: &str,
    ended: &[Concluded],
) -> Result<Vec<bool>, Failure> {
    let sql = "SELECT w.place FROM unnest($2::bigint[], $3::text[], $4::bigint[])
                   w (place, key, position)
               JOIN outbox_lines l ON l.channel = $1 AND l.key = w.key
               WHERE EXISTS (SELECT FROM outbox o
                   WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position)
               ORDER BY w.key FOR UPDATE OF l";
    let places: Vec<i64> = (0..).take(ended.len()).collect();
    let keys: Vec<&str> = ended.iter().map(|one| one.key.as_str()).collect();
    let positions: Vec<i64> = ended.iter().map(|one| signed(one.position)).collect();
    let values: [Value<'_>; 4] = [&channel, &places, &keys, &positions];
    let mut own = vec![false; ended.len()];
    for row in session::rows(client, sql, &values).await? {
        let place = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(own) = own.get_mut(place) {
            *own = true;
        }
    }
    Ok(own)
}

/// Ends attempts, as far as they are still the teller's to end; gives how many.
pub(super) async fn all(
    client: &impl GenericClient,
    (channel, leases): (&str, &mut Leases),
    mut ended: Vec<Concluded>,
) -> Result<u32, Failure> {
    ended.retain(|one| leases.end(&one.key, one.token));
    let (mut done, mut settled, mut others) = (0, Vec::new(), Vec::new());
    for one in ended {
        match one.end {
            End::Settled => settled.push((one.key, signed(one.position))),
            // It is due as it was.
            End::Released => done += 1,
            _ => others.push(one),
        }
    }
    done += settle(client, channel, settled).await?;
    if others.is_empty() {
        return Ok(done);
    }
    let own = held(client, channel, &others).await?;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    let (mut postponed, mut buried) = (Postponed::default(), Vec::new());
    for one in others.into_iter().zip(own).filter(|(_, own)| *own).map(|(one, _)| one) {
        done += 1;
        match one.end {
            End::Postponed { wait, told, counts } => postponed.add(one.key, wait, told, counts),
            End::Buried { cause, told } => {
                buried.push((one.key.clone(), one.position, cause, shortened(told)));
                gone.push((one.key, signed(one.position)));
            }
            End::SettledAndKept => {
                kept.push(signed(one.position));
                gone.push((one.key, signed(one.position)));
            }
            End::Settled | End::Released => {}
        }
    }
    dead::bury(client, channel, buried).await?;
    standing::keep(client, channel, kept).await?;
    settle(client, channel, gone).await?;
    postponed.write(client, channel).await?;
    Ok(done)
}

/// Lines that are put off, as columns.
#[derive(Default)]
struct Postponed {
    keys: Vec<String>,
    waits: Vec<i64>,
    told: Vec<String>,
    counted: Vec<i64>,
}

impl Postponed {
    fn add(&mut self, key: String, wait: Duration, told: String, counts: bool) {
        self.keys.push(key);
        self.waits.push(millis(wait));
        self.told.push(shortened(told));
        self.counted.push(i64::from(counts));
    }

    async fn write(self, client: &impl GenericClient, channel: &str) -> Result<(), Failure> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE outbox_lines l SET attempt_at = {NOW} + w.wait, told = w.told,
                 attempts = l.attempts + w.counted,
                 failing_since = CASE w.counted WHEN 0 THEN l.failing_since
                     ELSE coalesce(l.failing_since, {NOW}) END
             FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[])
                 w (key, wait, told, counted)
             WHERE l.channel = $1 AND l.key = w.key"
        );
        let values: [Value<'_>; 5] = [&channel, &self.keys, &self.waits, &self.told, &self.counted];
        session::rows(client, &sql, &values).await.map(drop)
    }
}

/// The first deliveries of some lines are no more; what follows them is due.
async fn advance(
    client: &impl GenericClient,
    channel: &str,
    mut keys: Vec<String>,
) -> Result<(), Failure> {
    if keys.is_empty() {
        return Ok(());
    }
    // Most lines are one delivery long.
    let sql = "DELETE FROM outbox_lines l USING unnest($2::text[]) w (key)
               WHERE l.channel = $1 AND l.key = w.key AND l.waiting <= 1 RETURNING l.key";
    let rows = session::rows(client, sql, &[&channel, &keys]).await?;
    if rows.len() == keys.len() {
        return Ok(());
    }
    let ended: Result<BTreeSet<&str>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let ended = ended?;
    keys.retain(|key| !ended.contains(key.as_str()));
    let sql = format!(
        "UPDATE outbox_lines l SET waiting = l.waiting - 1, attempt_at = {NOW}, attempts = 0,
             failing_since = NULL, told = NULL
         FROM unnest($2::text[]) w (key) WHERE l.channel = $1 AND l.key = w.key"
    );
    session::rows(client, &sql, &[&channel, &keys]).await.map(drop)
}
