//! `bench bus` (P10): from the journal to a broker, by the hub's own publisher, beside a loop that
//! only publishes the same bytes; and how the loop's confirmations hang on its window.
//!
//! The broker is to have no feed yet, for what is published here is invented. What was made there
//! is deleted at the end.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::{amqp::name, outbound::Secret, reading::Trouble};
use clap::Args;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{runtime::Runtime, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    BenchError, DOSSIERS, Table,
    broker::{Broker, at_broker, broken},
    clock, fill, note_others, stop,
    storage::Place,
    surroundings::Surroundings,
    turns,
    workload::Workload,
};
use crate::{
    bus::{self, Bus, Embedded, Publisher, RabbitMq, Standing, Start, State},
    hub::open_store,
    store::Store,
};

/// Events under way of the hub's own publisher.
const WINDOW: usize = 256;

/// Windows of the loop.
const WINDOWS: [usize; 5] = [1, 8, 64, 256, 1_024];

/// Events of one window below the publisher's: one by one they take their time.
const FEW: usize = 2_000;

/// A key like those of the events: to the broker it is as good as any.
const KEY: &str = "dossier-1.so-thu-nghiem.-";

/// The delivery mode of what outlives the broker's restart.
const PERSISTENT: u8 = 2;

/// How often it is looked whether all is published.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long anything may take.
const WITHIN: Duration = Duration::from_secs(600);

/// How much, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the journal; each is some events.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
    /// Pairs of turns of the publisher and of the loop.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// The broker, amqp://USER:PASSWORD@HOST/…, without a feed of a hub's.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) amqp: String,
}

/// One event, as it is published.
struct Event {
    id: String,
    text: Vec<u8>,
}

/// Rates, and seconds of CPU of this process for an event.
#[derive(Default)]
struct Taken {
    rates: Vec<f64>,
    cpu: Vec<f64>,
}

impl Taken {
    fn add(&mut self, events: usize, (seconds, cpu): (f64, f64)) {
        self.rates.push(events as f64 / seconds.max(1e-9));
        self.cpu.push(cpu / events.max(1) as f64);
    }
}

/// The one in the middle.
fn middle(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The broker, and the journal that is published to it.
struct Bench {
    broker: Broker,
    bus: Arc<dyn Bus>,
    standing: Standing,
    store: Arc<dyn Store>,
    events: Vec<Event>,
}

impl Bench {
    /// All events of the journal, from its first entry.
    async fn read(&mut self) -> Result<(), BenchError> {
        let journal = Embedded::new(self.store.clone());
        let failed = |trouble: Trouble| broken(&trouble);
        let mut follower = journal.follow(Start::First).await.map_err(failed)?;
        let size = self.store.head().await?.tree.size;
        // The last entry of a journal that was filled is a dossier's.
        let mut at = 0;
        while at + 1 < size {
            let next = follower.next().await.map_err(failed)?;
            at = next.offset;
            self.events.push(Event { id: next.id, text: next.text });
        }
        Ok(())
    }

    /// Has the hub's own publisher publish all; seconds, and seconds of CPU.
    async fn published(&self) -> Result<(f64, f64), BenchError> {
        self.store.publish_again(0).await?;
        let size = self.store.head().await?.tree.size;
        let stopping = CancellationToken::new();
        let publisher = Publisher::new(self.bus.clone(), self.store.clone(), self.standing.clone());
        let watching = async {
            let watched = self.watched(size).await;
            stopping.cancel();
            watched
        };
        let ((), watched) = tokio::join!(publisher.run(stopping.clone()), watching);
        self.standing.tell(State::Connecting, None);
        watched
    }

    /// From the moment at which the broker has proved itself to the last confirmation.
    async fn watched(&self, size: u64) -> Result<(f64, f64), BenchError> {
        let asked = Instant::now();
        let mut began = None;
        loop {
            stop::check()?;
            let (state, why) = self.standing.get();
            if let Some(why) = why {
                return Err(BenchError::Unreachable(why.words.en));
            }
            let (at, cpu) = match (began, state) {
                (Some(began), _) => began,
                (None, State::Publishing) => {
                    *began.insert((Instant::now(), clock::own_cpu_seconds()))
                }
                _ => (asked, 0.0),
            };
            if began.is_some() && self.store.published().await?.position >= size {
                return Ok((at.elapsed().as_secs_f64(), clock::own_cpu_seconds() - cpu));
            }
            if asked.elapsed() > WITHIN {
                return Err(BenchError::Unreachable("not all was published".to_owned()));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// A loop that only publishes and asks for no confirmation; until the broker has taken all.
    async fn unacknowledged(&self) -> Result<(usize, (f64, f64)), BenchError> {
        let connection = self.broker.connection().await?;
        let channel = connection.create_channel().await.map_err(at_broker)?;
        let (began, cpu) = (Instant::now(), clock::own_cpu_seconds());
        for event in &self.events {
            confirmed(sent(&channel, event).await?).await?;
        }
        // It is answered after all that was sent before it.
        connection.close(200, name("").map_err(|told| broken(&told))?).await.map_err(at_broker)?;
        let taken = (began.elapsed().as_secs_f64(), clock::own_cpu_seconds() - cpu);
        stop::check()?;
        Ok((self.events.len(), taken))
    }

    /// A loop that only publishes, on a connection of its own.
    async fn bare(&self, window: usize) -> Result<(usize, (f64, f64)), BenchError> {
        let connection = self.broker.connection().await?;
        let channel = connection.create_channel().await.map_err(at_broker)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(at_broker)?;
        let count =
            if window < WINDOW / 4 { FEW.min(self.events.len()) } else { self.events.len() };
        let (began, cpu) = (Instant::now(), clock::own_cpu_seconds());
        let mut under_way = VecDeque::with_capacity(window);
        for event in self.events.iter().take(count) {
            if under_way.len() >= window
                && let Some(first) = under_way.pop_front()
            {
                confirmed(first).await?;
            }
            under_way.push_back(sent(&channel, event).await?);
        }
        for one in under_way {
            confirmed(one).await?;
        }
        let taken = (began.elapsed().as_secs_f64(), clock::own_cpu_seconds() - cpu);
        stop::check()?;
        connection.close(200, name("").map_err(|told| broken(&told))?).await.map_err(at_broker)?;
        Ok((count, taken))
    }
}

async fn sent(channel: &Channel, event: &Event) -> Result<lapin::PublisherConfirm, BenchError> {
    let short = |text: &str| name(text).map_err(|told| broken(&told));
    let properties = BasicProperties::default()
        .with_message_id(short(&event.id)?)
        .with_content_type(short("application/cloudevents+json; charset=utf-8")?)
        .with_delivery_mode(PERSISTENT);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (exchange, key) = (short(bus::RECORDS)?, short(KEY)?);
    let sending = channel.basic_publish(exchange, key, options, &event.text, properties);
    sending.await.map_err(at_broker)
}

async fn confirmed(sent: lapin::PublisherConfirm) -> Result<(), BenchError> {
    match sent.await.map_err(at_broker)? {
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(()),
        told => Err(BenchError::Refused(format!("what was published with {told:?}"))),
    }
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let broker = Broker::told(&options.amqp)?;
    let runtime = Runtime::new()?;
    let load = Arc::new(Workload::new(seed)?);
    let place = Place::told(None)?;
    let filled = fill::fill(&load, options.dossiers, &place, &Surroundings::default())?;
    let fill::Filled { hub, storage, scratch, .. } = filled;
    drop(hub);
    let (text, standing) = (options.amqp.clone(), Standing::default());
    let secret = Secret::new("--amqp", move || Ok(text.clone()));
    let measured = runtime.block_on(async {
        let store = open_store(&storage.address()).await?;
        let bus = Arc::new(RabbitMq::new(secret, standing.clone()));
        let events = Vec::new();
        let mut bench = Bench { broker, bus, standing, store, events };
        bench.read().await?;
        let measured = measure(&bench, options.rounds).await;
        Ok::<_, BenchError>((bench.events.len(), bench.broker, measured))
    });
    drop(runtime);
    drop(scratch);
    let (events, broker, measured) = measured?;
    broker.clear()?;
    Ok(tell(seed, events, &measured?))
}

/// All that was measured.
#[derive(Default)]
struct Measured {
    publisher: Taken,
    bare: Taken,
    unacknowledged: Taken,
    windows: Vec<(usize, Taken)>,
    others: f64,
}

async fn measure(bench: &Bench, rounds: u32) -> Result<Measured, BenchError> {
    let (began, machine) = (Instant::now(), clock::machine_cpu_seconds());
    let own = clock::own_cpu_seconds();
    let mut measured = Measured::default();
    // What the broker makes the first time is nobody's.
    bench.published().await?;
    for publishes in turns(rounds) {
        if publishes {
            measured.publisher.add(bench.events.len(), bench.published().await?);
        } else {
            let (count, taken) = bench.bare(WINDOW).await?;
            measured.bare.add(count, taken);
        }
    }
    for _ in 0..2 {
        let (count, taken) = bench.unacknowledged().await?;
        measured.unacknowledged.add(count, taken);
    }
    for window in WINDOWS {
        let mut taken = Taken::default();
        for _ in 0..2 {
            let (count, one) = bench.bare(window).await?;
            taken.add(count, one);
        }
        measured.windows.push((window, taken));
    }
    let busy = clock::machine_cpu_seconds() - machine - (clock::own_cpu_seconds() - own);
    measured.others = (busy / began.elapsed().as_secs_f64()).max(0.0);
    Ok(measured)
}

fn tell(seed: u64, events: usize, measured: &Measured) -> Table {
    let Measured { publisher, bare, unacknowledged, windows, others } = measured;
    let mut table = Table::new(format!(
        "bench bus: {events} events, exchange and stream, {WINDOW} under way, seed {seed}"
    ));
    let name = format!("bare loop, window {WINDOW}");
    table.spread(&name, &bare.rates, "events/s");
    table.spread("publisher, each", &publisher.rates, "events/s");
    let floor = (name.as_str(), middle(&bare.rates));
    table.against(("publisher", middle(&publisher.rates), "events/s"), floor);
    let cpu = |taken: &Taken| middle(&taken.cpu) * 1e6;
    table.line("bare loop, own CPU", cpu(bare), "µs/event");
    let floor = ("bare loop, own CPU", cpu(bare));
    table.against(("publisher, own CPU", cpu(publisher), "µs/event"), floor);
    let without = ("bare loop, unacknowledged", middle(&unacknowledged.rates), "events/s");
    table.against(without, (name.as_str(), middle(&bare.rates)));
    for (window, taken) in windows {
        table.line(format!("bare loop, curve, window {window}"), middle(&taken.rates), "events/s");
    }
    note_others(&mut table, *others);
    table.note("the broker is among that other work where it runs on this machine");
    table
}
