//! What is related to a dossier, as it is found among what channels brought.

use std::collections::BTreeSet;

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::refused;
use crate::{
    registry::Identity,
    store::{
        erasures::{
            Erasable, channels_of,
            related::{BY_PORTAL, CHANNELS, IN_ENTRIES, Search, Stored},
        },
        postgres::{
            failure::Failure,
            session::{self, Value, signed, unsigned},
        },
    },
};

/// The names of a dossier, and the national codes that it bears.
const NAMES: &str = "
    SELECT m.source, m.source_code, m.code
    FROM members k JOIN members m ON m.dossier = k.dossier
    WHERE k.source_code = $1 AND k.source = $2";

/// An agency's own channels.
const OWN: &str = "SELECT DISTINCT channel FROM messages WHERE channel >= $1 AND channel < $2";

/// What a channel has brought of it.
const TOLD: &str = "
    SELECT e.position, e.text, e.public, e.message, p.position IS NOT NULL
    FROM messages m
    JOIN entries e ON e.position BETWEEN m.first_position AND m.last_position
        AND e.message = m.message
    LEFT JOIN personal p ON p.position = e.position
    WHERE m.channel = $1
        AND (position($2::bytea IN e.text) > 0 OR position($3::bytea IN e.text) > 0
             OR position($4::bytea IN e.text) > 0 OR position($5::bytea IN e.text) > 0
             OR position($6::bytea IN e.text) > 0)
    ORDER BY e.position";

/// All tellings that a channel has brought.
async fn told(client: &impl GenericClient, channel: &str) -> Result<Vec<Stored>, Failure> {
    let [a, b, c, d, e] = &IN_ENTRIES;
    let values: [Value<'_>; 6] = [&channel, a, b, c, d, e];
    let read = |row: Row| {
        Ok(Stored {
            position: unsigned(row.try_get(0)?),
            text: row.try_get(1)?,
            public: row.try_get(2)?,
            message: unsigned(row.try_get(3)?),
            channel: channel.to_owned(),
            is_there: row.try_get(4)?,
        })
    };
    session::rows(client, TOLD, &values).await?.into_iter().map(read).collect()
}

/// The names of a dossier in a search for what is related to it, and the channels that may have
/// brought that.
async fn search(
    client: &impl GenericClient,
    key: &str,
) -> Result<(Search, BTreeSet<String>), Failure> {
    let Identity { source, source_code } = Identity::of_key(key);
    let (mut search, mut channels) =
        (Search::default(), BTreeSet::from(BY_PORTAL.map(str::to_owned)));
    for row in session::rows(client, NAMES, &[&source_code, &source]).await? {
        let name = Identity { source: row.try_get(0)?, source_code: row.try_get(1)? };
        let (from, to) = channels_of(&name);
        for row in session::rows(client, OWN, &[&from, &to]).await? {
            channels.insert(row.try_get(0)?);
        }
        search.name(&name, row.try_get(2)?);
    }
    for row in session::rows(client, CHANNELS, &[]).await? {
        channels.insert(row.try_get(0)?);
    }
    Ok((search, channels))
}

/// Adds what is related to a dossier to what is erased; gives the messages that brought it.
pub(super) async fn add(
    client: &impl GenericClient,
    key: &str,
    found: &mut Erasable,
) -> Result<BTreeSet<i64>, Failure> {
    let (mut search, channels) = search(client, key).await?;
    for channel in &channels {
        for one in told(client, channel).await? {
            search.look(&one)?;
        }
    }
    let again = if search.is_any() { channels } else { BTreeSet::new() };
    for channel in &again {
        for one in told(client, channel).await? {
            search.take(one, found)?;
        }
    }
    let first = found.names.len();
    let (brought, refusable) = search.close(found);
    let mut brought: BTreeSet<i64> = brought.into_iter().map(signed).collect();
    for name in refusable {
        refused(client, &name, &mut brought).await?;
    }
    let names: Vec<&String> = found.names.iter().skip(first).collect();
    let sql = "SELECT name, position FROM erased WHERE name = ANY ($1::text[])";
    for row in session::rows(client, sql, &[&names]).await? {
        found.before.insert(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    Ok(brought)
}
