//! Drop folders: what the catalogue declares, put to work.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use adapters::{
    Inbox,
    file::{DropFolder, Identity, Limits, NotOpened, Room, Standing, Trouble},
};
use futures_util::future::BoxFuture;
use mappings::Diagnostic;
use tokio::sync::watch;

use crate::{
    catalog::Catalog,
    lasting::{Lasting, Work},
    store::Store,
};

/// Bytes of the files under way in all folders together.
const ROOM_BYTES: usize = 256 << 20;

/// How every drop folder stands, by channel.
pub type Standings = Arc<BTreeMap<String, watch::Receiver<Standing>>>;

/// Names contents and messages by the store's keyed hash, which is in no leaf of the journal.
struct Keyed(Arc<dyn Store>);

impl Identity for Keyed {
    fn content(&self, bytes: &[u8]) -> String {
        hex(self.0.dedup(bytes).as_bytes())
    }

    fn message(&self, name: &OsStr, content: &str, previous: Option<&str>) -> String {
        let previous = previous.unwrap_or("-");
        let mut told = format!("file/v1 {content} {previous} ").into_bytes();
        told.extend_from_slice(name.as_bytes());
        hex(self.0.dedup(&told).as_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The root of the drop folders that a catalogue declares; nothing where it declares none.
///
/// # Errors
/// A catalogue with drop folders, and a configuration that does not say where they are.
pub fn root<'a>(
    catalog: &Catalog,
    drops: Option<&'a Path>,
) -> Result<Option<&'a Path>, Vec<Diagnostic>> {
    let Some(first) = catalog.channels.values().find(|channel| channel.dropped.is_some()) else {
        return Ok(None);
    };
    let fault = |message: String, advice: &str| {
        vec![Diagnostic::at("hub.toml", "", &(0..0), message, advice)]
    };
    let Some(root) = drops else {
        let message = format!("{} is received by files, and there is no `drops`", first.id);
        return Err(fault(message, "write drops = \"FOLDER\": the root of all drop folders"));
    };
    if !root.is_dir() {
        let message = format!("`drops`: there is no folder {}", root.display());
        return Err(fault(message, "make the folder, or mount it"));
    }
    Ok(Some(root))
}

/// The drop folders of a catalogue, ready to run.
#[derive(Default)]
pub struct Drops {
    folders: Vec<Arc<DropFolder>>,
    /// How each stands.
    pub standings: Standings,
}

impl Drops {
    /// Opens every drop folder once.
    ///
    /// # Errors
    /// No root, or a folder behind a symbolic link. A folder that cannot be opened for another
    /// reason is tried again while the hub runs.
    pub fn prepare(
        catalog: &Catalog,
        drops: Option<&Path>,
        store: &Arc<dyn Store>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let Some(root) = root(catalog, drops)? else { return Ok(Self::default()) };
        let identity: Arc<dyn Identity> = Arc::new(Keyed(store.clone()));
        let room = Room::new(ROOM_BYTES);
        let (mut folders, mut standings, mut found) = (Vec::new(), BTreeMap::new(), Vec::new());
        for channel in catalog.channels.values() {
            let Some(dropped) = &channel.dropped else { continue };
            let folder = DropFolder {
                channel: channel.id.clone(),
                root: PathBuf::from(root),
                path: dropped.folder.clone(),
                ready: dropped.ready,
                look_every: Duration::from_secs(dropped.look_seconds),
                at_once: dropped.at_once,
                limits: Limits::default(),
                identity: identity.clone(),
                room: room.clone(),
                standing: watch::Sender::default(),
            };
            match folder.prepare() {
                Err(link @ NotOpened::Link(_)) => {
                    let file = channel.folder.join("agency.toml").display().to_string();
                    let message = format!("folder `{}`: {link}", dropped.folder);
                    let advice = "name the folder itself, below the hub's drops";
                    found.push(Diagnostic::at(&file, "", &(0..0), message, advice));
                }
                // Told by its task, and again until it is mended.
                Err(NotOpened::Io { .. }) | Ok(()) => {}
            }
            standings.insert(channel.id.clone(), folder.standing.subscribe());
            folders.push(Arc::new(folder));
        }
        match found.is_empty() {
            true => Ok(Self { folders, standings: Arc::new(standings) }),
            false => Err(found),
        }
    }

    /// What is to run until told to stop: a task for each folder, so that one in trouble holds up
    /// no other.
    pub fn begin(
        self,
        inbox: &Arc<dyn Inbox>,
        lasting: &Lasting,
    ) -> impl Iterator<Item = BoxFuture<'static, ()>> {
        let (inbox, lasting) = (inbox.clone(), lasting.clone());
        self.folders.into_iter().map(move |folder| {
            let (inbox, lasting) = (inbox.clone(), lasting.clone());
            let task: BoxFuture<'static, ()> = Box::pin(async move {
                let work = Work { task: "drop folder", channel: &folder.channel };
                let take = |stop| folder.clone().run(inbox.clone(), stop);
                let broken = || {
                    let told = |standing: &mut Standing| standing.trouble = Some(Trouble::Fault);
                    folder.standing.send_modify(told);
                };
                lasting.keep_telling(work, take, broken).await;
            });
            task
        })
    }
}
