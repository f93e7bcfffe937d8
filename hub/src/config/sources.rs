//! What a configuration was read from: a digest of each of its files. By them it is known whether
//! anything has changed, and whether something did while it was read.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Config, StoreAddress, TlsSettings};
use crate::{catalogue, journal::merkle::Digest, store::Store};

/// Folders within folders that are looked into.
const DEPTH_MAX: u32 = 8;

/// Files of one folder that are looked at.
const FILES_MAX: usize = 50_000;

/// Bytes of a file in memory at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// What the names of the files of TLS begin with.
const TLS: &str = "tls/";

/// Digits of the hash by which configurations are told apart.
const SHORT: usize = 12;

/// A digest of each file, by what it is for and its name there: wherever on a machine the same
/// files lie, these are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Digest>);

impl Config {
    /// What its files hold now. One that cannot be read counts as what the system says of it:
    /// whether it is needed, whoever needs it tells.
    pub fn sources(&self) -> Sources {
        let mut all = Sources::default();
        all.0.insert("settings".to_owned(), Digest::of(self.written.shared().as_bytes()));
        for (what, file) in [("routes", &self.routes), ("secrets", &self.secrets)] {
            if let Some(file) = file {
                all.file(what.to_owned(), file);
            }
        }
        for (what, file) in self.tls.iter().flat_map(TlsSettings::named) {
            all.file(what.to_owned(), file);
        }
        let grows = self.grows();
        let kept = |path: &Path| !grows.iter().any(|grows| grows.has(path));
        // Agencies are folders: what lies beside them is nothing that is read.
        for (name, path) in entries("agencies", &self.agencies).filter(|(_, path)| path.is_dir()) {
            if kept(&path) {
                all.folder(&name, &path, &kept, DEPTH_MAX);
            }
        }
        if let Some(folder) = &self.catalogue {
            for name in catalogue::FILES {
                all.file(format!("catalogue/{name}"), &folder.join(name));
            }
        }
        all
    }
}

/// What a hub or its senders write by themselves, wherever it lies: no part of a configuration.
enum Grows {
    /// A folder with all in it.
    Folder(PathBuf),
    /// A file, and those beside it whose names begin as its does.
    File(PathBuf),
}

impl Grows {
    fn has(&self, path: &Path) -> bool {
        match self {
            Self::Folder(folder) => path.starts_with(folder),
            Self::File(file) => {
                let name =
                    |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
                let begins =
                    name(path).zip(name(file)).is_some_and(|(one, own)| one.starts_with(&own));
                begins && path.parent() == file.parent()
            }
        }
    }
}

impl Config {
    fn grows(&self) -> Vec<Grows> {
        let own = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let store = match &self.store {
            StoreAddress::Sqlite(file) => Some(Grows::File(own(file))),
            StoreAddress::Postgres(_) => None,
        };
        let files = self.attachments.as_ref().map(|told| &told.folder);
        let folders = self.drops.iter().chain(files).map(|path| Grows::Folder(own(path)));
        store.into_iter().chain(folders).collect()
    }
}

/// What lies in a folder, but for hidden ones, which are those of editors and of version control:
/// name and path, the latter as it is when links are followed.
fn entries(name: &str, path: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let within = name.to_owned();
    fs::read_dir(path).into_iter().flatten().flatten().filter_map(move |entry| {
        let own = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let path = path.canonicalize().unwrap_or(path);
        (!own.starts_with('.')).then(|| (format!("{within}/{own}"), path))
    })
}

impl Sources {
    fn file(&mut self, name: String, path: &Path) {
        let digest = digest(path)
            .unwrap_or_else(|error| Digest::of(format!("unreadable: {}", error.kind()).as_bytes()));
        self.0.insert(name, digest);
    }

    /// All files in a folder but hidden ones, which are those of editors and of version control.
    fn folder(&mut self, name: &str, path: &Path, kept: &impl Fn(&Path) -> bool, depth: u32) {
        for (name, path) in entries(name, path) {
            if self.0.len() >= FILES_MAX || !kept(&path) {
                continue;
            }
            // Nothing is opened that may keep who reads it waiting.
            if path.is_file() {
                self.file(name, &path);
            } else if let Some(depth) = depth.checked_sub(1).filter(|_| path.is_dir()) {
                self.folder(&name, &path, kept, depth);
            }
        }
    }

    /// The short hash by which operators compare the processes of one store. It is keyed by the
    /// store's secret: nobody can try secrets by it.
    pub fn hash(&self, store: &dyn Store) -> String {
        let mut text = "configuration/v1\n".to_owned();
        // Which certificate it shows is a process's own.
        for (name, digest) in self.0.iter().filter(|(name, _)| !name.starts_with(TLS)) {
            text.push_str(&format!("{digest} {name}\n"));
        }
        let hash = store.dedup(text.as_bytes());
        let digits: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        digits.chars().take(SHORT).collect()
    }
}

/// The digest of a file, some of it in memory at a time.
fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut whole = Digest::of(&[]);
    loop {
        let mut chunk = whole.to_string().into_bytes();
        if file.by_ref().take(CHUNK_BYTES).read_to_end(&mut chunk)? == 0 {
            return Ok(whole);
        }
        whole = Digest::of(&chunk);
    }
}
