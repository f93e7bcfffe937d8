//! What is announced, under the leases of its channel.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;

use super::{NOW, small, standing};
use crate::store::{
    StoreError,
    at_rest::Place,
    deliveries::{
        Delivery, Running, Wanted, from_to,
        leases::{DueLine, Leases},
    },
    postgres::{
        at_rest,
        failure::Failure,
        session::{self, Value, signed, unsigned},
    },
};

/// The leases of a channel, whose row is held until the transaction ends.
pub(super) struct Held {
    pub(super) leases: Leases,
    kept: Vec<u8>,
    /// The server's time when they were had.
    now: i64,
}

impl Held {
    /// Holds them, waiting for whoever does.
    pub(super) async fn of(client: &impl GenericClient, channel: &str) -> Result<Self, Failure> {
        let sql = format!("SELECT leases, {NOW} FROM outbox_leases WHERE channel = $1 FOR UPDATE");
        let mut row = session::row(client, &sql, &[&channel]).await?;
        if row.is_none() {
            let none = "INSERT INTO outbox_leases (channel, leases) VALUES ($1, '')
                        ON CONFLICT (channel) DO NOTHING";
            session::rows(client, none, &[&channel]).await?;
            row = session::row(client, &sql, &[&channel]).await?;
        }
        let Some(row) = row else {
            return Err(StoreError::fault("a channel has no row of leases").into());
        };
        let (kept, now): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Self { leases: Leases::read(&kept)?, kept, now })
    }

    /// Keeps them, where they have changed.
    pub(super) async fn keep(
        self,
        client: &impl GenericClient,
        channel: &str,
    ) -> Result<(), Failure> {
        let leases = self.leases.bytes();
        if leases == self.kept {
            return Ok(());
        }
        let sql = "UPDATE outbox_leases SET leases = $2 WHERE channel = $1";
        session::rows(client, sql, &[&channel, &leases]).await.map(drop)
    }

    /// Leases lines that are due; gives the first delivery of each.
    pub(super) async fn announce(
        &mut self,
        client: &impl GenericClient,
        (channel, decided): (&str, Option<(Running, Option<i64>)>),
        Wanted { most, lease }: Wanted,
    ) -> Result<Vec<Delivery>, Failure> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let up_to = match decided {
            Some((Running::Paused, _)) => return Ok(Vec::new()),
            Some((Running::Draining, up_to)) => up_to,
            _ => None,
        };
        // Those that are leased are at the front too.
        let read = i64::from(most) + i64::try_from(self.leases.count(self.now)).unwrap_or(0);
        let due = due(client, (channel, up_to), (self.now, read)).await?;
        let (token, lines) = self.leases.take(due, most, (self.now, lease));
        let lost: Vec<&str> =
            lines.iter().filter(|line| line.lost).map(|line| line.key.as_str()).collect();
        if !lost.is_empty() {
            let sql = "UPDATE outbox_lines SET attempts = attempts + 1
                       WHERE channel = $1 AND key = ANY ($2::text[])";
            session::rows(client, sql, &[&channel, &lost]).await?;
        }
        firsts(client, channel, (token, lines)).await
    }
}

/// Lines that are due, in their order, up to a number.
async fn due(
    client: &impl GenericClient,
    (channel, up_to): (&str, Option<i64>),
    (now, most): (i64, i64),
) -> Result<Vec<DueLine>, Failure> {
    let filter = if up_to.is_none() { "$3::bigint IS NULL" } else { standing::BEFORE };
    let sql = format!(
        "SELECT key, attempts, failing_since FROM outbox_lines l
         WHERE channel = $1 AND attempt_at <= $2 AND {filter} ORDER BY attempt_at LIMIT $4"
    );
    let values: [Value<'_>; 4] = [&channel, &now, &up_to, &most];
    let mut all = Vec::new();
    for row in session::rows(client, &sql, &values).await? {
        let failing: Option<i64> = row.try_get(2)?;
        let failing = failing.map(|since| from_to(since, now));
        let attempts = small(row.try_get(1)?);
        all.push(DueLine { key: row.try_get(0)?, attempts, failing, lost: false });
    }
    Ok(all)
}

/// The first deliveries of some lines. Each table is asked once for all of them, and by its own
/// index, whatever the planner thinks of sizes.
async fn firsts(
    client: &impl GenericClient,
    channel: &str,
    (token, lines): (u64, Vec<DueLine>),
) -> Result<Vec<Delivery>, Failure> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT w.place, o.position, o.personal, o.body
               FROM unnest($2::bigint[], $3::text[]) w (place, key)
               CROSS JOIN LATERAL (SELECT position, personal, body FROM outbox
                   WHERE channel = $1 AND key = w.key ORDER BY position LIMIT 1) o";
    let places: Vec<i64> = (0..).take(lines.len()).collect();
    let keys: Vec<&str> = lines.iter().map(|line| line.key.as_str()).collect();
    let found = session::rows(client, sql, &[&channel, &places, &keys]).await?;
    let mut lines: Vec<Option<DueLine>> = lines.into_iter().map(Some).collect();
    let (mut all, mut personal) = (BTreeMap::new(), Vec::new());
    for row in found {
        let place = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        let Some(line) = lines.get_mut(place).and_then(Option::take) else { continue };
        let DueLine { key, attempts, failing, .. } = line;
        let position: i64 = row.try_get(1)?;
        if row.try_get::<_, i64>(2)? == 1 {
            personal.push(position);
        }
        let (text, public, personal, from) = (Vec::new(), Vec::new(), None, None);
        let position = unsigned(position);
        let body = at_rest::edited(&row, position, 3)?;
        let one = Delivery {
            key,
            position,
            token,
            attempts,
            failing,
            from,
            text,
            public,
            personal,
            body,
        };
        all.insert(position, one);
    }
    with_texts(client, all, personal).await
}

/// Deliveries, by their positions, with what is sent of their records: of some the personal members
/// too.
async fn with_texts(
    client: &impl GenericClient,
    mut all: BTreeMap<u64, Delivery>,
    personal: Vec<i64>,
) -> Result<Vec<Delivery>, Failure> {
    let positions: Vec<i64> = all.keys().map(|position| signed(*position)).collect();
    let sql = "SELECT position, message, text, public FROM entries
               WHERE position = ANY ($1::bigint[])";
    let mut messages: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for row in session::rows(client, sql, &[&positions]).await? {
        let position = unsigned(row.try_get(0)?);
        let Some(one) = all.get_mut(&position) else { continue };
        (one.text, one.public) = (row.try_get(2)?, row.try_get(3)?);
        if let Some(message) = row.try_get(1)? {
            messages.entry(message).or_default().push(position);
        }
    }
    let sql = "SELECT message, channel FROM messages WHERE message = ANY ($1::bigint[])";
    let asked: Vec<i64> = messages.keys().copied().collect();
    for row in session::rows(client, sql, &[&asked]).await? {
        let from: String = row.try_get(1)?;
        for position in messages.remove(&row.try_get(0)?).unwrap_or_default() {
            if let Some(one) = all.get_mut(&position) {
                one.from = Some(from.clone());
            }
        }
    }
    if !personal.is_empty() {
        let sql = "SELECT position, text, key_id, wrapped_key FROM personal
                   WHERE position = ANY ($1::bigint[])";
        for row in session::rows(client, sql, &[&personal]).await? {
            let position = unsigned(row.try_get(0)?);
            if let Some(one) = all.get_mut(&position) {
                one.personal = at_rest::text(&row, Place::Personal(position), (1, 2))?;
            }
        }
    }
    Ok(all.into_values().collect())
}
