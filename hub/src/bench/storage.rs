//! Where the store of a benchmark lies: in a file, or in a database of its own on a server.

use std::{
    path::{self, Path, PathBuf},
    sync::Arc,
};

use super::{
    BenchError,
    server::{Database, Server},
};
use crate::config::StoreAddress;

/// Where stores are made.
pub(super) enum Place {
    /// In the folder that ends with the benchmark.
    Scratch,
    /// In this file, which stays.
    File(PathBuf),
    /// In databases that end with the benchmark.
    Server(Arc<Server>),
}

impl Place {
    /// The place that `--store` names: postgres://…, @FILE with such an address, or a file.
    pub(super) fn told(text: Option<&str>) -> Result<Self, BenchError> {
        let Some(text) = text else { return Ok(Self::Scratch) };
        let faulty = |fault| BenchError::Input(format!("--store: {fault}"));
        let address = ["@", "postgres:", "postgresql:", "sqlite:"];
        if !address.iter().any(|start| text.starts_with(start)) {
            // The hub that fills it works in a folder of its own.
            let file = path::absolute(text).map_err(|error| faulty(error.to_string()))?;
            return Ok(Self::File(file));
        }
        let line = StoreAddress::line(text).map_err(faulty)?;
        match StoreAddress::told(&line).map_err(faulty)? {
            StoreAddress::Sqlite(file) => Ok(Self::File(file)),
            StoreAddress::Postgres(config) => {
                Ok(Self::Server(Arc::new(Server::reach(&line, &config)?)))
            }
        }
    }

    /// The same for a benchmark whose store ends with it: no file that stays.
    pub(super) fn that_ends(text: Option<&str>) -> Result<Self, BenchError> {
        match Self::told(text)? {
            Self::File(_) => Err(BenchError::Input(
                "--store: messages go into a new store; name a server as \
                 postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
                    .to_owned(),
            )),
            place => Ok(place),
        }
    }

    /// The place for one of several sizes: it is added to the name of a file.
    pub(super) fn of_size(&self, size: u64) -> Self {
        match self {
            Self::Scratch => Self::Scratch,
            Self::File(file) => {
                let mut name = file.clone().into_os_string();
                name.push(format!(".{size}"));
                Self::File(name.into())
            }
            Self::Server(server) => Self::Server(server.clone()),
        }
    }

    /// A store there; `folder` is the one that ends with the benchmark.
    pub(super) fn storage(&self, folder: &Path) -> Result<Storage, BenchError> {
        match self {
            Self::Scratch => Ok(Storage::File(folder.join("hub.db"))),
            Self::File(file) => Ok(Storage::File(file.clone())),
            Self::Server(server) => Ok(Storage::Database(server.database()?)),
        }
    }

    /// What keeps the store, for a title.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Scratch | Self::File(_) => "SQLite",
            Self::Server(_) => "PostgreSQL",
        }
    }
}

/// A store of the benchmark's.
pub(super) enum Storage {
    /// On SQLite.
    File(PathBuf),
    /// On PostgreSQL; dropped at the end.
    Database(Database),
}

impl Storage {
    pub(super) fn address(&self) -> StoreAddress {
        match self {
            Self::File(file) => StoreAddress::Sqlite(file.clone()),
            Self::Database(database) => StoreAddress::Postgres(database.config.clone()),
        }
    }

    /// The address as `hub.toml` has it, with the password.
    pub(super) fn line(&self) -> String {
        match self {
            Self::File(file) => format!("sqlite:{}", file.display()),
            Self::Database(database) => database.line.clone(),
        }
    }

    /// The database, where it is one.
    pub(super) fn database(&self) -> Option<&Database> {
        match self {
            Self::File(_) => None,
            Self::Database(database) => Some(database),
        }
    }

    /// The process of PostgreSQL that has started all others, where it is on this machine.
    pub(super) fn server_process(&self) -> Option<u32> {
        self.database().and_then(|database| database.server_process)
    }
}
