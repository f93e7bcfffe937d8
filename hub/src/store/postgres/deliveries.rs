//! Deliveries: the outbox. The server's clock says what is due.
//!
//! A line is held by whoever changes it: a batch that adds to it, and who concludes its first
//! delivery. So none is taken for empty while something is added. Lines are held in the order of
//! their keys. Who announces or concludes holds the channel's leases first, which no batch does.

mod announce;
mod conclude;
mod dead;
mod standing;

use std::{collections::BTreeMap, sync::Arc};

use deadpool_postgres::GenericClient;
use futures_util::future::try_join;
use tokio_postgres::Row;

use super::{
    PostgresStore, at_rest,
    failure::Failure,
    session::{self, Rows, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    at_rest::Place,
    deliveries::{
        Concluded, Course, DeadId, DeadLetter, DeadQuery, Decision, Deliveries, Delivery, Due,
        LinePlace, Outgoing, Waiting, Wanted,
    },
};

/// The server's time, in milliseconds since 1970.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

const OUTBOX: &str = "INSERT INTO outbox (channel, key, position, personal)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])";

const LINES: &str = "INSERT INTO outbox_lines AS l
        (channel, key, waiting, attempt_at, attempts)
    SELECT channel, key, waiting, (extract(epoch from clock_timestamp()) * 1000)::bigint, 0
    FROM unnest($1::text[], $2::text[], $3::bigint[]) w (channel, key, waiting)
    ON CONFLICT (channel, key) DO UPDATE SET waiting = l.waiting + excluded.waiting";

/// What a batch makes, as rows.
pub(super) fn added(outgoing: &[Outgoing]) -> [Rows<'_>; 2] {
    let outbox = Rows::new(OUTBOX, outgoing.len())
        .with(outgoing.iter().map(|one| &*one.channel).collect())
        .with(outgoing.iter().map(|one| one.key.as_str()).collect())
        .with(outgoing.iter().map(|one| signed(one.position)).collect())
        .with(outgoing.iter().map(|one| i64::from(one.personal)).collect());
    let mut lines: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for one in outgoing {
        *lines.entry((&one.channel, &one.key)).or_default() += 1;
    }
    let (names, waiting): (Vec<_>, Vec<i64>) = lines.into_iter().unzip();
    let (channels, keys): (Vec<&str>, Vec<&str>) = names.into_iter().unzip();
    [outbox, Rows::new(LINES, keys.len()).with(channels).with(keys).with(waiting)]
}

/// Whether nothing may be delivered from here, because the store takes part in a move.
async fn moving(client: &impl GenericClient) -> Result<bool, Failure> {
    let sql = "SELECT leaving IS NOT NULL OR arriving IS NOT NULL FROM head";
    let row = session::row(client, sql, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(true))
}

/// A small number as it is stored.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is read of a delivery beside its line; `o` has its record's position and what goes with it.
const DELIVERY: &str = "o.position, e.text, e.public,
    p.text, o.body, (SELECT channel FROM messages m WHERE m.message = e.message),
    p.key_id, p.wrapped_key";

/// The personal text of a delivery that is to have one.
const PERSONAL: &str = "LEFT JOIN personal p ON o.personal = 1 AND p.position = o.position";

fn delivery(row: &Row) -> Result<Delivery, Failure> {
    let position = unsigned(row.try_get(0)?);
    Ok(Delivery {
        key: String::new(),
        position,
        token: 0,
        attempts: 0,
        failing: None,
        text: row.try_get(1)?,
        public: row.try_get(2)?,
        personal: at_rest::text(row, Place::Personal(position), (3, 6))?,
        body: at_rest::edited(row, position, 4)?,
        from: row.try_get(5)?,
    })
}

/// Runs work as one transaction of small steps.
macro_rules! in_one {
    ($store:expr, |$transaction:ident| $work:expr) => {
        Box::pin(async move {
            let work = async {
                let mut client = $store.sessions.writer().await?;
                let $transaction = session::begin(&mut client).await?;
                let done = soon($work).await?;
                session::commit($transaction).await?;
                Ok::<_, Failure>(done)
            };
            work.await.map_err(StoreError::from)
        })
    };
}

impl Deliveries for PostgresStore {
    fn due(&self, channels: Vec<Arc<str>>) -> Answer<'_, Result<Vec<Due>, StoreError>> {
        Box::pin(soon(async move {
            Ok(standing::due(&self.sessions.reader().await?, &channels).await?)
        }))
    }

    fn conclude_and_announce(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
        wanted: Wanted,
    ) -> Answer<'_, Result<(u32, Vec<Delivery>), StoreError>> {
        in_one!(self, |transaction| async {
            let at_work = standing::at_work(&transaction, &channel);
            let held = announce::Held::of(&transaction, &channel);
            let (Some(decided), mut held) = try_join(at_work, held).await? else {
                return Ok((0, Vec::new()));
            };
            let leases = &mut held.leases;
            let concluded = conclude::all(&transaction, (&channel, leases), ended).await?;
            let announced = held.announce(&transaction, (&channel, decided), wanted).await?;
            held.keep(&transaction, &channel).await?;
            Ok::<_, Failure>((concluded, announced))
        })
    }

    fn decide(&self, channel: String, decision: Decision) -> Answer<'_, Result<bool, StoreError>> {
        in_one!(self, |transaction| standing::decide(&transaction, &channel, &decision))
    }

    fn courses(&self, of: Vec<LinePlace>) -> Answer<'_, Result<Vec<Course>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(standing::courses(&client, &of).await?)
        }))
    }

    fn waiting(&self) -> Answer<'_, Result<Vec<Waiting>, StoreError>> {
        Box::pin(soon(async { Ok(standing::waiting(&self.sessions.reader().await?).await?) }))
    }

    fn dead(&self, query: DeadQuery) -> Answer<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(soon(
            async move { Ok(dead::letters(&self.sessions.reader().await?, query).await?) },
        ))
    }

    fn dead_letter(
        &self,
        id: DeadId,
    ) -> Answer<'_, Result<Option<(DeadLetter, Delivery)>, StoreError>> {
        Box::pin(soon(async move { Ok(dead::one(&self.sessions.reader().await?, &id).await?) }))
    }

    fn replay(
        &self,
        ids: Vec<DeadId>,
        body: Option<Vec<u8>>,
        reason: String,
    ) -> Answer<'_, Result<u64, StoreError>> {
        in_one!(self, |transaction| dead::replay(&transaction, ids, body.as_deref(), &reason))
    }

    fn discard(&self, id: DeadId, reason: String) -> Answer<'_, Result<bool, StoreError>> {
        in_one!(self, |transaction| dead::discard(&transaction, &id, &reason))
    }
}
