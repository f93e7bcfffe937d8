//! How attempts end.

use std::{collections::BTreeSet, time::Duration};

use deadpool_postgres::GenericClient;

use super::{NOW, dead, standing};
use crate::store::{
    deliveries::{Concluded, End, millis, shortened},
    postgres::{
        failure::Failure,
        session::{self, Value, signed},
    },
};

/// Settles the deliveries that are the last of their lines, nearly all there are, if their leases
/// are in force. Gives how many that were, and what else has ended.
async fn settle(
    client: &impl GenericClient,
    channel: &str,
    ended: Vec<Concluded>,
) -> Result<(u32, Vec<Concluded>), Failure> {
    let (mut settled, mut others): (Vec<Concluded>, Vec<Concluded>) =
        ended.into_iter().partition(|one| one.end == End::Settled);
    if settled.is_empty() {
        return Ok((0, others));
    }
    // Lines are held in the order of their keys.
    settled.sort_by(|one, other| one.key.cmp(&other.key));
    let sql = "DELETE FROM outbox_lines l
               USING unnest($2::text[], $3::bigint[], $4::bigint[]) w (key, token, position)
               WHERE l.channel = $1 AND l.key = w.key AND l.token = w.token AND l.waiting = 1
                   AND EXISTS (SELECT FROM outbox o
                       WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position)
               RETURNING w.key, w.position";
    let keys: Vec<&str> = settled.iter().map(|one| one.key.as_str()).collect();
    let tokens: Vec<i64> = settled.iter().map(|one| signed(one.token)).collect();
    let positions: Vec<i64> = settled.iter().map(|one| signed(one.position)).collect();
    let mut gone = BTreeSet::new();
    for row in session::rows(client, sql, &[&channel, &keys, &tokens, &positions]).await? {
        gone.insert((row.try_get::<_, String>(0)?, row.try_get::<_, i64>(1)?));
    }
    remove(client, channel, &gone).await?;
    settled.retain(|one| !gone.contains(&(one.key.clone(), signed(one.position))));
    others.extend(settled);
    Ok((u32::try_from(gone.len()).unwrap_or(u32::MAX), others))
}

/// Takes deliveries out of the outbox.
async fn remove<'a>(
    client: &impl GenericClient,
    channel: &str,
    gone: impl IntoIterator<Item = &'a (String, i64)>,
) -> Result<(), Failure> {
    let (keys, positions): (Vec<&str>, Vec<i64>) =
        gone.into_iter().map(|(key, position)| (key.as_str(), *position)).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM outbox o USING unnest($2::text[], $3::bigint[]) w (key, position)
               WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position";
    session::rows(client, sql, &[&channel, &keys, &positions]).await.map(drop)
}

/// Takes the lines of some attempts; gives which are still the teller's to end.
async fn held(
    client: &impl GenericClient,
    channel: &str,
    ended: &[Concluded],
) -> Result<Vec<bool>, Failure> {
    let sql = "SELECT w.place FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                   w (place, key, token, position)
               JOIN outbox_lines l ON l.channel = $1 AND l.key = w.key AND l.token = w.token
               WHERE EXISTS (SELECT FROM outbox o
                   WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position)
               ORDER BY w.key FOR UPDATE OF l";
    let places: Vec<i64> = (0..).take(ended.len()).collect();
    let keys: Vec<&str> = ended.iter().map(|one| one.key.as_str()).collect();
    let tokens: Vec<i64> = ended.iter().map(|one| signed(one.token)).collect();
    let positions: Vec<i64> = ended.iter().map(|one| signed(one.position)).collect();
    let values: [Value<'_>; 5] = [&channel, &places, &keys, &tokens, &positions];
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
    channel: &str,
    ended: Vec<Concluded>,
) -> Result<u32, Failure> {
    let (mut done, ended) = settle(client, channel, ended).await?;
    if ended.is_empty() {
        return Ok(done);
    }
    let own = held(client, channel, &ended).await?;
    let (mut gone, mut postponed, mut buried) = (Vec::new(), Postponed::default(), Vec::new());
    let (mut released, mut kept) = (Vec::new(), Vec::new());
    for one in ended.into_iter().zip(own).filter(|(_, own)| *own).map(|(one, _)| one) {
        done += 1;
        match one.end {
            End::Settled => gone.push((one.key, signed(one.position))),
            End::SettledAndKept => {
                kept.push(signed(one.position));
                gone.push((one.key, signed(one.position)));
            }
            End::Postponed { wait, told, counts } => postponed.add(one.key, wait, told, counts),
            End::Released => released.push(one.key),
            End::Buried { cause, told } => {
                buried.push((one.key.clone(), one.position, cause, shortened(told)));
                gone.push((one.key, signed(one.position)));
            }
        }
    }
    dead::bury(client, channel, buried).await?;
    standing::keep(client, channel, kept).await?;
    advance(client, channel, gone).await?;
    postponed.write(client, channel).await?;
    if !released.is_empty() {
        let sql = format!(
            "UPDATE outbox_lines SET attempt_at = {NOW}, attempts = attempts - 1
             WHERE channel = $1 AND key = ANY ($2::text[])"
        );
        session::rows(client, &sql, &[&channel, &released]).await?;
    }
    Ok(done)
}

/// Lines that are put off, as columns.
#[derive(Default)]
struct Postponed {
    keys: Vec<String>,
    waits: Vec<i64>,
    told: Vec<String>,
    uncounted: Vec<i64>,
}

impl Postponed {
    fn add(&mut self, key: String, wait: Duration, told: String, counts: bool) {
        self.keys.push(key);
        self.waits.push(millis(wait));
        self.told.push(shortened(told));
        self.uncounted.push(i64::from(!counts));
    }

    async fn write(self, client: &impl GenericClient, channel: &str) -> Result<(), Failure> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE outbox_lines l SET attempt_at = {NOW} + w.wait, told = w.told,
                 attempts = l.attempts - w.uncounted,
                 failing_since = CASE w.uncounted WHEN 1 THEN l.failing_since
                     ELSE coalesce(l.failing_since, {NOW}) END
             FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[])
                 w (key, wait, told, uncounted)
             WHERE l.channel = $1 AND l.key = w.key"
        );
        let values: [Value<'_>; 5] =
            [&channel, &self.keys, &self.waits, &self.told, &self.uncounted];
        session::rows(client, &sql, &values).await.map(drop)
    }
}

/// The first deliveries of some lines, which are held, are no more; what follows them is due.
async fn advance(
    client: &impl GenericClient,
    channel: &str,
    gone: Vec<(String, i64)>,
) -> Result<(), Failure> {
    if gone.is_empty() {
        return Ok(());
    }
    remove(client, channel, &gone).await?;
    let keys: Vec<String> = gone.into_iter().map(|(key, _)| key).collect();
    let sql = "DELETE FROM outbox_lines
               WHERE channel = $1 AND key = ANY ($2::text[]) AND waiting <= 1";
    session::rows(client, sql, &[&channel, &keys]).await?;
    let sql = format!(
        "UPDATE outbox_lines SET waiting = waiting - 1, attempt_at = {NOW}, attempts = 0,
             failing_since = NULL, told = NULL
         WHERE channel = $1 AND key = ANY ($2::text[])"
    );
    session::rows(client, &sql, &[&channel, &keys]).await.map(drop)
}
