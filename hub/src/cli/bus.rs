//! `lienthong bus`: what a broker has of the journal.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use adapters::reading::Trouble;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Configured, Exit, journal, progress::Lines};
use crate::{
    bus::{self, Bus, Publisher, Standing, Verdict},
    config::{BusAddress, Config},
    hub::configuration,
    store::{Store, StoreError},
};

/// How often it is looked how far publishing is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// After so long without any progress the command gives up; what it began, hubs go on with.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// The broker lost its data: make there what is to be, and publish the journal again, from its
    /// beginning or from a position. Hubs may run meanwhile; who subscribes knows again by its id
    /// what it has.
    Rebuild {
        /// The first entry that is published again.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Read all that the broker keeps, and compare it with the journal.
    Verify,
}

/// Why a command did not do it.
enum Fault {
    Bus(Trouble),
    Store(StoreError),
    Told(String),
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Bus(trouble)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Publishes again from a position; gives up to which one.
async fn rebuild(bus: Arc<dyn Bus>, store: Arc<dyn Store>, from: u64) -> Result<u64, Fault> {
    let size = store.head().await?.tree.size;
    if from > size {
        let told = format!("--from {from}: the journal ends at {size}; write a number up to that");
        return Err(Fault::Told(told));
    }
    // A broker that cannot be reached is told before anything changes.
    if let Some(line) = bus.open().await? {
        line.close().await;
    }
    store.publish_again(from).await?;
    let (standing, stop) = (Standing::default(), CancellationToken::new());
    let publisher = Publisher::new(bus, store.clone(), standing.clone());
    let watching = async {
        let watched = watch(&*store, &standing, (from, size)).await;
        stop.cancel();
        watched
    };
    // A hub that runs may take the turn as well: whoever has it publishes.
    let ((), watched) = tokio::join!(publisher.run(stop.clone()), watching);
    watched.map(|()| size)
}

/// Waits until all up to a size is published.
async fn watch(
    store: &dyn Store,
    standing: &Standing,
    (from, size): (u64, u64),
) -> Result<(), Fault> {
    let mut lines = Lines::new();
    let (mut at, mut moved) = (from, Instant::now());
    loop {
        let position = store.published().await?.position;
        lines.count("publishing entries", position - from.min(position), size - from);
        if position >= size {
            return Ok(());
        }
        if position != at {
            (at, moved) = (position, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            let why = standing.get().1.map(|told| told.words.en).unwrap_or_default();
            let told = format!(
                "entry {position} is not published after {PATIENCE:?}: {why} Hubs that run go on \
                 from there by themselves"
            );
            return Err(Fault::Told(told));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn verify(bus: Arc<dyn Bus>, store: Arc<dyn Store>) -> Result<Verdict, Fault> {
    let row = store.published().await?;
    Ok(bus::verify(&*bus, &store, row.since, row.position).await?)
}

/// The configuration, of a hub with a broker.
fn with_broker(configured: &Configured) -> Result<Config, String> {
    let config = configuration(&configured.config).map_err(|error| error.to_string())?;
    match config.bus {
        BusAddress::Amqp(_) => Ok(config),
        BusAddress::Embedded => Err(format!(
            "{}: the bus is embedded: the journal itself is followed, and nothing is published; \
             name a broker by bus = \"amqp://…\"",
            configured.config.display()
        )),
    }
}

pub(super) fn run(
    configured: &Configured,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let config = match with_broker(configured) {
        Ok(config) => config,
        Err(fault) => {
            writeln!(err, "{fault}")?;
            return Ok(Exit::Faulty);
        }
    };
    let work = async |store: Arc<dyn Store>| {
        let bus = bus::of(&config, &store, &Standing::default());
        match action {
            Action::Rebuild { from } => {
                let to = rebuild(bus, store, *from).await?;
                Ok((format!("published again: entries {from} to {to}"), Exit::Done))
            }
            Action::Verify => verify(bus, store).await.map(|verdict| told(&verdict)),
        }
    };
    let done: Result<_, Fault> = match journal::with_store(&configured.config, err, work)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    let (fault, exit) = match done {
        Ok((told, exit)) => {
            writeln!(out, "{told}")?;
            return Ok(exit);
        }
        Err(Fault::Bus(trouble)) => (trouble.told.en, Exit::Unreachable),
        Err(Fault::Store(error)) => (error.reason.clone(), journal::exit_of(&error)),
        Err(Fault::Told(told)) => (told, Exit::Faulty),
    };
    writeln!(err, "{fault}")?;
    Ok(exit)
}

fn told(verdict: &Verdict) -> (String, Exit) {
    let Verdict { span: (from, to), events, found, repeated, lost, strange, lacking, missing } =
        verdict;
    let mut lines = vec![
        format!("entries    {from} to {to}"),
        format!("events     {events}"),
        format!("found      {found}, and {repeated} of them again"),
    ];
    if *lost > 0 {
        lines.push(format!("lost       {lost}: of the log before this one, which was restored"));
    }
    if *strange > 0 {
        lines.push(format!("strange    {strange}: of another log, or not as the journal has them"));
    }
    let well = *lacking == 0 && *strange == 0;
    match well {
        true if *from == 0 => lines.push("the broker has every event".to_owned()),
        true => lines.push(format!("the broker has nothing before {from}: lienthong bus rebuild")),
        false => {
            lines.push(format!("missing    {lacking}, such as {}", missing.join(", ")));
            lines.push("publish them again: lienthong bus rebuild".to_owned());
        }
    }
    (lines.join("\n"), if well && *from == 0 { Exit::Done } else { Exit::PartlyRefused })
}
