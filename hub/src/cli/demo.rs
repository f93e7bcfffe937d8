//! `lienthong demo`: the agencies play their messages into a hub over HTTP.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Exit, block_on,
    send::{self, Letter},
};
use crate::{
    auth::{self, Principal},
    config::{Config, StoreAddress},
    hub::{Hub, HubError},
    registry::Settings,
    store::StoreError,
};

/// A folder of its own for the demo's store, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("lienthong-demo-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the system's own folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What became of one channel's messages.
#[derive(Debug, Default)]
struct Tally {
    sent: u32,
    outcomes: BTreeMap<String, u32>,
    records: u64,
    refused: u64,
}

pub(super) fn run(
    once: bool,
    listen: SocketAddr,
    (agencies, catalogue): (&Path, &Path),
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let scratch = Scratch::new()?;
    fs::create_dir_all(scratch.0.join("drops"))?;
    // One that only processes and ends needs no fixed address.
    let listen = if once { SocketAddr::from(([127, 0, 0, 1], 0)) } else { listen };
    let config = Config {
        listen,
        store: StoreAddress::Sqlite(scratch.0.join("hub.db")),
        agencies: agencies.to_owned(),
        drops: Some(scratch.0.join("drops")),
        catalogue: Some(catalogue.to_owned()),
        settings: Settings::default(),
        log: "warn".to_owned(),
        log_json: false,
    };
    block_on(async {
        let hub = match Hub::start(&config).await {
            Ok(hub) => hub,
            Err(error) => {
                writeln!(err, "{error}")?;
                return Ok(Exit::Faulty);
            }
        };
        if let Err(error) = play(&hub, out).await {
            writeln!(err, "{error}")?;
            hub.stop().await?;
            return Ok(Exit::Faulty);
        }
        if once {
            hub.stop().await?;
        } else {
            let address = hub.address;
            writeln!(out, "\nTrang theo dõi / status page: http://{address}/console")?;
            writeln!(out, "Ctrl-C để dừng / to stop")?;
            out.flush()?;
            hub.run().await?;
        }
        Ok(Exit::Done)
    })?
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

async fn play(hub: &Hub, out: &mut impl Write) -> Result<(), DemoError> {
    let client = reqwest::Client::new();
    let url = format!("http://{}", hub.address);
    writeln!(
        out,
        "{:<34}{:>6}  {:<42}{:>8}{:>9}",
        "channel", "sent", "outcomes", "records", "refused"
    )?;
    for (id, channel) in &hub.operations.catalog.channels {
        let agency = id.split('.').next().unwrap_or(id).to_owned();
        let key = key(hub, &Principal::Agency(agency)).await?;
        let mut tally = Tally::default();
        for file in messages(&channel.folder.join("fixtures").join(&channel.name))? {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let letter = Letter {
                channel: id.clone(),
                url: url.clone(),
                key: key.clone(),
                id: Some(name.to_owned()),
                file,
            };
            // Networks repeat: every message goes twice, and counts once.
            for _ in 0..2 {
                let payload = fs::read(&letter.file)?;
                let (_, answer) = send::push(&client, &letter, payload).await?;
                count(&mut tally, &serde_json::from_str(&answer)?);
            }
        }
        let outcomes: Vec<String> =
            tally.outcomes.iter().map(|(outcome, n)| format!("{n} {outcome}")).collect();
        let Tally { sent, records, refused, .. } = tally;
        let outcomes = outcomes.join(", ");
        writeln!(out, "{id:<34}{sent:>6}  {outcomes:<42}{records:>8}{refused:>9}")?;
    }
    show(hub, &client, &url, out).await
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

fn count(tally: &mut Tally, answer: &Value) {
    tally.sent += 1;
    // A refusal carries the receipt inside its problem.
    let receipt = answer.get("receipt").unwrap_or(answer);
    let outcome = receipt.get("outcome").and_then(Value::as_str).unwrap_or("?");
    *tally.outcomes.entry(outcome.to_owned()).or_default() += 1;
    if outcome != "duplicate" {
        let number = |name: &str| receipt.get(name).and_then(Value::as_u64).unwrap_or(0);
        tally.records += number("records");
        tally.refused += number("refused");
    }
}

/// One look-up and one statistic, as the portal would ask for them.
async fn show(
    hub: &Hub,
    client: &reqwest::Client,
    url: &str,
    out: &mut impl Write,
) -> Result<(), DemoError> {
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
