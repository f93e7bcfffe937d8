//! `bench follow`: very many readers of one stream, what memory each costs the hub, and how soon
//! the last of them has heard of an event; beside a bare server that writes the same bytes to as
//! many.

mod crowd;
mod fan;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    BenchError, Table,
    child::{Hub, Keys, Scratch, wait},
    clock,
    load::{Reading, Taken},
    note_others, note_unseen,
    storage::Place,
    wire::{self, Connection},
    workload::{self, Workload},
};
use crate::descriptors;
use crowd::Crowd;
use fan::Fan;

/// What is followed, and from when: what comes from now on.
const STREAM: &str = "/v1/feeds/records/stream?after=end";
/// Events before there is anybody to hear them: the first costs the hub memory for ever.
const BEFORE: u64 = 20;
/// Connections beside those of the readers, at either end.
const OTHERS: usize = 64;

/// How many, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Who follows the feed of records, each on a connection of their own.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(crate) subscribers: u32,
    /// Events.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) events: u32,
    /// Events a second, each a message of one dossier.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) per_second: u32,
    /// On the server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) instead of SQLite:
    /// in a database of its own, dropped at the end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
}

/// What was measured of the hub.
struct Followed {
    /// Megabytes before anybody followed, when all did, and at most.
    memory: [f64; 3],
    /// Milliseconds from the sending of each event to its 200, and to the last of all who heard it.
    taken: Vec<f64>,
    heard: Vec<f64>,
    /// Of the time from the first event to the last.
    work: Taken,
    /// An event as a reader has it on the line.
    frame: Vec<u8>,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let subscribers = options.subscribers as usize;
    let most = descriptors::connections().saturating_sub(OTHERS);
    if subscribers > most {
        let told = format!("the system lets {most} follow: raise the limit of open files");
        return Err(BenchError::Input(told));
    }
    let load = Workload::new(seed)?;
    let place = Place::that_ends(options.store.as_deref())?;
    let scratch = Scratch::new(None)?;
    let storage = place.storage(&scratch.folder)?;
    let keys = Keys::add(&storage)?;
    let hub = Hub::start(&scratch.folder, &storage, &keys)?;
    let watched = hub.watched(&storage);
    let followed = wait(async {
        let mut sender = Sender::open(&hub, &load).await?;
        for _ in 0..BEFORE {
            sender.send().await?;
        }
        let alone = clock::memory(hub.process());
        let mut request = Vec::new();
        wire::get(STREAM, &hub.keys.portal, &mut request);
        let crowd = Crowd::open(hub.address, request, (options.subscribers, options.events));
        let mut crowd = crowd.await?;
        let open = clock::memory(hub.process());
        let (mut taken, mut sent) = (Vec::new(), Vec::new());
        let every = Duration::from_secs(1) / options.per_second;
        let (began, start) = (Reading::take(&watched), Instant::now());
        for number in 0..options.events {
            crowd.rest_until(start + every * number).await?;
            let at = Instant::now();
            sender.send().await?;
            taken.push(at.elapsed().as_secs_f64() * 1e3);
            sent.push(at);
        }
        let (heard, frame) = crowd.heard(&sent).await?;
        let mut work = Taken::default();
        began.until(&Reading::take(&watched), &mut work);
        let memory = [alone, open, clock::memory_peak(hub.process())];
        Ok::<_, BenchError>(Followed { memory, taken, heard, work, frame })
    })??;
    drop(hub);
    let bare = bare(&followed.frame, options)?;
    let mut table = Table::new(format!(
        "bench follow: {} who follow the feed of records, {}, {} events, {} a second, seed {seed}",
        options.subscribers,
        place.kind(),
        options.events,
        options.per_second
    ));
    tell(&mut table, (options, &followed), bare);
    if storage.database().is_some() && storage.server_process().is_none() {
        note_unseen(&mut table);
    }
    note_others(&mut table, followed.work.others);
    Ok(table)
}

/// Milliseconds until the last of as many has heard each event of a bare server.
fn bare(frame: &[u8], options: &Options) -> Result<Vec<f64>, BenchError> {
    let mut fan = Fan::start(options.subscribers as usize)?;
    wait(async {
        let asked = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let crowd = Crowd::open(fan.address, asked, (options.subscribers, options.events));
        let mut crowd = crowd.await?;
        let every = Duration::from_secs(1) / options.per_second;
        let (mut sent, start) = (Vec::new(), Instant::now());
        let frame: Arc<[u8]> = frame.into();
        for number in 0..options.events {
            crowd.rest_until(start + every * number).await?;
            sent.push(Instant::now());
            fan.write(frame.clone())?;
        }
        Ok(crowd.heard(&sent).await?.0)
    })?
}

/// The figures.
fn tell(table: &mut Table, (options, followed): (&Options, &Followed), mut bare: Vec<f64>) {
    let Followed { memory: [alone, open, peak], taken, heard, work, .. } = followed;
    let subscribers = f64::from(options.subscribers);
    table.line("memory of the hub, nobody follows", *alone, "MB");
    table.line("memory of the hub, all follow", *open, "MB");
    let each = (open - alone) * 1024.0 / subscribers;
    // Of a few it may be lost in what the hub gives back meanwhile.
    if each > 0.0 {
        table.line("memory of the hub, for each who follows", each, "KB");
    }
    table.line("memory of the hub, peak", *peak, "MB");
    let (mut taken, mut heard) = (taken.clone(), heard.clone());
    for figures in [&mut bare, &mut taken, &mut heard] {
        figures.sort_by(f64::total_cmp);
    }
    table.line("to the 200, p50", quantile(&taken, 0.5), "ms");
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let floor = format!("bare server, to the last of all, {name}");
        let least = quantile(&bare, share);
        table.line(floor.clone(), least, "ms");
        let name = format!("to the last of all, {name}");
        table.against((&name, quantile(&heard, share), "ms"), (&floor, least));
    }
    let told = subscribers * f64::from(options.events);
    table.line("CPU of the hub, each told", work.hub.cpu_seconds * 1e6 / told, "us");
    table.line("CPU of all who follow, each told", work.own_cpu_seconds * 1e6 / told, "us");
}

/// The figure within which a share of them lie, which are in order of size.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Who sends messages of one dossier each.
struct Sender<'a> {
    connection: Connection,
    load: &'a Workload,
    key: Arc<str>,
    number: u64,
}

impl<'a> Sender<'a> {
    async fn open(hub: &Hub, load: &'a Workload) -> Result<Self, BenchError> {
        let connection = Connection::open(hub.address).await?;
        Ok(Self { connection, load, key: hub.keys.agency.clone(), number: 0 })
    }

    /// Sends the next and waits for its answer.
    async fn send(&mut self) -> Result<(), BenchError> {
        let (mut payload, mut request) = (String::new(), Vec::new());
        self.load.message(self.number..self.number + 1, 0, &mut payload);
        let id = format!("follow-{}", self.number);
        wire::post(workload::CHANNEL, &self.key, &id, &payload, &mut request);
        self.number += 1;
        let answer = self.connection.ask(&request).await?;
        match answer.status {
            200 => Ok(()),
            status => {
                let told = String::from_utf8_lossy(answer.body);
                Err(BenchError::Refused(format!("{status} {told}")))
            }
        }
    }
}
