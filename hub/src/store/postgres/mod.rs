//! The store of several processes: PostgreSQL, version 15 or later.
//!
//! Nothing that an answer depends on is kept in memory: every transaction reads what it builds
//! upon, then holds the row of the journal's end, and asks whether it is still so.

/// Runs work as one transaction of a writer.
macro_rules! alone {
    ($store:expr, |$transaction:ident| $work:expr) => {
        Box::pin(async move {
            let work = async {
                let mut client = $store.sessions.writer().await?;
                let $transaction = client.transaction().await?;
                let done = $work;
                $transaction.commit().await.map_err(failure::of_commit)?;
                Ok::<_, Failure>(done)
            };
            work.await.map_err(StoreError::from)
        })
    };
}

mod accesses;
mod at_rest;
mod attachments;
mod catalogue;
mod deliveries;
mod erasures;
mod failure;
mod findings;
mod found;
mod freezes;
mod holds;
mod keys;
mod known;
mod lease;
mod listing;
mod looks;
mod message;
mod names;
mod open;
mod pollers;
mod portable;
mod profiles;
mod pruning;
mod published;
mod read;
mod rebuild;
mod records;
mod rolling;
mod said;
mod scan;
mod schema;
mod session;
mod snapshot;
mod statistics;
mod strides;
mod submit;
mod subscriptions;
#[cfg(test)]
mod tests;
mod texts;
mod timeliness;
mod told;
mod turns;
mod verify;
mod visits;
mod watches;
mod write;

use std::sync::Arc;

use contracts::Later;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

pub(crate) use self::session::connect;
use self::session::{Sessions, soon};
use super::{
    Answer, ApiKey, Basis, CellQuery, Cells, DossierRow, EntryRow, Found, Head, MessageRow,
    PersonalText, Reply, Rules, Store, StoreError, Submission, Tally, Verdict,
    batch::Delta,
    schema::{Migration, Outlook},
};
use crate::{
    journal::commitment::{DedupHash, DedupKey, dedup_hash, derived},
    registry::Observation,
};

/// Batches under way at once: while one is written, another is read.
const LANES: usize = 2;

/// The store on PostgreSQL.
pub struct PostgresStore {
    sessions: Sessions,
    key: DedupKey,
    rules: known::RulesSeen,
    places: write::PlacesSeen,
    names: names::NamesSeen,
    appended: Arc<rolling::Appended>,
    looks: looks::Looks,
}

impl PostgresStore {
    /// Connects, and checks the server, the schema and the journal's end.
    ///
    /// # Errors
    /// When the server cannot be reached, is too old, may lose what it confirms, is a standby, or
    /// has another time; when the schema is another than the program's; when the journal's last
    /// entries are not what its head says; when the store takes part in a move.
    pub async fn open(address: &Config) -> Result<Self, StoreError> {
        Self::opened(address, false).await
    }

    /// The same for a store that may take part in a move: for `lienthong move` alone.
    ///
    /// # Errors
    /// Those of [`Self::open`], but for that.
    pub async fn open_to_move(address: &Config) -> Result<Self, StoreError> {
        Self::opened(address, true).await
    }

    /// How far the schema of a database is.
    ///
    /// # Errors
    /// When it cannot be read, or was made by another program.
    pub async fn outlook(address: &Config) -> Result<Outlook, StoreError> {
        Ok(schema::outlook(address).await?)
    }

    /// Applies the next migration to a database, if there is one.
    ///
    /// # Errors
    /// Those of [`Self::outlook`]; when somebody holds a table that it changes, or the store takes
    /// part in a move.
    pub async fn migrate_next(
        address: &Config,
    ) -> Result<Option<(usize, &'static Migration)>, StoreError> {
        Ok(schema::next(address).await?)
    }

    async fn opened(address: &Config, to_move: bool) -> Result<Self, StoreError> {
        let sessions = Sessions::new(address)?;
        let mut client = sessions.writer().await?;
        soon(open::server(&client)).await?;
        let transaction = client.transaction().await.map_err(failure::Failure::from)?;
        let key = open::schema(&transaction).await?;
        transaction.commit().await.map_err(failure::of_commit)?;
        // Another process may be writing: the head and the last entries are of one moment.
        let now = session::at_one_moment(&mut client).await?;
        let marks = portable::Marks::read(&now).await?;
        if !to_move {
            marks.open_for_all()?;
        }
        // One that is being filled has entries beyond what its head says.
        if !marks.is_arriving() {
            open::journal(&now).await?;
        }
        drop(now);
        drop(client);
        let (rules, places, names, appended, looks) = Default::default();
        Ok(Self { sessions, key, rules, places, names, appended, looks })
    }
}

impl Store for PostgresStore {
    fn commit(
        &self,
        batch: Vec<Submission>,
    ) -> Answer<'_, Result<Vec<Result<Reply, Later>>, Later>> {
        Box::pin(async move {
            submit::batch(self, &batch).await.map_err(|error| {
                tracing::error!(error = %error, "a batch could not be written");
                error.later()
            })
        })
    }

    fn lanes(&self) -> usize {
        LANES
    }

    fn secret(&self, label: &str) -> [u8; 32] {
        derived(&self.key, label)
    }

    fn dedup(&self, bytes: &[u8]) -> DedupHash {
        dedup_hash(&self.key, bytes)
    }

    fn head(&self) -> Answer<'_, Result<Head, StoreError>> {
        Box::pin(soon(async { Ok(read::head(&self.sessions.reader().await?).await?) }))
    }

    fn entries(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<EntryRow>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(read::entries(&client, from, limit).await?)
        }))
    }

    fn dossiers(
        &self,
        from: u64,
        after_key: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<DossierRow>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(read::dossiers(&client, from, &after_key, limit).await?)
        }))
    }

    fn find(&self, code: String, source: Option<String>) -> Answer<'_, Result<Found, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(found::found(&client, &self.rules, &code, source.as_deref()).await?)
        }))
    }

    fn holds<'a>(&'a self, basis: &'a Basis) -> Answer<'a, Option<u64>> {
        Box::pin(self.looks.holds(&self.sessions, basis))
    }

    fn observations(
        &self,
        key: String,
        before: Option<u64>,
    ) -> Answer<'_, Result<Vec<Observation>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(read::observations(&client, &key, before).await?)
        }))
    }

    fn personal(&self, positions: Vec<u64>) -> Answer<'_, Result<Vec<PersonalText>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(read::personal(&client, &positions).await?)
        }))
    }

    fn rules(&self, before: Option<u64>) -> Answer<'_, Result<Rules, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(read::rules(&client, before).await?)
        }))
    }

    fn adopt(&self, rules: Rules) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move { rebuild::adopt(self, &rules).await })
    }

    fn messages(
        &self,
        channel: Option<String>,
        id: String,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(message::by_id(&client, channel.as_deref(), &id).await?)
        }))
    }

    fn latest(
        &self,
        channel: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(message::latest(&client, channel.as_deref(), limit).await?)
        }))
    }

    fn refusals(&self, message: u64) -> Answer<'_, Result<Vec<contracts::Refusal>, StoreError>> {
        self.first_refusals(message, u32::MAX)
    }

    fn first_refusals(
        &self,
        message: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<contracts::Refusal>, StoreError>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(message::refusals(&client, message, limit).await?)
        }))
    }

    fn outcomes(&self) -> Answer<'_, Result<Vec<Tally>, StoreError>> {
        Box::pin(soon(async {
            Ok(message::channels::tallies(&self.sessions.reader().await?).await?)
        }))
    }

    fn statistics(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>> {
        Box::pin(soon(async move {
            let mut client = self.sessions.reader().await?;
            Ok(statistics::cells(&mut client, &query).await?)
        }))
    }

    fn deltas(&self, from: u64, to: u64) -> Answer<'_, Result<Vec<Delta>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(rolling::each(&client, from, to).await?)
        }))
    }

    fn add_key(&self, key: ApiKey) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(keys::add(&client, &key).await?)
        }))
    }

    fn rotate_key(
        &self,
        old: String,
        key: ApiKey,
        until: jiff::Timestamp,
    ) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(keys::rotate(&client, &old, &key, until).await?)
        }))
    }

    fn note_key_uses(
        &self,
        uses: Vec<(String, jiff::Timestamp)>,
    ) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(keys::note_uses(&client, &uses).await?)
        }))
    }

    fn revoke_key(&self, id: String, at: jiff::Timestamp) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(keys::revoke(&client, &id, at).await?)
        }))
    }

    fn keys(&self) -> Answer<'_, Result<Vec<ApiKey>, StoreError>> {
        Box::pin(soon(async { Ok(keys::all(&self.sessions.reader().await?).await?) }))
    }

    fn verify(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        Box::pin(async { Ok(verify::verify(&mut self.sessions.reader().await?).await?) })
    }

    fn audit(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        Box::pin(async { Ok(verify::audit(&mut self.sessions.reader().await?).await?) })
    }

    fn recount(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        Box::pin(async { Ok(verify::recount(&mut self.sessions.reader().await?).await?) })
    }

    fn rebuild(&self) -> Answer<'_, Result<u64, StoreError>> {
        Box::pin(rebuild::rebuild(self))
    }

    fn tend(&self, stop: CancellationToken) -> Answer<'static, ()> {
        let rolling =
            rolling::Rolling::new(self.sessions.clone(), self.names.clone(), self.appended.clone());
        Box::pin(lease::once(self.sessions.clone(), rolling, stop))
    }
}
