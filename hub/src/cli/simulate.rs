//! `lienthong agency simulate`: plays an agency, at the pace of its people: one that sends, whose
//! system is read, or that is sent something.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use clap::Args;
use contracts::Contracts;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    Exit, Folder, block_on,
    door::{Answer, Door, DoorError, Tally},
    faulty,
    offered::Offered,
    receive,
    system::{self, Systems},
};
use crate::{
    catalog::{Catalog, Channel, How},
    simulation::{Asked, Book, Conduct, Simulation, SimulationError},
};

/// How often answers to files are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The first message waits less.
const FIRST_PART: u32 = 4;

/// An agency to play.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Agency by id, or one channel of it as agency.channel.
    name: String,
    /// The hub, where messages are pushed.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The agency's API key, where messages are pushed.
    #[arg(long)]
    key: Option<String>,
    /// Drop messages as files into this folder instead.
    #[arg(long, conflicts_with = "key")]
    drop: Option<PathBuf>,
    /// Where its system answers, for channels whose API is read or that are sent something.
    #[arg(long, default_value = "127.0.0.1:8090")]
    serve: SocketAddr,
    /// The SQLite file of its system, for channels whose database is read.
    #[arg(long)]
    database: Option<PathBuf>,
    /// The broker's address, for channels whose queue is consumed.
    #[arg(long)]
    amqp: Option<String>,
    #[command(flatten)]
    conduct: Conduct,
    #[command(flatten)]
    pub(super) rhythm: Rhythm,
    #[command(flatten)]
    folder: Folder,
}

/// How a simulation goes on.
#[derive(Debug, Clone, Args)]
pub(super) struct Rhythm {
    /// How many times as fast as people work.
    #[arg(long, default_value_t = 1.0, value_parser = pace)]
    pace: f64,
    /// Messages of each agency, then no more; endless unless told.
    #[arg(long)]
    messages: Option<u64>,
    /// Repeats a simulation; a new one each time unless told.
    #[arg(long)]
    seed: Option<u64>,
}

fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| "write a number such as 1 or 20".to_owned())?;
    match (0.01..=100_000.0).contains(&pace) {
        true => Ok(pace),
        false => Err("write a number from 0.01 to 100000".to_owned()),
    }
}

impl Rhythm {
    /// The seed told, or one of the moment.
    pub(super) fn seed(&self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.seed.unwrap_or_else(|| now.map_or(0, |since| since.as_secs()))
    }

    /// Whether the simulation ends by itself.
    pub(super) fn ends(&self) -> bool {
        self.messages.is_some()
    }
}

/// Why a simulation ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An answer, and the mistake that was made on purpose in the message.
pub(super) struct Told<'a> {
    pub(super) answer: &'a Answer,
    mistake: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// An answer to what was meant as it is.
    pub(super) fn of(answer: &'a Answer) -> Self {
        Self { answer, mistake: None }
    }
}

/// Mistakes of messages that are not answered yet, by id.
#[derive(Default)]
struct Mistakes(BTreeMap<String, String>);

impl Mistakes {
    fn tell(
        &mut self,
        answers: &[Answer],
        tell: &mut impl FnMut(&Told<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        answers.iter().try_for_each(|answer| {
            let mistake = self.0.remove(&answer.id);
            tell(&Told { answer, mistake: mistake.as_deref() })
        })
    }
}

/// Plays one channel until it has sent all its messages, or is told to stop; `tell` is told every
/// answer.
///
/// # Errors
/// [`Broken`].
pub(super) async fn play(
    simulation: &mut Simulation,
    door: &mut Door,
    rhythm: &Rhythm,
    stop: &CancellationToken,
    tell: &mut impl FnMut(&Told<'_>) -> io::Result<()>,
) -> Result<(), Broken> {
    let (mut sent, mut mistakes) = (0, Mistakes::default());
    while rhythm.messages.is_none_or(|messages| sent < messages) {
        let mut pause = simulation.pause(rhythm.pace);
        if sent == 0 {
            pause /= FIRST_PART;
        }
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|l| !l.is_zero())
        {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            }
            mistakes.tell(&door.answered()?, tell)?;
        }
        let native = simulation.next(Timestamp::now())?;
        if let Some(code) = native.wrong {
            mistakes.0.insert(native.id.clone(), code);
        }
        let answers = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            answers = door.send(&native.id, native.payload) => answers?,
        };
        mistakes.tell(&answers, tell)?;
        sent += 1;
    }
    tokio::select! {
        () = stop.cancelled() => {}
        answers = door.settle() => mistakes.tell(&answers?, tell)?,
    }
    Ok(())
}

/// One line for an answer: when, which channel, what became of it, records stored and refused, its
/// id, and what was wrong on purpose.
pub(super) fn line(channel: &str, told: &Told<'_>, out: &mut impl Write) -> io::Result<()> {
    let Answer { id, outcome, records, refused } = told.answer;
    let at = Timestamp::now().strftime("%H:%M:%S").to_string();
    let mistake = told.mistake.map(|code| format!("  ({code})")).unwrap_or_default();
    writeln!(out, "{at}  {channel:<32} {outcome:<9}{records:>4}{refused:>4}  {id}{mistake}")?;
    out.flush()
}

/// A row of the table of what became of all.
pub(super) fn row(channel: &str, tally: &Tally, out: &mut impl Write) -> io::Result<()> {
    let outcomes: Vec<String> =
        tally.outcomes.iter().map(|(outcome, n)| format!("{n} {outcome}")).collect();
    let Tally { sent, records, refused, .. } = tally;
    writeln!(out, "{channel:<40}{sent:>6}  {:<48}{records:>8}{refused:>9}", outcomes.join(", "))
}

/// The head of that table.
pub(super) fn head(out: &mut impl Write) -> io::Result<()> {
    let [channel, sent, outcomes, records, refused] =
        ["channel", "sent", "outcomes", "records", "refused"];
    writeln!(out, "{channel:<40}{sent:>6}  {outcomes:<48}{records:>8}{refused:>9}")
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let catalog = match Catalog::load(&options.folder.mappings, &contracts) {
        Ok(catalog) => catalog,
        Err(found) => return faulty(&found, err),
    };
    let name = &options.name;
    if let Some(channel) = catalog.outbound.get(name) {
        let told = (&options.conduct, options.rhythm.seed());
        let most = options.rhythm.messages.unwrap_or(u64::MAX);
        let way = options.way();
        return receive::run((&catalog, channel), told, (options.serve, most, &way), out, err);
    }
    let of = |channel: &&Channel| {
        channel.id == *name || channel.id.split('.').next() == Some(name.as_str())
    };
    let mut simulations = Vec::new();
    let seed = options.rhythm.seed();
    for channel in catalog.channels.values().filter(of) {
        match Simulation::load(&channel.folder, &channel.id, seed) {
            Ok(found) => simulations.extend(found.map(|found| (channel, found))),
            Err(error) => {
                writeln!(err, "{error}")?;
                return Ok(Exit::Faulty);
            }
        }
    }
    let [(channel, simulation)] = simulations.as_mut_slice() else {
        let told: Vec<_> = simulations.iter().map(|(channel, _)| channel.id.as_str()).collect();
        let words = match told.is_empty() {
            true => format!("`{name}` has no channel with a simulation/CHANNEL.toml"),
            false => format!("name one channel: {}", told.join(", ")),
        };
        writeln!(err, "{words}")?;
        return Ok(Exit::Faulty);
    };
    rehearse(channel, simulation, (options, seed), out, err)
}

/// Plays one channel, and says what became of it.
fn rehearse(
    channel: &Channel,
    simulation: &mut Simulation,
    (options, seed): (&Options, u64),
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    writeln!(out, "{}, --seed {seed}", simulation.channel())?;
    simulation.behave(&options.conduct);
    let systems = Systems::default();
    let mut door = match door(channel, Some(simulation), &options.way(), (&systems, seed)) {
        Ok(door) => door,
        Err(why) => {
            writeln!(err, "{why}")?;
            return Ok(Exit::Faulty);
        }
    };
    let channel = simulation.channel().to_owned();
    let mut tally = Tally::default();
    let broken = block_on(async {
        let stop = CancellationToken::new();
        let mut tell = |told: &Told<'_>| {
            tally.count(told.answer);
            line(&channel, told, out)
        };
        let played = play(simulation, &mut door, &options.rhythm, &stop, &mut tell);
        let answering = answering(&systems, options.serve);
        let played = async {
            played.await?;
            // Who reads it may not have read all yet.
            match systems.is_empty() {
                true => Ok(()),
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            played = played => played,
            ended = answering => ended.map_err(Broken::from),
            told = tokio::signal::ctrl_c() => told.map_err(Broken::from),
        }
    })?;
    head(out)?;
    row(&channel, &tally, out)?;
    ended(broken, err)
}

/// How a message comes to a hub, as far as somebody has said it.
pub(super) struct Way<'a> {
    pub(super) url: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) drop: Option<&'a Path>,
    pub(super) database: Option<&'a Path>,
    pub(super) amqp: Option<&'a str>,
}

impl Options {
    fn way(&self) -> Way<'_> {
        Way {
            url: &self.url,
            key: self.key.as_deref(),
            drop: self.drop.as_deref(),
            database: self.database.as_deref(),
            amqp: self.amqp.as_deref(),
        }
    }
}

/// The way of a channel's messages to a hub: as its agency sends them, or as the hub reads them.
///
/// # Errors
/// A sentence: what is to be said of it.
pub(super) fn door(
    channel: &Channel,
    simulation: Option<&Simulation>,
    way: &Way<'_>,
    (systems, seed): (&Systems, u64),
) -> Result<Door, String> {
    let id = &channel.id;
    let told = |error: DoorError| error.to_string();
    if let Some(folder) = way.drop {
        return Ok(Door::drop(folder));
    }
    match (channel.read.as_ref().map(|read| &read.how), &channel.dropped) {
        (None, None) => {
            let key = way.key.ok_or("name its key: --key")?;
            Door::over_http(channel, way.url, key).map_err(told)
        }
        (None, Some(_)) => Err(format!("{id} is received by files: name its folder with --drop")),
        (Some(How::Rest(_)), _) => {
            let served = simulation.and_then(|one| Some((one.served()?, one.conduct())));
            let (served, conduct) =
                served.ok_or_else(|| format!("the simulation of {id} has no [served]"))?;
            let book = Arc::new(Mutex::new(Book::new(served.clone())));
            systems.show(id, book.clone(), Asked::new(conduct.clone(), seed, id));
            Ok(Door::Offered(Offered::Items(book)))
        }
        (Some(How::Database(_)), _) => {
            let table = simulation.and_then(Simulation::table);
            let table = table.ok_or_else(|| format!("the simulation of {id} has no [table]"))?;
            let file = way.database.ok_or("name the file of its database: --database")?;
            Offered::rows(table, file).map(Door::Offered).map_err(told)
        }
        (Some(How::Sftp(settings)), _) => {
            let folder = &settings.folder;
            Err(format!("{id} is read from a server: name its folder `{folder}` there with --drop"))
        }
        (Some(How::Amqp(settings)), _) => {
            let address = way.amqp.ok_or("name its broker: --amqp")?;
            Ok(Door::Offered(Offered::queue(address, &settings.queue)))
        }
    }
}

/// Serves the systems that there are, for ever.
async fn answering(systems: &Systems, address: SocketAddr) -> io::Result<()> {
    if systems.is_empty() {
        return std::future::pending().await;
    }
    let (listener, _) = system::listener(address).await?;
    systems.clone().serve(listener).await
}

fn ended(played: Result<(), Broken>, err: &mut impl Write) -> io::Result<Exit> {
    let Err(broken) = played else { return Ok(Exit::Done) };
    writeln!(err, "{broken}")?;
    Ok(match broken {
        Broken::Door(DoorError::Unreachable(_) | DoorError::Later(_)) => Exit::Unreachable,
        Broken::Io(error) => return Err(error),
        _ => Exit::Faulty,
    })
}
