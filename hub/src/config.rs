//! `hub.toml`: the only place that reads configuration and the environment.

mod addresses;
mod at_rest;
mod attachments;
mod bus;
mod counting;
mod endpoint;
mod links;
mod sources;
mod tls;
mod webhooks;
mod written;

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use adapters::reach::Network;
use mappings::Diagnostic;
use serde::Deserialize;
use tokio_postgres::config::Host;

use crate::registry::Settings;

use addresses::{address, networks};

pub use attachments::AttachmentSettings;
pub use bus::BusAddress;
pub use endpoint::{Endpoint, Endpoints};
pub use links::LinkSettings;
pub use sources::Sources;
pub use tls::TlsSettings;
pub use webhooks::WebhookSettings;
pub use written::Written;

/// Where the hub keeps its truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database. Shown without its password.
    Postgres(Box<tokio_postgres::Config>),
}

/// The configuration of one hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Where it speaks TLS besides, and by what.
    pub tls: Option<TlsSettings>,
    /// The store.
    pub store: StoreAddress,
    /// Folder of the agencies.
    pub agencies: PathBuf,
    /// Root of the drop folders, for a hub that has some.
    pub drops: Option<PathBuf>,
    /// File of the secrets by which the hub shows agencies' systems who it is, read and sent to.
    pub secrets: Option<PathBuf>,
    /// File of the keys by which what holds persons is sealed at rest.
    pub at_rest: Option<PathBuf>,
    /// Private addresses that it may connect to.
    pub private_networks: Vec<Network>,
    /// Proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Folder of the catalogue that this hub publishes; without one the store's stays in force.
    pub catalogue: Option<PathBuf>,
    /// File of the routes, for a hub that delivers.
    pub routes: Option<PathBuf>,
    /// Where the outbound channels lead.
    pub endpoints: Endpoints,
    /// Where files lie that records name, for a hub that takes some.
    pub attachments: Option<AttachmentSettings>,
    /// What carries events to who subscribes.
    pub bus: BusAddress,
    /// How long whoever subscribed is waited for.
    pub webhooks: WebhookSettings,
    /// How links to e-services are visited.
    pub links: LinkSettings,
    /// How the province counts.
    pub settings: Settings,
    /// What is out of fewer dossiers is left out of numbers for everybody; 0 leaves out nothing.
    pub hide_of_fewer_than: u32,
    /// Filter of the log, in the syntax of `RUST_LOG`.
    pub log: String,
    /// Whether the log is JSON.
    pub log_json: bool,
    /// All of it, as it is written.
    pub written: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "listen")]
    listen: toml::Spanned<String>,
    listen_tls: Option<toml::Spanned<String>>,
    tls: Option<toml::Spanned<tls::Declared>>,
    store: toml::Spanned<String>,
    agencies: PathBuf,
    drops: Option<PathBuf>,
    secrets: Option<PathBuf>,
    at_rest: Option<PathBuf>,
    #[serde(default)]
    private_networks: Vec<toml::Spanned<String>>,
    #[serde(default)]
    trusted_proxies: Vec<toml::Spanned<String>>,
    catalogue: Option<PathBuf>,
    routes: Option<PathBuf>,
    bus: Option<toml::Spanned<String>>,
    #[serde(default)]
    endpoints: BTreeMap<String, toml::Spanned<endpoint::Declared>>,
    #[serde(default)]
    attachments: attachments::Declared,
    #[serde(default)]
    webhooks: webhooks::Declared,
    #[serde(default)]
    links: links::Declared,
    #[serde(default)]
    counting: counting::Declared,
    #[serde(default = "counting::few")]
    hide_of_fewer_than: u32,
    #[serde(default = "log")]
    log: String,
    #[serde(default)]
    log_json: bool,
}

fn listen() -> toml::Spanned<String> {
    toml::Spanned::new(0..0, "127.0.0.1:8080".to_owned())
}

fn log() -> String {
    "info".to_owned()
}

impl Config {
    /// Whether nothing but the hub's own machine reaches it.
    pub fn is_local(&self) -> bool {
        let tls = self.tls.as_ref().map(|tls| tls.listen);
        [Some(self.listen), tls].into_iter().flatten().all(|address| address.ip().is_loopback())
    }

    /// Reads `hub.toml`; paths in it are relative to its folder. `LIENTHONG_LOG` overrides `log`.
    ///
    /// # Errors
    /// Every fault with its line and column.
    pub fn read(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let advice = "name the file with --config";
            vec![Diagnostic::at(&name, "", &(0..0), format!("it cannot be read: {error}"), advice)]
        })?;
        let mut config = Self::parse(&name, &text, path.parent().unwrap_or(Path::new(".")))?;
        if let Ok(filter) = env::var("LIENTHONG_LOG") {
            config.log = filter;
        }
        Ok(config)
    }

    fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            vec![Diagnostic::at(name, text, &span, error.message().to_owned(), "")]
        })?;
        let mut found = Vec::new();
        let listen = address(&file.listen, (name, text), &mut found);
        let listen_tls = file.listen_tls.as_ref();
        let listen_tls = listen_tls.and_then(|told| address(told, (name, text), &mut found));
        let tls = tls::read(listen_tls, file.tls, (name, text, folder), &mut found);
        let store = StoreAddress::parse(file.store.get_ref(), folder);
        if let Err((message, advice)) = &store {
            let span = file.store.span();
            found.push(Diagnostic::at(name, text, &span, message.clone(), advice));
        }
        let secrets = file.secrets.map(|path| folder.join(path));
        let source = endpoint::Source { name, text, folder, secrets: secrets.as_deref() };
        let bus = file.bus.as_ref().map_or(Ok(BusAddress::default()), |told| {
            BusAddress::parse(told.get_ref(), secrets.as_deref()).map_err(|fault| (told, fault))
        });
        if let Err((told, (message, advice))) = &bus {
            found.push(Diagnostic::at(name, text, &told.span(), message.clone(), advice));
        }
        let endpoints = source.endpoints(file.endpoints, &mut found);
        let private_networks = networks(&file.private_networks, (name, text), &mut found);
        let trusted_proxies = networks(&file.trusted_proxies, (name, text), &mut found);
        let webhooks = file.webhooks.settings((name, text), &mut found);
        let links = file.links.settings((name, text), &mut found);
        let attachments = store
            .as_ref()
            .ok()
            .and_then(|store| file.attachments.settings(store, (name, text, folder), &mut found));
        match (listen, store, bus) {
            (Some(listen), Ok(store), Ok(bus)) if found.is_empty() => Ok(Self {
                listen,
                tls,
                store,
                agencies: folder.join(file.agencies),
                drops: file.drops.map(|drops| folder.join(drops)),
                secrets,
                at_rest: file.at_rest.map(|path| folder.join(path)),
                private_networks,
                trusted_proxies,
                catalogue: file.catalogue.map(|path| folder.join(path)),
                routes: file.routes.map(|path| folder.join(path)),
                endpoints,
                attachments,
                webhooks,
                links,
                bus,
                settings: Settings {
                    stopped_is_paused: file.counting.stopped_is_paused(),
                    ..Settings::default()
                },
                hide_of_fewer_than: file.hide_of_fewer_than,
                log: file.log,
                log_json: file.log_json,
                written: Written::read(name, text),
            }),
            _ => Err(found),
        }
    }
}

impl fmt::Display for StoreAddress {
    /// The address without its password and without what else is told the server.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = match self {
            Self::Sqlite(path) => return write!(out, "sqlite:{}", path.display()),
            Self::Postgres(server) => server,
        };
        let role = server.get_user().unwrap_or_default();
        let database = server.get_dbname().unwrap_or(role);
        out.write_str("postgres://")?;
        if !role.is_empty() {
            write!(out, "{role}@")?;
        }
        for (at, host) in server.get_hosts().iter().enumerate() {
            let port = server.get_ports().get(at).or(server.get_ports().last()).unwrap_or(&5432);
            let between = if at > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(out, "{between}{name}:{port}")?,
                Host::Unix(path) => write!(out, "{between}{}:{port}", path.display())?,
            }
        }
        write!(out, "/{database}")
    }
}

impl StoreAddress {
    /// What stands on the command line for an address, as `hub.toml` would have it. `@FILE` is the
    /// first line of a file: a password there is in no list of processes.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(crate) fn line(text: &str) -> Result<String, String> {
        let Some(file) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
        let read = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        Ok(read.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// The address that a text on the command line names: [`Self::line`].
    ///
    /// # Errors
    /// What is wrong with it, and how to mend that.
    pub fn told(text: &str) -> Result<Self, String> {
        let sentence = |(fault, advice): (String, &str)| format!("{fault}: {advice}");
        let line = Self::line(text)?;
        // Whole, so that the same file has one name from wherever it is named.
        let folder = std::path::absolute(".").map_err(|error| error.to_string())?;
        Self::parse(&line, &folder).map_err(sentence)
    }

    /// The address that a text names, or what is wrong with it and how to mend that. An address of
    /// a server may hold a password: it is never repeated.
    fn parse(text: &str, folder: &Path) -> Result<Self, (String, &'static str)> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match (scheme, text.strip_prefix("sqlite:")) {
            (_, Some(file)) if !file.is_empty() => Ok(Self::Sqlite(folder.join(file))),
            ("postgres" | "postgresql", _) => {
                let advice = "write postgres://ROLE:PASSWORD@HOST:PORT/DATABASE";
                let fault =
                    |why: String| (format!("this is no address of a server: {why}"), advice);
                let server: tokio_postgres::Config =
                    text.parse().map_err(|error: tokio_postgres::Error| {
                        let why = std::error::Error::source(&error);
                        fault(why.map_or_else(|| error.to_string(), ToString::to_string))
                    })?;
                match server.get_hosts().is_empty() {
                    true => Err(fault("no host".to_owned())),
                    false => Ok(Self::Postgres(Box::new(server))),
                }
            }
            ("", _) | ("sqlite", _) => Err((format!("`{text}` is no store"), STORES)),
            _ => Err((format!("there is no store `{scheme}:`"), STORES)),
        }
    }
}

/// What a store may be.
const STORES: &str =
    "write sqlite:FILE, such as sqlite:hub.db, or postgres://ROLE:PASSWORD@HOST/DATABASE";

/// The lines of keys that the environment has.
fn keys_variable() -> Option<String> {
    env::var(at_rest::VARIABLE).ok()
}

/// The PostgreSQL that `tests/run` has started for all tests.
#[cfg(test)]
pub(crate) fn test_postgres() -> Option<String> {
    env::var("LIENTHONG_TEST_POSTGRES").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_with_its_place() {
        let text = "listen = \"here\"\nstore = \"postgres\"\nagencies = \"a\"\n";
        let found = Config::parse("hub.toml", text, Path::new(".")).unwrap_err();
        let places: Vec<_> = found.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(places, [(1, 10), (2, 9)]);
    }

    #[test]
    fn a_server_is_an_address_and_its_password_is_never_shown() {
        let parse = |store: &str| {
            let text = format!("store = \"{store}\"\nagencies = \"agencies\"\n");
            Config::parse("hub.toml", &text, Path::new("."))
        };
        let config = parse("postgres://hub:s3cret@db.example:5433/province").unwrap();
        assert!(matches!(&config.store, StoreAddress::Postgres(server)
            if server.get_dbname() == Some("province") && server.get_password().is_some()));
        assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
        for faulty in [
            "postgres://hub:s3cret@db.example:port/province",
            "postgres://hub:s3cret@db.example/province?s3cret=1&sslmode=s3cret",
            "postgres://?password=s3cret",
            "mysql://hub:s3cret@db.example/province",
        ] {
            let found = parse(faulty).unwrap_err();
            assert_eq!((found[0].line, found[0].column), (1, 9));
            let told = format!("{} {:?}", found[0], found);
            assert!(!told.contains(":s3cret") && !told.contains("=s3cret"), "{told}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let text = "store = \"sqlite:hub.db\"\nagencies = \"agencies\"\ncatalogue = \"dm\"\n";
        let config = Config::parse("hub.toml", text, Path::new("/etc/hub")).unwrap();
        assert_eq!(config.catalogue.as_deref(), Some(Path::new("/etc/hub/dm")));
        assert_eq!(config.store, StoreAddress::Sqlite("/etc/hub/hub.db".into()));
        assert_eq!(config.agencies, Path::new("/etc/hub/agencies"));
    }
}
