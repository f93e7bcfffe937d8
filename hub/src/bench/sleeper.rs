//! `bench sleeper`: how soon agencies hear what was accepted, while another that is sent the same
//! answers only after a while, in turn with the same while it answers at once.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use clap::Args;
use tokio::{net::TcpListener, runtime::Runtime, time::sleep};

use super::{
    BenchError, Table,
    child::{Hub, Keys, Scratch},
    load::{Reading, Taken},
    note_others, seconds, stop,
    storage::Place,
    surroundings::Surroundings,
    turns,
    wire::{self, Answer, Connection},
    workload::{self, Workload},
};

/// How many, how often, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Agencies that answer at once, beside the one that sleeps.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) others: u32,
    /// Messages a second, each of which goes to every agency.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) per_second: u32,
    /// Rounds of four turns: with, without, without, with a sleeper.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Seconds of each turn; a quarter more before them is not measured.
    #[arg(long, default_value_t = 8.0)]
    pub(crate) seconds: f64,
    /// Seconds after which the sleeper answers.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) sleep_seconds: f64,
    /// On the server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) instead of SQLite:
    /// in databases of its own, dropped at the end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
}

/// Which of the receivers sleeps; the others follow it.
const SLEEPER: u32 = 0;

/// How long it may take until the others have heard everything.
const WITHIN: Duration = Duration::from_secs(60);
/// Between two looks whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// All agencies, as they listen: each has a path of its own.
struct Receivers {
    /// When a receiver heard of a dossier for the first time.
    heard: Mutex<BTreeMap<(u32, u64), Instant>>,
    /// How long the sleeper sleeps, where it does.
    sleep: Option<Duration>,
}

impl Receivers {
    /// Notes a message; gives its receiver, unless it is none of the benchmark's.
    fn note(&self, uri: &Uri, headers: &HeaderMap, now: Instant) -> Option<u32> {
        let receiver = uri.path().strip_prefix('/')?.parse().ok()?;
        let subject = headers.get("ce-subject")?.to_str().ok()?;
        let dossier = subject.rsplit('-').next()?.parse().ok()?;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.entry((receiver, dossier)).or_insert(now);
        Some(receiver)
    }

    /// What was heard until now.
    fn heard(&self) -> BTreeMap<(u32, u64), Instant> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many messages these have heard.
    fn count(&self, receivers: std::ops::RangeInclusive<u32>) -> usize {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.range((*receivers.start(), 0)..=(*receivers.end(), u64::MAX)).count()
    }
}

async fn hear(
    State(receivers): State<Arc<Receivers>>,
    uri: Uri,
    headers: HeaderMap,
    _: Bytes,
) -> Response {
    let Some(receiver) = receivers.note(&uri, &headers, Instant::now()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if let Some(time) = receivers.sleep.filter(|_| receiver == SLEEPER) {
        sleep(time).await;
    }
    ([(CONTENT_TYPE, "application/json")], "{}").into_response()
}

/// What turns of one kind have given.
#[derive(Default)]
struct Turns {
    /// From the answer 200 to the others' hearing.
    others: Taken,
    /// Messages accepted.
    messages: usize,
    /// Of those, what the sleeper heard before the others had heard all.
    slept: usize,
}

/// Sends messages for a time, so many a second; gives when each was accepted.
async fn send(
    load: &Workload,
    hub: (SocketAddr, &str),
    (per_second, time): (u32, Duration),
) -> Result<Vec<Instant>, BenchError> {
    let mut connection = Connection::open(hub.0).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    let (mut accepted, began) = (Vec::new(), Instant::now());
    let (mut payload, mut request) = (String::new(), Vec::new());
    while began.elapsed() < time {
        stop::check()?;
        ticks.tick().await;
        let number = accepted.len() as u64;
        payload.clear();
        request.clear();
        load.message(number..number + 1, 0, &mut payload);
        let id = format!("bench-{}-{number}", load.seed);
        wire::post(workload::CHANNEL, hub.1, &id, &payload, &mut request);
        let Answer { status, body, .. } = connection.ask(&request).await?;
        accepted.push(Instant::now());
        if status != 200 {
            let told = String::from_utf8_lossy(body);
            return Err(BenchError::Refused(format!("{status} {told}")));
        }
    }
    Ok(accepted)
}

/// Waits until the others have heard of so many messages each.
async fn all_heard(receivers: &Receivers, others: u32, messages: usize) -> Result<(), BenchError> {
    let (began, whole) = (Instant::now(), messages * others as usize);
    loop {
        let count = receivers.count(SLEEPER + 1..=others);
        if count >= whole {
            return Ok(());
        }
        stop::check()?;
        if began.elapsed() > WITHIN {
            let told = format!("{count} of {whole} deliveries within {WITHIN:?}");
            return Err(BenchError::Refused(told));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// A turn, on a hub and a store of its own: what waits for a sleeper is nobody's later.
fn turn(
    load: &Workload,
    (options, place): (&Options, &Place),
    (asleep, turns): (bool, &mut Turns),
) -> Result<(), BenchError> {
    let scratch = Scratch::new(None)?;
    let storage = place.storage(&scratch.folder)?;
    let keys = Keys::add(&storage)?;
    let runtime = Runtime::new()?;
    let sleep = asleep.then(|| seconds(options.sleep_seconds));
    let receivers = Arc::new(Receivers { heard: Mutex::default(), sleep });
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(hear).with_state(receivers.clone());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let urls = (SLEEPER..=options.others).map(|receiver| format!("http://{address}/{receiver}"));
    let surroundings = Surroundings { receivers: urls.collect(), ..Surroundings::default() };
    let hub = Hub::start_among(&surroundings, &scratch.folder, &storage, &keys)?;
    let watched = hub.watched(&storage);
    let (time, begin) = (seconds(options.seconds), Reading::take(&watched));
    let accepted = runtime.block_on(async {
        let sent = (options.per_second, time / 4 + time);
        let accepted = send(load, (hub.address, &keys.agency), sent).await?;
        all_heard(&receivers, options.others, accepted.len()).await?;
        Ok::<_, BenchError>(accepted)
    })?;
    let mut taken = Taken::default();
    begin.until(&Reading::take(&watched), &mut taken);
    let measured = accepted.first().map(|first| *first + time / 4);
    for ((receiver, dossier), heard) in receivers.heard() {
        let accepted = usize::try_from(dossier).ok().and_then(|at| accepted.get(at));
        if let Some(at) = accepted.filter(|at| receiver != SLEEPER && Some(**at) >= measured) {
            // It may be heard before its sender is told.
            let micros = heard.saturating_duration_since(*at).as_micros();
            taken.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }
    turns.others.add(taken);
    turns.messages += accepted.len();
    turns.slept += receivers.count(SLEEPER..=SLEEPER).min(accepted.len());
    Ok(())
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Workload::new(seed)?;
    let place = Place::that_ends(options.store.as_deref())?;
    let (mut awake, mut beside) = (Turns::default(), Turns::default());
    for asleep in turns(options.rounds) {
        let side = if asleep { &mut beside } else { &mut awake };
        turn(&load, (options, &place), (asleep, side))?;
    }
    let mut table = Table::new(format!(
        "bench sleeper: {} messages a second to each of {} agencies, one answers after {} s, {} \
         turns of {:.1} s, {}, seed {seed}",
        options.per_second,
        options.others + 1,
        options.sleep_seconds,
        turns(options.rounds).count(),
        options.seconds,
        place.kind()
    ));
    tell(&mut table, &awake, &beside);
    Ok(table)
}

fn tell(table: &mut Table, awake: &Turns, beside: &Turns) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let (floor, of) = (format!("all awake, {name}"), awake.others.quantile(share));
        let with = format!("others beside a sleeper, {name}");
        table.line(&floor, of, "ms");
        table.against((&with, beside.others.quantile(share), "ms"), (&floor, of));
    }
    let (without, with) = (awake.others.quantile(0.99), beside.others.quantile(0.99));
    let change = with / without.max(f64::MIN_POSITIVE) - 1.0;
    table.line("change of the others' p99", change * 100.0, "%");
    table.line("messages, all awake", awake.messages as f64, "messages");
    table.line("messages, beside a sleeper", beside.messages as f64, "messages");
    table.line("of those, heard by the sleeper", beside.slept as f64, "messages");
    note_others(table, awake.others.others.max(beside.others.others));
}
