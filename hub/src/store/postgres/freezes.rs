//! Freezing reports, and reading what was frozen.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::{Failure, Tries},
    known,
    session::{self, Rows, soon, unsigned},
    write,
};
use crate::{
    registry::report::Frozen,
    store::{
        Answer, StoreError,
        freezes::{Freeze, Freezes, Freezing, FrozenReport},
    },
};

fn read(row: &Row) -> Result<Freeze, Failure> {
    Ok(Freeze::read(unsigned(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?)?)
}

async fn find(client: &impl GenericClient, of: &Frozen) -> Result<Option<Freeze>, Failure> {
    let sql = "SELECT position, text, public FROM entries
               WHERE kind = 'freeze' AND public > $1 AND public < $2
               ORDER BY position LIMIT 1";
    let (beginning, end) = (of.beginning(), of.end());
    let row = session::row(client, sql, &[&beginning.as_bytes(), &end.as_bytes()]).await?;
    row.as_ref().map(read).transpose()
}

async fn freeze(store: &PostgresStore, freezing: &Freezing) -> Result<(Freeze, bool), Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    // Where it stands already, nobody who appends is held.
    if let Some(stands) = soon(find(&transaction, &freezing.of)).await? {
        return Ok((stands, false));
    }
    let mut tip = soon(known::tip_held(&transaction)).await?;
    if let Some(stands) = soon(find(&transaction, &freezing.of)).await? {
        return Ok((stands, false));
    }
    let text = freezing.text();
    let entry = tip.freeze(jiff::Timestamp::now(), &text)?;
    let stands = Freeze { position: entry.position, recorded_at: entry.recorded_at, text };
    let sql = "INSERT INTO reference_contents (hash, content)
               SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (hash) DO NOTHING";
    let contents = Rows::new(sql, 1).with(vec![stands.text.figures.as_bytes().to_vec()]);
    let contents = contents.with(vec![freezing.report.clone()]).of_bytes(freezing.report.len());
    let only = [entry];
    let mut rows = write::entries(&only);
    rows.extend([contents, write::head(&tip)]);
    session::write_soon(&transaction, rows).await?;
    session::commit(transaction).await?;
    store.appended.to(tip.next());
    Ok((stands, true))
}

async fn frozen(client: &impl GenericClient, of: &Frozen) -> Result<Option<FrozenReport>, Failure> {
    let Some(freeze) = find(client, of).await? else { return Ok(None) };
    let report = known::content(client, freeze.text.figures).await?;
    let report = report.ok_or_else(|| freeze.lost())?;
    Ok(Some((freeze, report)))
}

async fn freezes(
    client: &impl GenericClient,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Freeze>, Failure> {
    let sql = "SELECT position, text, public FROM entries
               WHERE kind = 'freeze' AND position >= $1 ORDER BY position LIMIT $2";
    let from = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1));
    let rows = session::rows(client, sql, &[&from, &i64::from(limit)]).await?;
    rows.iter().map(read).collect()
}

impl Freezes for PostgresStore {
    fn freeze(&self, freezing: Freezing) -> Answer<'_, Result<(Freeze, bool), StoreError>> {
        Box::pin(async move {
            let mut tries = Tries::default();
            loop {
                match freeze(self, &freezing).await {
                    Err(failure) if tries.again(&failure).await => {}
                    ended => return ended.map_err(StoreError::from),
                }
            }
        })
    }

    fn frozen(&self, of: Frozen) -> Answer<'_, Result<Option<FrozenReport>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(frozen(&client, &of).await?)
        }))
    }

    fn freezes(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Freeze>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(freezes(&client, after, limit).await?)
        }))
    }
}
