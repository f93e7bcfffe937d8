//! Where a demo plays: a folder of its own with the agencies, its configuration and its secrets,
//! gone at the end.

use std::{
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use adapters::reach::Network;

use crate::{
    catalog::{Catalog, How},
    config::{Config, StoreAddress},
};

/// Where systems that are asked are, as the demo's files have it.
const NOMINAL: &str = "http://127.0.0.1:8090";

/// The folder of a catalogue, and of what lies over it.
const CATALOGUE: &str = "catalogue";

/// What the demo is made of.
pub(super) struct Made<'a> {
    /// Folder of the agencies.
    pub(super) agencies: &'a Path,
    /// Folder of what is the demo's own.
    pub(super) own: &'a Path,
    /// Folder of the catalogue.
    pub(super) catalogue: &'a Path,
    /// Where the systems that it plays are asked.
    pub(super) systems: SocketAddr,
    /// The broker, where there is one.
    pub(super) amqp: Option<&'a str>,
}

/// The folder.
pub(super) struct Stage(PathBuf);

impl Stage {
    /// Makes it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn new(made: &Made<'_>) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("lienthong-demo-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let stage = Self(folder);
        for name in ["drops", "deliveries"] {
            fs::create_dir_all(stage.0.join(name))?;
        }
        let agencies = stage.0.join("agencies");
        let address = format!("http://{}", made.systems);
        copy(&made.own.join("agencies"), &agencies, &address)?;
        if made.amqp.is_some() {
            copy(&made.own.join("amqp"), &agencies, &address)?;
        }
        for entry in listed(made.agencies)? {
            let (place, name) = entry.map(|one| (one.path(), one.file_name()))?;
            let here = agencies.join(name);
            if place.is_dir() && !here.exists() {
                symlink(std::path::absolute(&place)?, here)?;
            }
        }
        for name in ["hub.toml", "routes.toml"] {
            let file = made.own.join(name);
            let text = fs::read_to_string(&file).map_err(|error| named(&file, &error))?;
            fs::write(stage.0.join(name), text.replace(NOMINAL, &address))?;
        }
        overlaid(made.catalogue, &made.own.join(CATALOGUE), &stage.catalogue())?;
        stage.keep("")?;
        Ok(stage)
    }

    /// Its catalogue.
    pub(super) fn catalogue(&self) -> PathBuf {
        self.0.join(CATALOGUE)
    }

    /// Its configuration.
    ///
    /// # Errors
    /// Every fault of it.
    pub(super) fn config(&self, amqp: bool) -> Result<Config, Vec<mappings::Diagnostic>> {
        let mut config = Config::read(&self.0.join("hub.toml"))?;
        config.store = StoreAddress::Sqlite(self.0.join("hub.db"));
        if amqp {
            // Wherever it is: somebody has named it.
            let all =
                ["0.0.0.0/0", "::/0"].into_iter().filter_map(|all| all.parse::<Network>().ok());
            config.private_networks.extend(all);
        }
        Ok(config)
    }

    /// Where files are dropped.
    pub(super) fn drops(&self) -> PathBuf {
        self.0.join("drops")
    }

    /// The file of a channel's database.
    pub(super) fn database(&self, channel: &str) -> PathBuf {
        self.0.join(format!("{channel}.db"))
    }

    /// Writes down the addresses of what is read: databases in this folder, and the broker.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_addresses(&self, catalog: &Catalog, amqp: Option<&str>) -> io::Result<()> {
        let mut lines = String::new();
        for channel in catalog.channels.values() {
            let Some(read) = &channel.read else { continue };
            let address = match (&read.how, amqp) {
                (How::Database(_), _) => format!("sqlite:{}", self.database(&channel.id).display()),
                (How::Amqp(_), Some(address)) => address.to_owned(),
                _ => continue,
            };
            for secret in &read.secrets {
                let value = toml::Value::String(address.clone());
                let _ = writeln!(lines, "{} = {value}", secret.name);
            }
        }
        self.keep(&lines)
    }

    fn keep(&self, lines: &str) -> io::Result<()> {
        let file = self.0.join("secrets.toml");
        fs::write(&file, lines)?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed is in the system's own folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Copies a catalogue; lines of what lies over it stand in place of those of the same code.
fn overlaid(from: &Path, over: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in listed(from)? {
        let (place, name) = entry.map(|one| (one.path(), one.file_name()))?;
        if !place.is_file() {
            continue;
        }
        let (above, here) = (over.join(&name), to.join(&name));
        if !above.exists() {
            fs::copy(&place, here)?;
            continue;
        }
        let own = fs::read_to_string(&above).map_err(|error| named(&above, &error))?;
        let own: Vec<&str> = own.lines().skip(1).collect();
        let code = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        let text = fs::read_to_string(&place).map_err(|error| named(&place, &error))?;
        let stays = |line: &&str| !own.iter().any(|other| code(other) == code(line));
        let lines: Vec<&str> = text.lines().filter(stays).chain(own.iter().copied()).collect();
        fs::write(here, lines.join("\n") + "\n")?;
    }
    Ok(())
}

/// Copies a folder of agencies, with the address of the systems put in.
fn copy(from: &Path, to: &Path, address: &str) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in listed(from)? {
        let (place, name) = entry.map(|one| (one.path(), one.file_name()))?;
        let here = to.join(name);
        if place.is_dir() {
            copy(&place, &here, address)?;
        } else {
            let text = fs::read_to_string(&place)?;
            fs::write(here, text.replace(NOMINAL, address))?;
        }
    }
    Ok(())
}

/// What a folder holds, or why that cannot be told.
fn listed(folder: &Path) -> io::Result<fs::ReadDir> {
    fs::read_dir(folder).map_err(|error| named(folder, &error))
}

/// An error that says what it is about.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
