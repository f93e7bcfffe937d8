//! The agencies' folders: which channels there are, compiled.

mod called;
mod drift;
mod dropped;
mod expected;
mod mode;
mod outbound;
mod own;
mod owners;
mod read;
mod tables;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use contracts::Contracts;
use mappings::{Diagnostic, Gazetteer, Mapping, Sources};
use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    journal::{entry::Mode, merkle::Digest},
    registry::{Reference, Settings, SourceRule},
    store::Rules,
};

pub use called::Called;
pub use drift::{DriftTold, HoldsOn, KindsTold};
pub use dropped::Dropped;
use dropped::Source;
pub use expected::Expected;
pub use mode::{CurrentMode, ModeChange, SeenFiles, promote};
pub use outbound::{
    InsertTold, OutboundChannel, OutboundSettings, PortalTold, PublishTold, Sending, Sent, SoapTold,
};
pub use own::{
    ACKNOWLEDGEMENTS, ANSWERS, APPLICATIONS, FEEDBACK, Own, REPLIES, REQUESTS, speaks_for,
};
pub use read::{AmqpTold, DatabaseTold, How, Needed, PollTold, Read, SftpTold};

/// `agency.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// Hub id, equal to the folder's name.
    pub id: String,
    /// Name in Vietnamese.
    pub name: String,
    /// Name in English.
    pub name_en: String,
    /// Requests of its systems under way together, where it is not as many as others have.
    #[serde(default, deserialize_with = "at_once")]
    pub requests_at_once: Option<usize>,
    /// The channels by name.
    pub channels: BTreeMap<String, ChannelSettings>,
    /// What it is sent, by the channels' names.
    #[serde(default)]
    pub outbound: BTreeMap<String, OutboundSettings>,
    /// Its source systems, by the name that records give them: rank and what they own.
    #[serde(default)]
    pub sources: BTreeMap<String, SourceRule>,
}

/// Requests of an agency under way together, at most.
const REQUESTS_AT_ONCE_MAX: usize = 1024;

fn at_once<'de, D: Deserializer<'de>>(told: D) -> Result<Option<usize>, D::Error> {
    let number = usize::deserialize(told)?;
    if (1..=REQUESTS_AT_ONCE_MAX).contains(&number) {
        return Ok(Some(number));
    }
    let most = REQUESTS_AT_ONCE_MAX;
    let message = format!("requests_at_once = {number} is not between 1 and {most}");
    Err(D::Error::custom(format!("{message}: write a number between them, or leave it out")))
}

/// One channel in `agency.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// File of its mapping.
    pub mapping: String,
    /// `live` unless it says `trial` or `backfill`.
    #[serde(default = "live")]
    pub mode: Mode,
    /// How it is received: `rest` unless it says otherwise.
    #[serde(default)]
    pub transport: Received,
    /// For `rest`: the API that the hub reads, where it is not pushed.
    pub poll: Option<PollTold>,
    /// For `database`: the query that the hub reads.
    pub database: Option<DatabaseTold>,
    /// For `amqp`: the queue that the hub consumes.
    pub amqp: Option<AmqpTold>,
    /// For `file`: the folder on a server that the hub reads, where nobody drops files here.
    pub sftp: Option<SftpTold>,
    /// For `file`: where its drop folder lies below `drops` of `hub.toml`.
    pub folder: Option<toml::Spanned<String>>,
    /// For `file`: how a sender shows that a file is whole.
    pub ready: Option<toml::Spanned<String>>,
    /// For `file`: seconds between two looks at the folder.
    pub look_seconds: Option<toml::Spanned<u64>>,
    /// For `file`: files handed over at the same time.
    pub at_once: Option<toml::Spanned<u64>>,
    /// Hours that may pass until the channel is heard from again; learned where not told.
    pub expect_hours: Option<toml::Spanned<u64>>,
    /// On which days it is expected: `working`, `all` or `never`.
    pub expect_days: Option<toml::Spanned<String>>,
    /// What becomes of it when what it sends has changed: `pass` unless it says `hold`.
    pub drift: Option<toml::Spanned<DriftTold>>,
    /// For `soap`, `lgsp`, `dvcqg`: what its agency calls.
    pub operation: Option<toml::Spanned<String>>,
    /// For `soap`: the namespace of that element.
    pub namespace: Option<toml::Spanned<String>>,
}

/// The transports by which a channel receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Received {
    /// Pushed over HTTP.
    #[default]
    Rest,
    /// Dropped as files.
    File,
    /// Called over SOAP.
    Soap,
    /// Called in the dialect of LGSP.
    Lgsp,
    /// Called in the dialect of the national portal.
    Dvcqg,
    /// Read from a database.
    Database,
    /// Consumed from a queue.
    Amqp,
}

fn live() -> Mode {
    Mode::Live
}

/// One channel, compiled.
pub struct Channel {
    /// `agency.channel`.
    pub id: String,
    /// The agency's folder.
    pub folder: PathBuf,
    /// The channel's name.
    pub name: String,
    /// Its mapping.
    pub mapping: Mapping,
    /// Hash of the mapping's texts: what entries carry.
    pub hash: Digest,
    /// Whether what it sends counts.
    pub mode: CurrentMode,
    /// Its drop folder, where it is received by files.
    pub dropped: Option<Dropped>,
    /// The operation by which its agency calls it, where it is called by one.
    pub called: Option<Called>,
    /// How the hub reads it, where it does.
    pub read: Option<Read>,
    /// When it is expected to be heard from.
    pub expected: Expected,
    /// The kinds of change in what it sends by which it is held.
    pub holds_on: HoldsOn,
}

impl Channel {
    /// The word for how it is received.
    pub fn transport(&self) -> &'static str {
        match (&self.dropped, &self.called, &self.read) {
            (Some(_), ..) => "file",
            (None, Some(called), _) => called.transport,
            (None, None, Some(read)) => read.how.transport(),
            (None, None, None) => "rest",
        }
    }
}

/// All agencies and their channels.
#[derive(Default)]
pub struct Catalog {
    /// Agencies in the order of their ids.
    pub agencies: Vec<Agency>,
    /// Channels by id.
    pub channels: BTreeMap<String, Channel>,
    /// Channels by which agencies are sent something, by id.
    pub outbound: BTreeMap<String, Arc<OutboundChannel>>,
    /// The hub's own channels, where it runs.
    pub own: Option<Own>,
    /// Whose source systems are whose.
    pub owners: owners::Owners,
}

impl Catalog {
    /// The channel of an id: an agency's, or one of the hub's own.
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.get(id).or_else(|| self.own.as_ref()?.channel(id))
    }

    /// The channel by which an agency takes what is addressed to it under a contract, where it is
    /// sent that.
    pub fn taking(&self, agency: &str, contract: &str) -> Option<&Arc<OutboundChannel>> {
        let own = format!("{agency}.");
        let all = self.outbound.range(own.clone()..).take_while(|(id, _)| id.starts_with(&own));
        all.map(|(_, channel)| channel).find(|one| one.takes.iter().any(|known| known == contract))
    }

    /// Reads and compiles every agency's folder under `root`.
    ///
    /// # Errors
    /// Every fault of every file, so that one run shows all there is to mend.
    pub fn load(root: &Path, contracts: &Contracts) -> Result<Self, Vec<Diagnostic>> {
        let mut catalog = Self { own: Some(Own::compile(contracts)?), ..Self::default() };
        let mut found = Vec::new();
        let mut folders: Vec<PathBuf> = match fs::read_dir(root) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => {
                let advice = "name the folder with --mappings";
                return Err(vec![unreadable(root, &error.to_string(), advice)]);
            }
        };
        folders.retain(|path| path.is_dir());
        folders.sort();
        for folder in folders {
            if let Err(faults) = catalog.agency(&folder, contracts) {
                found.extend(faults);
            }
        }
        catalog.owners = owners::Owners::of(&catalog);
        if found.is_empty() { Ok(catalog) } else { Err(found) }
    }

    /// What folds depend on: ranks and ownership of all sources, and how the province counts.
    pub fn rules(&self, settings: Settings) -> Rules {
        let sources = self.agencies.iter().flat_map(|agency| agency.sources.clone());
        Rules { reference: Reference { sources: sources.collect() }, settings }
    }

    /// How many requests may be under way together of agencies that say so, by their ids.
    pub(crate) fn requests_at_once(&self) -> HashMap<String, usize> {
        let told = |agency: &Agency| Some((agency.id.clone(), agency.requests_at_once?));
        self.agencies.iter().filter_map(told).collect()
    }

    fn agency(&mut self, folder: &Path, contracts: &Contracts) -> Result<(), Vec<Diagnostic>> {
        let file = folder.join("agency.toml");
        let text = read_text(&file)?;
        let agency: Agency = toml::from_str(&text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let name = file.display().to_string();
            vec![Diagnostic::at(&name, &text, &span, error.message().to_owned(), "")]
        })?;
        misnamed(&agency.id, &file, folder)?;
        let tables = tables::read(&folder.join("tables"))?;
        let mut found = Vec::new();
        for (name, settings) in &agency.channels {
            if own::is_taken(name) {
                let message = format!("`{name}` is a channel that the hub has itself");
                found.push(unreadable(&file, &message, "give it another name"));
            }
            let source = Source { file: &file, text: &text };
            let dropped = dropped::read(&source, settings, self).unwrap_or_else(|fault| {
                found.push(*fault);
                None
            });
            let called = called::read(&source, (&agency.id, name), settings, self);
            let called = called.unwrap_or_else(|fault| {
                found.push(*fault);
                None
            });
            let read = read::read(&source, settings).unwrap_or_else(|fault| {
                found.push(*fault);
                None
            });
            let expected = expected::read(&source, settings).unwrap_or_else(|fault| {
                found.push(*fault);
                Expected::default()
            });
            let holds_on = drift::read(&source, settings).map_err(|fault| found.push(*fault));
            match channel(folder, (&agency.id, name), settings, &tables, contracts) {
                Ok(mut channel) => {
                    if let Some(called) = &called
                        && let Err(fault) = called::fits(&source, called, &channel.mapping)
                    {
                        found.push(*fault);
                    }
                    (channel.dropped, channel.called, channel.read) = (dropped, called, read);
                    channel.expected = expected;
                    channel.holds_on = holds_on.unwrap_or_default();
                    self.channels.insert(channel.id.clone(), channel);
                }
                Err(faults) => found.extend(faults),
            }
        }
        for (name, settings) in &agency.outbound {
            let source = Source { file: &file, text: &text };
            if agency.channels.contains_key(name) {
                let message = format!("`{name}` is a channel by which the agency sends");
                found.push(unreadable(&file, &message, "give them two names"));
            }
            let named = (agency.id.as_str(), name.as_str());
            match outbound::compile((&source, folder), named, settings, &tables, contracts) {
                Ok(channel) => {
                    let addressed = outbound::Addressed { agency: &agency, catalog: self };
                    found.extend(addressed.faults(&source, &channel, settings));
                    self.outbound.insert(channel.id.to_string(), Arc::new(channel));
                }
                Err(faults) => found.extend(faults),
            }
        }
        self.agencies.push(agency);
        if found.is_empty() { Ok(()) } else { Err(tables::once(found, folder)) }
    }
}

/// Whether an agency's folder is named as it is, and may be.
fn misnamed(id: &str, file: &Path, folder: &Path) -> Result<(), Vec<Diagnostic>> {
    if folder.file_name().and_then(|name| name.to_str()) != Some(id) {
        let message = format!("the id `{id}` is not the folder's name");
        return Err(vec![unreadable(file, &message, "give both the same name")]);
    }
    if own::is_reserved(id) {
        let message = format!("`{id}` stands for the hub or the portal");
        return Err(vec![unreadable(file, &message, "give the agency another id")]);
    }
    Ok(())
}

fn channel(
    folder: &Path,
    (agency, name): (&str, &str),
    settings: &ChannelSettings,
    tables: &BTreeMap<String, String>,
    contracts: &Contracts,
) -> Result<Channel, Vec<Diagnostic>> {
    let path = folder.join(&settings.mapping);
    let text = read_text(&path)?;
    let sources = Sources { file: path.display().to_string(), text, tables: tables.clone() };
    let mapping = Mapping::compile(&sources, contracts)?;
    let id = format!("{agency}.{name}");
    let (folder, name) = (folder.to_owned(), name.to_owned());
    Ok(Channel {
        id,
        folder,
        name,
        mapping,
        hash: hash(&sources),
        mode: CurrentMode::new(settings.mode),
        dropped: None,
        called: None,
        read: None,
        expected: Expected::default(),
        holds_on: HoldsOn::new(),
    })
}

/// Names, lengths and texts, so that no two sets of files run together.
fn hash(sources: &Sources) -> Digest {
    let mut bytes = format!("{}\n", sources.text.len()).into_bytes();
    bytes.extend_from_slice(sources.text.as_bytes());
    for (name, table) in &sources.tables {
        bytes.extend_from_slice(format!("\n{name} {}\n", table.len()).as_bytes());
        bytes.extend_from_slice(table.as_bytes());
    }
    Digest::of(&bytes)
}

fn read_text(path: &Path) -> Result<String, Vec<Diagnostic>> {
    fs::read_to_string(path).map_err(|error| vec![unreadable(path, &error.to_string(), "")])
}

fn unreadable(path: &Path, message: &str, advice: &str) -> Diagnostic {
    Diagnostic::at(&path.display().to_string(), "", &(0..0), message.to_owned(), advice)
}

/// The province's communes and agencies, 2013 to today, compiled in.
///
/// # Errors
/// A sentence, when the compiled-in list cannot be read.
pub fn gazetteer() -> Result<Gazetteer, String> {
    Gazetteer::from_csv(include_str!("../../mappings/units/units.csv"))?
        .with_agencies(include_str!("../../mappings/units/agencies.csv"))
}
