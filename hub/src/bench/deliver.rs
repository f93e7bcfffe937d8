//! `bench deliver`: what waits in the outbox to a receiver on this machine, beside a program that
//! does nothing but send the same bytes there.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::{Arrival, Inbox, outbound::Message};
use clap::Args;
use contracts::{Contracts, Outcome};
use mappings::Gazetteer;
use tokio::{runtime::Runtime, sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    BenchError, DOSSIERS, Table,
    bare::Bare,
    child::Scratch,
    stop,
    storage::Place,
    workload::{self, Workload},
};
use crate::{
    catalog::{self, Catalog},
    catalogue::Held,
    config::{Endpoint, Endpoints},
    delivery::{Deliveries, letter},
    hub::open_store,
    journey::{Journey, route::Routes},
    lasting::Lasting,
    store::Store,
    telemetry::Telemetry,
};

/// How many, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Deliveries, each of a dossier of its own.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) deliveries: u64,
    /// Messages under way at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) at_once: u32,
    /// On the server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) instead of SQLite:
    /// in a database of its own, dropped at the end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
}

/// The outbound channel.
const TO: &str = "so-thu-nghiem.nhan";

/// Dossiers in one message of the agency.
const IN_ONE: u64 = 200;

/// How long all deliveries may take.
const WITHIN: Duration = Duration::from_secs(600);

/// A hub without its doors.
struct Parts {
    catalog: Arc<Catalog>,
    routes: Arc<Routes>,
    gazetteer: Arc<Gazetteer>,
    store: Arc<dyn Store>,
    endpoints: Endpoints,
}

async fn parts(
    scratch: &Scratch,
    (options, bare): (&Options, &Bare),
    store: Arc<dyn Store>,
) -> Result<(Parts, Contracts), BenchError> {
    let faulty = |found: Vec<mappings::Diagnostic>| {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        BenchError::Damaged(lines.join("\n"))
    };
    let agencies = scratch.folder.join("agencies");
    workload::write_agency(&agencies)?;
    let file = agencies.join(workload::AGENCY).join("agency.toml");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, format!("{text}\n[outbound.nhan]\nat_once = {}\n", options.at_once))?;
    let route = format!("[[route]]\ncontract = \"dossier/1\"\nto = \"{TO}\"\n");
    let file = scratch.folder.join("routes.toml");
    fs::write(&file, route)?;
    let contracts = Contracts::builtin().map_err(|error| BenchError::Damaged(error.to_string()))?;
    let catalog = Catalog::load(&agencies, &contracts).map_err(faulty)?;
    let routes = Routes::load(&file, &catalog, &contracts).map_err(faulty)?;
    let gazetteer = catalog::gazetteer().map_err(BenchError::Damaged)?;
    let url = format!("http://{}/", bare.address).parse();
    let url = url.map_err(|_| BenchError::Damaged("no address".to_owned()))?;
    let private = "127.0.0.1".parse();
    let private = private.map_err(|_| BenchError::Damaged("no address".to_owned()))?;
    let endpoint = Endpoint::Url { url, auth: Default::default(), private: vec![private] };
    let parts = Parts {
        catalog: Arc::new(catalog),
        routes: Arc::new(routes),
        gazetteer: Arc::new(gazetteer),
        store,
        endpoints: Endpoints::from([(TO.to_owned(), endpoint)]),
    };
    Ok((parts, contracts))
}

/// The way in.
fn journey(parts: &Parts, contracts: Contracts) -> Arc<Journey> {
    let lasting = Lasting::new(Telemetry::shared(), CancellationToken::new());
    Arc::new(Journey::start(
        parts.catalog.clone(),
        Arc::new(contracts),
        parts.gazetteer.clone(),
        parts.store.clone(),
        (parts.routes.clone(), Arc::new(Notify::new()), &lasting),
        Held::default(),
    ))
}

/// Fills the outbox.
async fn fill(journey: &Journey, (load, deliveries): (&Workload, u64)) -> Result<(), BenchError> {
    let mut next = 0;
    while next < deliveries {
        stop::check()?;
        let end = (next + IN_ONE).min(deliveries);
        let mut payload = String::new();
        load.message(next..end, 0, &mut payload);
        let arrival = Arrival { payload: payload.into(), ..Arrival::default() };
        let receipt = journey.accept(workload::CHANNEL, arrival).await;
        let receipt = receipt.map_err(|later| BenchError::Refused(later.reason))?;
        if receipt.outcome != Outcome::Stored {
            return Err(BenchError::Refused(receipt.outcome.as_str().to_owned()));
        }
        next = end;
    }
    Ok(())
}

/// One of the messages that wait.
async fn sample(parts: &Parts) -> Result<Message, BenchError> {
    let lease = Duration::from_millis(1);
    let first = parts.store.announce(TO.into(), 1, lease).await?;
    let channel = parts.catalog.outbound.get(TO).zip(first.first());
    let Some((channel, delivery)) = channel else {
        return Err(BenchError::Damaged("nothing is in the outbox".to_owned()));
    };
    let made = letter::message(channel, delivery, &parts.gazetteer);
    made.map_err(|failure| BenchError::Damaged(failure.told))
}

/// Sends one message so often, with nothing around it; gives the seconds.
async fn floor(parts: &Parts, (options, message): (&Options, &Message)) -> Result<f64, BenchError> {
    let Some(Endpoint::Url { url, .. }) = parts.endpoints.get(TO) else {
        return Err(BenchError::Damaged("no address".to_owned()));
    };
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.map_err(|error| BenchError::Unreachable(error.to_string()))?;
    let (began, mut senders) = (Instant::now(), JoinSet::new());
    let each = options.deliveries / u64::from(options.at_once);
    for _ in 0..options.at_once {
        let (client, url, message) = (client.clone(), url.clone(), message.clone());
        senders.spawn(async move {
            for number in 0..each {
                let request = client.post(url.clone()).body(message.payload.clone());
                let mut request = request.header("idempotency-key", number);
                for (name, value) in &message.attributes {
                    request = request.header(format!("ce-{name}"), value);
                }
                request.send().await?.bytes().await?;
            }
            Ok::<_, reqwest::Error>(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        let sent = ended.map_err(|error| BenchError::Damaged(error.to_string()))?;
        sent.map_err(|error| BenchError::Unreachable(error.to_string()))?;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Delivers all that waits; gives the seconds.
async fn deliver(parts: &Parts, journey: Arc<Journey>) -> Result<f64, BenchError> {
    let prepared = Deliveries::prepare(&parts.catalog, &parts.routes, &parts.endpoints);
    let deliveries = prepared.map_err(|_| BenchError::Damaged("no endpoint".to_owned()))?;
    let ending = CancellationToken::new();
    let lasting = Lasting::new(Telemetry::shared(), ending.clone());
    let gazetteer = parts.gazetteer.clone();
    let began = Instant::now();
    let running = tokio::spawn(deliveries.run(parts.store.clone(), journey, gazetteer, lasting));
    while parts.store.due(vec![TO.into()]).await?.iter().any(|due| due.within.is_some()) {
        stop::check()?;
        if began.elapsed() > WITHIN {
            return Err(BenchError::Refused(format!("deliveries for {WITHIN:?}")));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed().as_secs_f64();
    ending.cancel();
    running.await.map_err(|error| BenchError::Damaged(error.to_string()))?;
    match parts.store.waiting().await?.iter().map(|one| one.dead).sum() {
        0 => Ok(took),
        dead => Err(BenchError::Refused(format!("{dead} deliveries as dead letters"))),
    }
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Workload::new(seed)?;
    let place = Place::told(options.store.as_deref())?;
    let scratch = Scratch::new(None)?;
    let storage = place.storage(&scratch.folder)?;
    let bare = Bare::start(b"{}".to_vec())?;
    let (floors, took) = Runtime::new()?.block_on(async {
        let store = open_store(&storage.address()).await?;
        let (parts, contracts) = parts(&scratch, (options, &bare), store).await?;
        let journey = journey(&parts, contracts);
        fill(&journey, (&load, options.deliveries)).await?;
        // Half of the floor before, half after: whoever else works here works beside both.
        let message = sample(&parts).await?;
        let before = floor(&parts, (options, &message)).await?;
        let took = deliver(&parts, journey).await?;
        let after = floor(&parts, (options, &message)).await?;
        Ok::<_, BenchError>((before + after, took))
    })?;
    let (deliveries, at_once) = (options.deliveries as f64, options.at_once);
    let mut table = Table::new(format!(
        "bench deliver: {} deliveries, {at_once} at once, {}, seed {seed}",
        options.deliveries,
        place.kind()
    ));
    let sent = 2.0 * (options.deliveries / u64::from(at_once) * u64::from(at_once)) as f64;
    let floor = sent / floors;
    table.line("a loop that only sends", floor, "messages/s");
    table.against(("delivered", deliveries / took, "messages/s"), ("the loop", floor));
    Ok(table)
}
