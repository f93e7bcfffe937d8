//! What readers ask for.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    at_rest,
    failure::Failure,
    known, said,
    session::{self, hash_or_none, signed, unsigned},
};
use crate::{
    journal::merkle::Digest,
    registry::{Identity, Observation},
    store::{DossierRow, EntryRow, Head, PersonalText, Rules, at_rest::Place},
};

pub(super) async fn head(client: &impl GenericClient) -> Result<Head, Failure> {
    let tip = known::tip(client).await?;
    Ok(Head { log: tip.log, tree: tip.frontier.head(), recorded_at: tip.recorded_at })
}

/// The rules in force before a position, or now; the default ones where none were told yet.
pub(super) async fn rules(
    client: &impl GenericClient,
    before: Option<u64>,
) -> Result<Rules, Failure> {
    let sql = "SELECT hash FROM rules WHERE position < $1 ORDER BY position DESC LIMIT 1";
    let row = session::row(client, sql, &[&before.map_or(i64::MAX, signed)]).await?;
    match row.map(|row| hash_or_none(&row, 0)).transpose()?.flatten() {
        Some(hash) => known::rules(client, Digest::from_bytes(hash)).await,
        None => Ok(Rules::default()),
    }
}

pub(super) async fn personal(
    client: &impl GenericClient,
    positions: &[u64],
) -> Result<Vec<PersonalText>, Failure> {
    let positions: Vec<i64> = positions.iter().copied().map(signed).collect();
    let sql = "SELECT p.position, p.text, p.key_id, p.wrapped_key
               FROM unnest($1::bigint[]) WITH ORDINALITY w (position, at)
               JOIN personal p ON p.position = w.position ORDER BY w.at";
    let found = session::rows(client, sql, &[&positions]).await?;
    let opened = |row: &Row| {
        let position = unsigned(row.try_get(0)?);
        let text = at_rest::text(row, Place::Personal(position), (1, 2))?;
        Ok((position, text.unwrap_or_default()))
    };
    found.iter().map(opened).collect()
}

pub(super) async fn entries(
    client: &impl GenericClient,
    from: u64,
    limit: u32,
) -> Result<Vec<EntryRow>, Failure> {
    let sql = "SELECT e.position, m.channel, m.id, e.text, e.public
               FROM entries e LEFT JOIN messages m ON m.message = e.message
               WHERE e.position >= $1 ORDER BY e.position LIMIT $2";
    let found = session::rows(client, sql, &[&signed(from), &i64::from(limit)]).await?;
    let entry = |row: &Row| {
        Ok(EntryRow {
            position: unsigned(row.try_get(0)?),
            channel: row.try_get(1)?,
            message: row.try_get(2)?,
            text: row.try_get(3)?,
            public: row.try_get(4)?,
        })
    };
    found.iter().map(entry).collect()
}

pub(super) fn dossier_row(row: &Row) -> Result<DossierRow, Failure> {
    let key = Identity { source: row.try_get(0)?, source_code: row.try_get(1)? }.key();
    Ok(DossierRow { key, position: unsigned(row.try_get(2)?), public: row.try_get(3)? })
}

pub(super) async fn dossiers(
    client: &impl GenericClient,
    from: u64,
    after_key: &str,
    limit: u32,
) -> Result<Vec<DossierRow>, Failure> {
    // Only the latest change of a dossier is a row; those of one position go by key.
    let sql = "SELECT k.source, k.source_code, d.position, d.public
               FROM changes c JOIN dossiers d ON d.dossier = c.dossier AND d.position = c.position
               JOIN members k ON k.member = d.dossier
               WHERE c.position >= $1
                 AND (c.position > $1 OR k.source || '/' || k.source_code > $2)
               ORDER BY c.position, k.source || '/' || k.source_code LIMIT $3";
    let values: [session::Value<'_>; 3] = [&signed(from), &after_key, &i64::from(limit)];
    session::rows(client, sql, &values).await?.iter().map(dossier_row).collect()
}

pub(super) async fn observations(
    client: &impl GenericClient,
    key: &str,
    before: Option<u64>,
) -> Result<Vec<Observation>, Failure> {
    // A source has no slash in its name: the first one ends it.
    let (source, source_code) = key.split_once('/').unwrap_or((key, ""));
    let sql = "SELECT m.member FROM members k JOIN members m ON m.dossier = k.member
               WHERE k.source_code = $1 AND k.source = $2";
    let found = session::rows(client, sql, &[&source_code, &source]).await?;
    let members = found.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let said = said::whole(client, &members, before).await?;
    let mut all: Vec<Observation> = said.into_values().flatten().collect();
    all.sort_by_key(|one| one.position);
    Ok(all)
}
