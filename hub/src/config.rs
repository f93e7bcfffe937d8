//! `hub.toml`: the only place that reads configuration and the environment.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use mappings::Diagnostic;
use serde::Deserialize;

use crate::registry::Settings;

/// Where the hub keeps its truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// The configuration of one hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The store.
    pub store: StoreAddress,
    /// Folder of the agencies.
    pub agencies: PathBuf,
    /// How the province counts.
    pub settings: Settings,
    /// Filter of the log, in the syntax of `RUST_LOG`.
    pub log: String,
    /// Whether the log is JSON.
    pub log_json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "listen")]
    listen: toml::Spanned<String>,
    store: toml::Spanned<String>,
    agencies: PathBuf,
    #[serde(default)]
    counting: Counting,
    #[serde(default = "log")]
    log: String,
    #[serde(default)]
    log_json: bool,
}

/// `[counting]`: what the province decides about numbers.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counting {
    #[serde(default)]
    stopped: Stopped,
}

/// What status 8 (dừng xử lý) means: systems differ.
#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stopped {
    /// Finished, refused.
    #[default]
    Finished,
    /// The clock stands still.
    Paused,
}

fn listen() -> toml::Spanned<String> {
    toml::Spanned::new(0..0, "127.0.0.1:8080".to_owned())
}

fn log() -> String {
    "info".to_owned()
}

impl Config {
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
        let listen = file.listen.get_ref().parse();
        if listen.is_err() {
            let message = format!("`{}` is no address", file.listen.get_ref());
            let advice = "write address:port, such as 127.0.0.1:8080";
            found.push(Diagnostic::at(name, text, &file.listen.span(), message, advice));
        }
        let store = file.store.get_ref().strip_prefix("sqlite:");
        if store.is_none_or(str::is_empty) {
            let message = format!("`{}` is no store", file.store.get_ref());
            let advice = "write sqlite:FILE, such as sqlite:hub.db";
            found.push(Diagnostic::at(name, text, &file.store.span(), message, advice));
        }
        match (listen, store) {
            (Ok(listen), Some(store)) if found.is_empty() => Ok(Self {
                listen,
                store: StoreAddress::Sqlite(folder.join(store)),
                agencies: folder.join(file.agencies),
                settings: Settings { stopped_is_paused: file.counting.stopped == Stopped::Paused },
                log: file.log,
                log_json: file.log_json,
            }),
            _ => Err(found),
        }
    }
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
    fn paths_are_relative_to_the_file() {
        let text = "store = \"sqlite:hub.db\"\nagencies = \"agencies\"\n";
        let config = Config::parse("hub.toml", text, Path::new("/etc/hub")).unwrap();
        assert_eq!(config.store, StoreAddress::Sqlite("/etc/hub/hub.db".into()));
        assert_eq!(config.agencies, Path::new("/etc/hub/agencies"));
    }
}
