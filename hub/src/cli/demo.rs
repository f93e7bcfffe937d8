//! `lienthong demo`: the agencies play their messages into a hub, and go on as people would.

mod exchange;
mod flows;
mod stage;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use contracts::Contracts;
use futures_util::future::{join_all, try_join_all};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    Exit, Folder, block_on,
    door::{Door, DoorError, Tally},
    replies::{self, Replied},
    simulate::{self, Broken, Rhythm, Told, Way},
    system::{self, Systems},
};
use crate::{
    auth::{self, Principal},
    catalog::{Catalog, Channel},
    hub::{Hub, HubError, ToldToEnd},
    operations::agency_of,
    simulation::{Asked, Receiving, Simulation, SimulationError},
    store::StoreError,
};
use exchange::Exchange;
use stage::{Made, Stage};

/// A demo.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Process every sample once, print what came of it, and end.
    #[arg(long, conflicts_with_all = ["pace", "messages", "seed"])]
    once: bool,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder of the catalogue.
    #[arg(long, default_value = "examples/dong-nai")]
    catalogue: PathBuf,
    /// Folder of the demo's own agencies, its configuration and its routes.
    #[arg(long, default_value = "examples/demo")]
    own: PathBuf,
    /// A broker's address: one agency more sends by its queue `lienthong-demo`.
    #[arg(long)]
    amqp: Option<String>,
    #[command(flatten)]
    rhythm: Rhythm,
    #[command(flatten)]
    folder: Folder,
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    match block_on(play(options, out))? {
        Ok(()) => Ok(Exit::Done),
        Err(DemoError::Io(error)) => Err(error),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}

async fn play(options: &Options, out: &mut impl Write) -> Result<(), DemoError> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (listener, address) = system::listener(any).await?;
    let amqp = options.amqp.as_deref();
    let stage = Stage::new(&Made {
        agencies: &options.folder.mappings,
        own: &options.own,
        catalogue: &options.catalogue,
        systems: address,
        amqp,
    })?;
    let mut config = stage.config(amqp.is_some()).map_err(HubError::Faulty)?;
    // One that only processes and ends needs no fixed address.
    config.listen = if options.once { any } else { options.listen };
    config.catalogue = Some(stage.catalogue());
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let catalog = Catalog::load(&config.agencies, &contracts).map_err(HubError::Faulty)?;
    stage.keep_addresses(&catalog, amqp)?;
    let (desk, replies) = replies::desk();
    let (systems, seed) = (Systems::replying(desk), options.rhythm.seed());
    // What is read stands there before it is.
    let laid = laid(&catalog, &stage, (&systems, seed), amqp)?;
    let replying = receivers(&catalog, &systems, seed)?;
    let answering = tokio::spawn(systems.clone().serve(listener));
    let hub = Hub::start(&config).await?;
    let replied = Replied::default();
    let played = async {
        let silent = exchange::answering(&catalog, replying.clone());
        let by = (replying, &systems, seed);
        let replying = exchange::reply(&hub, by, (replies, replied.clone())).await?;
        let exchange = Exchange::begin(&hub).await?;
        let mut doors = doors(&hub, &stage.drops(), (laid, &silent)).await?;
        let mut tallies = samples(&hub, &mut doors, out).await?;
        exchange.apply().await?;
        show(&hub, out).await?;
        flows::deliveries(&hub, &systems, out).await?;
        exchange.tell(out).await?;
        tallies.extend(exchange::tallies(&catalog, &systems, &replied));
        Ok::<_, DemoError>((doors, tallies, replying))
    };
    let played = match played.await {
        Ok((doors, tallies, replying)) => {
            let played = match options.once {
                true => hub.stop().await.map_err(DemoError::Io),
                false => go_on(hub, doors, tallies, (&options.rhythm, seed), out).await,
            };
            replying.abort();
            played
        }
        Err(error) => {
            hub.stop().await?;
            Err(error)
        }
    };
    answering.abort();
    played
}

/// Has every agency that is sent something play it; the channels by which their people reply.
fn receivers(
    catalog: &Catalog,
    systems: &Systems,
    seed: u64,
) -> Result<BTreeSet<String>, DemoError> {
    let mut by = BTreeSet::new();
    for channel in catalog.outbound.values() {
        let receiving = Receiving::load(&channel.folder, &channel.id, seed)?;
        let own = |name: &str| format!("{}.{name}", agency_of(&channel.id));
        by.extend(receiving.replies_by().map(own));
        let asked = Asked::new(receiving.conduct.clone(), seed, &channel.id);
        systems.take(channel, receiving, asked);
    }
    Ok(by)
}

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    #[error("failed to reach the hub: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the hub answered what is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

async fn key(hub: &Hub, principal: &Principal) -> Result<String, StoreError> {
    let (key, shown) = auth::new_key(principal)?;
    hub.operations.store.add_key(key).await?;
    hub.keys.refresh(&*hub.operations.store).await?;
    Ok(shown)
}

/// The ways of channels that the hub reads.
fn laid(
    catalog: &Catalog,
    stage: &Stage,
    systems: (&Systems, u64),
    amqp: Option<&str>,
) -> Result<BTreeMap<String, Door>, DemoError> {
    let mut doors = BTreeMap::new();
    for (id, channel) in catalog.channels.iter().filter(|(_, channel)| channel.read.is_some()) {
        let Some(simulation) = Simulation::load(&channel.folder, id, systems.1)? else { continue };
        let file = stage.database(id);
        let way = Way { url: "", key: None, drop: None, database: Some(&file), amqp };
        let door = simulate::door(channel, Some(&simulation), &way, systems);
        doors.insert(id.clone(), door.map_err(io::Error::other)?);
    }
    Ok(doors)
}

/// The way in of every channel, as its agency has it.
async fn doors(
    hub: &Hub,
    drops: &Path,
    (laid, silent): (BTreeMap<String, Door>, &BTreeSet<String>),
) -> Result<BTreeMap<String, Door>, DemoError> {
    let url = format!("http://{}", hub.address);
    let mut doors = laid;
    let channels = hub.operations.catalog.channels.iter();
    let sends =
        |(id, channel): &(&String, &Channel)| channel.read.is_none() && !silent.contains(*id);
    for (id, channel) in channels.filter(sends) {
        let door = match &channel.dropped {
            Some(dropped) => Door::drop(&drops.join(dropped.folder.to_string())),
            None => {
                let agency = id.split('.').next().unwrap_or(id).to_owned();
                Door::over_http(channel, &url, &key(hub, &Principal::Agency(agency)).await?)?
            }
        };
        doors.insert(id.clone(), door);
    }
    Ok(doors)
}

/// Every channel's sample messages, and what became of them.
async fn samples(
    hub: &Hub,
    doors: &mut BTreeMap<String, Door>,
    out: &mut impl Write,
) -> Result<BTreeMap<String, Tally>, DemoError> {
    let channels = &hub.operations.catalog.channels;
    let playing = doors.iter_mut().filter_map(|(id, door)| {
        let channel = channels.get(id)?;
        Some(async move { Ok::<_, DemoError>((id.clone(), twice(channel, door).await?)) })
    });
    let tallies: BTreeMap<String, Tally> = try_join_all(playing).await?.into_iter().collect();
    try_join_all(tallies.iter().map(|(id, tally)| flows::read(hub, id, tally.sent / 2))).await?;
    flows::rows(hub, &tallies, out).await?;
    Ok(tallies)
}

/// Networks repeat, and people copy twice: every message goes twice, and counts once.
async fn twice(channel: &Channel, door: &mut Door) -> Result<Tally, DemoError> {
    let mut tally = Tally::default();
    for _ in 0..2 {
        for file in messages(&channel.folder.join("fixtures").join(&channel.name))? {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let answers = door.send(name, fs::read(&file)?).await?;
            answers.iter().for_each(|answer| tally.count(answer));
        }
        door.settle().await?.iter().for_each(|answer| tally.count(answer));
    }
    Ok(tally)
}

/// The native files of a channel, in order.
fn messages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains(".in."))
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The agencies go on until somebody ends the demo.
async fn go_on(
    hub: Hub,
    doors: BTreeMap<String, Door>,
    tallies: BTreeMap<String, Tally>,
    (rhythm, seed): (&Rhythm, u64),
    out: &mut impl Write,
) -> Result<(), DemoError> {
    let told = ToldToEnd::new()?;
    let address = hub.address;
    writeln!(out, "\nTrang theo dõi / status page: http://{address}/console")?;
    writeln!(out, "Các cơ quan tiếp tục gửi / the agencies go on sending, --seed {seed}")?;
    writeln!(out, "Ctrl-C để dừng / to stop")?;
    out.flush()?;
    let stop = CancellationToken::new();
    let ledger = RefCell::new((tallies, out));
    let mut simulations = Vec::new();
    for (id, door) in doors {
        let channel = hub.operations.catalog.channels.get(&id);
        let Some(folder) = channel.map(|channel| channel.folder.clone()) else { continue };
        if let Some(simulation) = Simulation::load(&folder, &id, seed)? {
            simulations.push((simulation, door));
        }
    }
    let playing = async {
        let all = simulations.iter_mut().map(async |(simulation, door)| {
            let id = simulation.channel().to_owned();
            let mut tell = |news: &Told<'_>| {
                let (tallies, out) = &mut *ledger.borrow_mut();
                tallies.entry(id.clone()).or_default().count(news.answer);
                simulate::line(&id, news, out)
            };
            // One agency that breaks down stops no other.
            match simulate::play(simulation, door, rhythm, &stop, &mut tell).await {
                Err(Broken::Io(error)) => Err(error),
                Err(broken) => writeln!(ledger.borrow_mut().1, "{id}: {broken}"),
                Ok(()) => Ok(()),
            }
        });
        let ended: io::Result<()> = join_all(all).await.into_iter().collect();
        if ended.is_ok() && rhythm.ends() && !stop.is_cancelled() {
            let (tallies, out) = &mut *ledger.borrow_mut();
            table(tallies, out)?;
            writeln!(out, "Đã gửi hết / all messages are sent")?;
            out.flush()?;
        }
        ended
    };
    // The agencies are told to stop when the hub is, so that none finds it gone.
    let leaving = async {
        ToldToEnd::new()?.wait().await;
        stop.cancel();
        Ok::<(), io::Error>(())
    };
    let (ran, played, left) = tokio::join!(hub.run(told, None), playing, leaving);
    let (tallies, out) = &mut *ledger.borrow_mut();
    writeln!(out)?;
    table(tallies, out)?;
    ran.and(played).and(left).map_err(DemoError::Io)
}

fn table(tallies: &BTreeMap<String, Tally>, out: &mut impl Write) -> io::Result<()> {
    simulate::head(out)?;
    tallies.iter().try_for_each(|(id, tally)| simulate::row(id, tally, out))
}

/// One look-up and one statistic, as the portal would ask for them.
async fn show(hub: &Hub, out: &mut impl Write) -> Result<(), DemoError> {
    let (client, url) = (reqwest::Client::new(), format!("http://{}", hub.address));
    let key = key(hub, &Principal::Portal).await?;
    let get = async |path: &str| {
        let response = client.get(format!("{url}{path}")).bearer_auth(&key).send().await?;
        let text = response.text().await?;
        Ok::<Value, DemoError>(serde_json::from_str(&text)?)
    };
    let path = "/v1/dossiers/BH.HKD.13.002201";
    let found = get(path).await?;
    let dossier = &found["dossier"];
    writeln!(out, "\nGET {path}")?;
    for member in ["procedure_name", "status", "status_raw", "accepted_at", "due_at", "finished_at"]
    {
        writeln!(out, "  {member:<16}{}", dossier[member])?;
    }
    let steps = found["history"].as_array().map_or(0, Vec::len);
    writeln!(out, "  {:<16}{steps} observations", "history")?;
    let path = "/v1/statistics?from=2013-01-01&to=2014-12-31&by=agency";
    let statistic = get(path).await?;
    writeln!(out, "\nGET {path}")?;
    for row in statistic["rows"].as_array().into_iter().flatten() {
        let measures = &row["measures"];
        let agency = row["agency"].as_str().unwrap_or("");
        let number = |name: &str| measures[name].as_i64().unwrap_or(0);
        let (accepted, open) = (number("accepted"), number("open"));
        let (late, overdue) = (number("finished-late"), number("overdue"));
        write!(out, "  {agency:<28}accepted {accepted:>2}  open {open:>2}")?;
        writeln!(out, "  finished late {late:>2}  overdue {overdue:>2}")?;
    }
    writeln!(out, "  as of journal position {}", statistic["as_of"])?;
    Ok(())
}
