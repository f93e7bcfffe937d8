//! What one message goes through: receive, translate, commit.
//!
//! It runs in a task of its own from the first byte to the receipt, so a sender that hangs up
//! stops nothing half-way.

pub(crate) mod again;
mod chunks;
mod commit;
pub mod route;
pub(crate) mod translate;

use std::sync::Arc;

use adapters::{Arrival, Inbox};
use contracts::{Contracts, Later, Outcome, Problem, Receipt, problem};
use futures_util::future::BoxFuture;
use mappings::Gazetteer;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::{
    catalog::{Catalog, Channel, speaks_for},
    catalogue::Held,
    container,
    exchange::Exchange,
    holding::Holding,
    journal::{
        commitment::{DedupHash, NoRandomness, Salt, commit},
        merkle::Digest,
    },
    lasting::Lasting,
    operations::agency_of,
    store::{ContractHashes, Item, Payload, Store, Submission},
    watching::Repeats,
};

use chunks::Sender;
use commit::Committer;
use route::Routes;

/// Records written by one commit of one message; a larger message takes several.
pub const CHUNK_RECORDS_MAX: usize = 512;

/// A payload up to this size is translated where it arrived; a larger one on a thread of its own.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Archives and workbooks translated at once.
const CONTAINERS_MAX: usize = 2;

/// Chunks translated ahead of the store.
const CHUNKS_AHEAD: usize = 2;

/// The journey of messages.
#[derive(Clone)]
pub struct Journey {
    catalog: Arc<Catalog>,
    contracts: Arc<Contracts>,
    gazetteer: Arc<Gazetteer>,
    store: Arc<dyn Store>,
    committer: Committer,
    hashes: Arc<ContractHashes>,
    /// Room for archives and workbooks: each may cost much beside its own size.
    containers: Arc<Semaphore>,
    routes: Arc<Routes>,
    exchange: Arc<Exchange>,
    under_way: TaskTracker,
    repeats: Repeats,
    holding: Option<Holding>,
}

/// The hash of each contract's text.
pub(crate) fn hashes(contracts: &Contracts) -> ContractHashes {
    contracts.iter().map(|one| (one.id().clone(), Digest::of(one.text().as_bytes()))).collect()
}

impl Journey {
    /// Starts the task that commits; it ends when the last copy of the journey is dropped.
    /// `appended` is told when something was written, by work that `lasting` keeps; what `routes`
    /// lead to is woken. Applications are held to what is `published`.
    pub fn start(
        catalog: Arc<Catalog>,
        contracts: Arc<Contracts>,
        gazetteer: Arc<Gazetteer>,
        store: Arc<dyn Store>,
        (routes, appended, lasting): (Arc<Routes>, Arc<Notify>, &Lasting),
        published: Held,
    ) -> Self {
        let committer = Committer::start(store.clone(), appended, lasting);
        let hashes = Arc::new(hashes(&contracts));
        let containers = Arc::new(Semaphore::new(CONTAINERS_MAX));
        let under_way = TaskTracker::new();
        let exchange = Arc::new(Exchange::new(catalog.clone(), store.clone(), published));
        Self {
            catalog,
            contracts,
            gazetteer,
            store,
            committer,
            hashes,
            containers,
            routes,
            exchange,
            under_way,
            repeats: Repeats::default(),
            holding: None,
        }
    }

    /// The same journey by other channels and routes: it shares what commits, what is under way and
    /// the room for containers with this one, which goes on with the messages that it has.
    #[must_use]
    pub fn by(&self, catalog: Arc<Catalog>, routes: Arc<Routes>, published: Held) -> Self {
        let exchange = Exchange::new(catalog.clone(), self.store.clone(), published);
        Self { catalog, routes, exchange: Arc::new(exchange), ..self.clone() }
    }

    /// Counts the messages that are sent again, and takes nothing of channels that are held.
    pub(crate) fn beside(self, repeats: &Repeats, holding: &Holding) -> Self {
        Self { repeats: repeats.clone(), holding: Some(holding.clone()), ..self }
    }

    /// Waits for the messages under way of all journeys that share this one's, also for those whose
    /// senders have hung up. None may be accepted any more.
    pub async fn finished(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    async fn receive(self, channel: String, arrival: Arrival) -> Result<Receipt, Later> {
        let later = |reason: &str| Later { reason: reason.to_owned(), retry_after_seconds: 5 };
        if self.catalog.channel(&channel).is_none() {
            return Err(later("the channel is not configured"));
        }
        if let Some(held) = self.holding.as_ref().and_then(|holding| holding.of(&channel)) {
            return Err(held);
        }
        let found = self.catalog.channel(&channel);
        let files = found.is_some_and(|found| container::is_for(&found.mapping));
        let large = files || arrival.payload.len() > INLINE_BYTES_MAX;
        let salt = Salt::random().map_err(|_| later("no randomness"))?;
        let dedup = self.store.dedup(&arrival.payload);
        let raw = commit(&salt, &arrival.payload);
        // Without an id of the agency's, equal bytes are the same message.
        let id_given = arrival.key.is_some();
        let id = id_of((arrival.key, &arrival.payload), &arrival.fault, dedup)
            .map_err(|_| later("no randomness"))?;
        let payload =
            Payload { salt, bytes: arrival.payload.clone(), content_type: arrival.content_type };
        let mode = self.catalog.channel(&channel).map(Channel::mode);
        let mapping = self.catalog.channel(&channel).map(|found| found.hash);
        let (Some(mode), Some(mapping)) = (mode, mapping) else {
            return Err(later("the channel is not configured"));
        };
        let first = Submission {
            channel,
            id,
            id_given,
            mode,
            dedup,
            raw,
            mapping,
            contracts: self.hashes.clone(),
            payload: Arc::new(payload),
            chunk: 0,
            last: false,
            items: Arc::default(),
            advance: arrival.cursor.map(Arc::new),
            again: false,
        };
        if let Some(fault) = arrival.fault {
            let refused = Item { record: None, key: None, outcome: Err(vec![*fault]) };
            return self.all(first, vec![refused]).await;
        }
        if large { self.in_chunks(first).await } else { self.at_once(first).await }
    }

    /// Translates here, and sends the chunks one after the other: most are one.
    async fn at_once(self, first: Submission) -> Result<Receipt, Later> {
        let mut items = Vec::new();
        if let Some(channel) = self.catalog.channel(&first.channel) {
            let named = (channel, first.channel.as_str());
            self.translate(named, &first.payload.bytes, &mut |item| {
                items.push(item);
                true
            });
        }
        self.all(first, items).await
    }

    /// Sends all records of a message.
    async fn all(&self, first: Submission, mut items: Vec<Item>) -> Result<Receipt, Later> {
        let mut sender = Sender::new(self, first);
        while items.len() > CHUNK_RECORDS_MAX {
            let rest = items.split_off(CHUNK_RECORDS_MAX);
            if let Some(receipt) = sender.send(std::mem::replace(&mut items, rest), false).await? {
                return Ok(receipt);
            }
        }
        sender.finish(items).await
    }

    /// Translates on a thread of its own, some chunks ahead of the store: memory is bounded by
    /// the payload, and the first records are visible while the last ones are still unread.
    async fn in_chunks(self, first: Submission) -> Result<Receipt, Later> {
        let (send, mut chunks) = mpsc::channel::<Vec<Item>>(CHUNKS_AHEAD);
        let journey = self.clone();
        let (name, payload) = (first.channel.clone(), first.payload.clone());
        let work = move || {
            let mut items = Vec::new();
            let Some(channel) = journey.catalog.channel(&name) else { return };
            journey.translate((channel, &name), &payload.bytes, &mut |item| {
                items.push(item);
                if items.len() < CHUNK_RECORDS_MAX {
                    return true;
                }
                // Nobody waits any more where the message turned out to be known.
                send.blocking_send(std::mem::take(&mut items)).is_ok()
            });
            let _ = send.blocking_send(items);
        };
        let files = self.catalog.channel(&first.channel);
        let files = files.is_some_and(|channel| container::is_for(&channel.mapping));
        // Only `close` could fail it, and nobody closes it.
        let room = if files { self.containers.clone().acquire_owned().await.ok() } else { None };
        let translating = tokio::task::spawn_blocking(move || {
            work();
            drop(room);
        });
        let mut sender = Sender::new(&self, first);
        let mut receipt = None;
        let mut chunk = chunks.recv().await;
        while let Some(items) = chunk
            && receipt.is_none()
        {
            chunk = chunks.recv().await;
            receipt = match chunk {
                Some(_) => sender.send(items, false).await?,
                None => Some(sender.finish(items).await?),
            };
        }
        drop(chunks);
        let _ = translating.await;
        receipt.ok_or_else(chunks::moved_on)
    }

    fn translate(
        &self,
        (channel, id): (&Channel, &str),
        payload: &[u8],
        take: &mut dyn FnMut(Item) -> bool,
    ) {
        let clock = jiff::Timestamp::now();
        let (agency, sender) = (speaks_for(id), agency_of(id));
        let mut take = |item: Item| {
            let mut item = match agency {
                Some(agency) => about(agency, item),
                None => self.in_its_name(sender, item),
            };
            self.routes.direct(id, &mut item);
            take(item)
        };
        translate::translate(channel, &self.contracts, &self.gazetteer, payload, clock, &mut take);
    }
}

impl Journey {
    /// Records of systems that are not another agency's, or the refusal of what has one that is.
    fn in_its_name(&self, sender: &str, item: Item) -> Item {
        let owners = &self.catalog.owners;
        let names = item.outcome.iter().flatten().filter_map(|one| one.content.as_ref());
        let mut sources = names.map(|content| content.name().0);
        let other = sources.find(|source| owners.are_others(source, sender)).map(str::to_owned);
        let Some(other) = other else { return item };
        let problem = Problem::new(&problem::NOT_IN_ITS_NAME).at("/source");
        refused(item, problem.with_value(&other, false))
    }
}

/// A message's id: its agency's own; without one, equal bytes are the same message. Sent as they
/// should be, the bytes of one with a fault are another message; one that was too much to be read
/// is one by itself.
fn id_of(
    (key, payload): (Option<String>, &[u8]),
    fault: &Option<Box<Problem>>,
    dedup: DedupHash,
) -> Result<String, NoRandomness> {
    let other = |bytes: &[u8; 32]| Digest::of(&[&bytes[..], b" with a fault"].concat()).to_string();
    match (key, fault) {
        (Some(key), _) => Ok(key),
        (None, None) => Ok(Digest::from_bytes(*dedup.as_bytes()).to_string()),
        (None, Some(_)) if payload.is_empty() => Ok(other(Salt::random()?.as_bytes())),
        (None, Some(_)) => Ok(other(dedup.as_bytes())),
    }
}

/// The refusal of a record that could be read.
fn refused(item: Item, problem: Problem) -> Item {
    let key = item.outcome.iter().flatten().next().map(|one| one.key.clone());
    Item { key, outcome: Err(vec![problem]), ..item }
}

/// A record that is about the agency, or the refusal of one that is not.
fn about(agency: &str, item: Item) -> Item {
    let told = item.outcome.iter().flatten().filter_map(|one| one.telling.as_ref());
    let other = told.map(|told| &told.name.agency).find(|told| *told != agency).cloned();
    let Some(other) = other else { return item };
    let problem = Problem::new(&problem::CONTRACT_BROKEN).at("/agency");
    refused(item, problem.by_rule(format!("agency = {agency}")).with_value(&other, false))
}

impl Inbox for Journey {
    fn accept(
        &self,
        channel: &str,
        arrival: Arrival,
    ) -> BoxFuture<'static, Result<Receipt, Later>> {
        let (name, repeats) = (channel.to_owned(), self.repeats.clone());
        let receiving = self.clone().receive(channel.to_owned(), arrival);
        let work = self.under_way.spawn(async move {
            let receipt = receiving.await?;
            if receipt.outcome == Outcome::Duplicate {
                repeats.note(&name);
            }
            Ok(receipt)
        });
        Box::pin(async move {
            work.await.unwrap_or_else(|error| {
                tracing::error!(error = %error, "a journey ended by a fault of the hub");
                Err(Later { reason: "a fault of the hub".to_owned(), retry_after_seconds: 30 })
            })
        })
    }
}
