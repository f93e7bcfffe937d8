//! Putting a catalogue in force, and reading the one that is.

use deadpool_postgres::GenericClient;

use super::{
    PostgresStore,
    failure::{Failure, Tries},
    known,
    session::{self, Rows, soon, unsigned},
    write,
};
use crate::{
    journal::merkle::Digest,
    store::{
        Answer, StoreError,
        catalogue::{Catalogues, Held, InForce},
        rules::{ReferenceName, ReferenceText},
    },
};

/// The position and hash of the catalogue in force before a position, or now.
async fn newest(
    client: &impl GenericClient,
    before: Option<u64>,
) -> Result<Option<(u64, Digest)>, Failure> {
    let sql = "SELECT position, public FROM entries WHERE kind = 'reference' AND position < $1
               ORDER BY position DESC";
    let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    for row in session::rows(client, sql, &[&before]).await? {
        let text = ReferenceText::read(row.try_get(1)?)?;
        if text.name == ReferenceName::Catalogue {
            return Ok(Some((unsigned(row.try_get(0)?), text.content)));
        }
    }
    Ok(None)
}

/// The position of the first catalogue at a position or after it.
async fn next(client: &impl GenericClient, from: u64) -> Result<Option<u64>, Failure> {
    let sql = "SELECT position, public FROM entries WHERE kind = 'reference' AND position >= $1
               ORDER BY position";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    for row in session::rows(client, sql, &[&from]).await? {
        let text = ReferenceText::read(row.try_get(1)?)?;
        if text.name == ReferenceName::Catalogue {
            return Ok(Some(unsigned(row.try_get(0)?)));
        }
    }
    Ok(None)
}

async fn publish(store: &PostgresStore, content: &[u8]) -> Result<bool, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let hash = Digest::of(content);
    let in_force = async |held: &_| -> Result<bool, Failure> {
        Ok(newest(held, None).await?.is_some_and(|(_, other)| other == hash))
    };
    // Usually it is: then nobody who appends is held.
    if soon(in_force(&transaction)).await? {
        return Ok(false);
    }
    let mut tip = soon(known::tip_held(&transaction)).await?;
    if soon(in_force(&transaction)).await? {
        return Ok(false);
    }
    let entry = tip.refer(jiff::Timestamp::now(), ReferenceName::Catalogue, hash)?;
    let sql = "INSERT INTO reference_contents (hash, content)
               SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (hash) DO NOTHING";
    let contents = Rows::new(sql, 1).with(vec![hash.as_bytes().to_vec()]);
    let contents = contents.with(vec![content.to_vec()]).of_bytes(content.len());
    let only = [entry];
    let mut rows = write::entries(&only);
    rows.extend([contents, write::head(&tip)]);
    session::write_soon(&transaction, rows).await?;
    session::commit(transaction).await?;
    store.appended.to(tip.next());
    Ok(true)
}

async fn catalogue(
    client: &impl GenericClient,
    before: Option<u64>,
    known: Option<(u64, Digest)>,
) -> Result<Held, Failure> {
    let newest = newest(client, before).await?;
    let Some((position, hash)) = newest else { return Ok(Held::Nothing) };
    if newest == known {
        return Ok(Held::Known);
    }
    let lost = || StoreError::fault(format!("the catalogue {hash} is lost"));
    let content = known::content(client, hash).await?.ok_or_else(lost)?;
    let log_id = known::tip(client).await?.log.id;
    Ok(Held::Other(InForce { log_id, position, hash, content }))
}

impl Catalogues for PostgresStore {
    fn publish(&self, content: Vec<u8>) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut tries = Tries::default();
            loop {
                match publish(self, &content).await {
                    Err(failure) if tries.again(&failure).await => {}
                    ended => return ended.map_err(StoreError::from),
                }
            }
        })
    }

    fn catalogue(
        &self,
        before: Option<u64>,
        known: Option<(u64, Digest)>,
    ) -> Answer<'_, Result<Held, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(catalogue(&client, before, known).await?)
        }))
    }

    fn next_catalogue(&self, from: u64) -> Answer<'_, Result<Option<u64>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(next(&client, from).await?)
        }))
    }
}
