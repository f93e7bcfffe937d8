//! On a real folder of the disk, with an inbox that answers from a script.

mod hostile;
mod many;
mod torn;
mod whole;

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use contracts::Receipt;
use serde_json::Value;
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{DropFolder, Identity, Limits, Ready, Room, Standing, Trouble};
use crate::suite::{CHANNEL, PATIENCE, Scripted, Sender, Told, conforms};

/// How often folders are looked at here.
const LOOK: Duration = Duration::from_millis(100);

/// Names that a test can read: a file's own name is the message's id.
struct ByName;

impl Identity for ByName {
    fn content(&self, bytes: &[u8]) -> String {
        let sum = bytes.iter().fold(7_u64, |sum, byte| {
            sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(*byte))
        });
        format!("{sum:x}-{}", bytes.len())
    }

    fn message(&self, name: &OsStr, _content: &str, previous: Option<&str>) -> String {
        let name = String::from_utf8_lossy(name.as_bytes());
        previous.map_or_else(|| name.to_string(), |previous| format!("{name}<{previous}"))
    }
}

/// A drop folder of its own, gone at the end.
struct Rig {
    inbox: Arc<Scripted>,
    root: PathBuf,
    standing: watch::Receiver<Standing>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn new_root() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("drop-{}-{number}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    root
}

fn settings(root: &Path, ready: Ready) -> DropFolder {
    DropFolder {
        channel: CHANNEL.to_owned(),
        root: root.to_owned(),
        path: "so-xay-dung/ho-so".parse().unwrap(),
        ready,
        look_every: LOOK,
        at_once: 1,
        limits: Limits { retry_max: LOOK, ..Limits::default() },
        identity: Arc::new(ByName),
        room: Room::new(64 << 20),
        standing: watch::Sender::default(),
    }
}

impl Rig {
    fn new(inbox: Arc<Scripted>, settings: DropFolder) -> Self {
        let root = settings.root.clone();
        let standing = settings.standing.subscribe();
        let stop = CancellationToken::new();
        let _ = settings.prepare();
        let task = tokio::spawn(Arc::new(settings).run(inbox.clone(), stop.clone()));
        Self { inbox, root, standing, stop, task: Mutex::new(Some(task)) }
    }

    fn start(ready: Ready) -> Self {
        let root = new_root();
        Self::new(Scripted::new([]), settings(&root, ready))
    }

    fn folder(&self) -> PathBuf {
        self.root.join("so-xay-dung/ho-so")
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: impl AsRef<Path>, payload: &[u8]) {
        fs::write(self.path(name), payload).unwrap();
    }

    /// A file as a careful sender drops it.
    fn drop_whole(&self, name: &str, payload: &[u8]) {
        let part = format!("{name}.part");
        self.write(&part, payload);
        fs::rename(self.path(part), self.path(name)).unwrap();
    }

    /// Waits until something is there.
    async fn there(&self, name: impl AsRef<Path>) {
        let path = self.path(name);
        let there = async {
            while path.symlink_metadata().is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = timeout(PATIENCE, there).await;
        assert!(waited.is_ok(), "{} never came: {:?}", path.display(), self.standing.borrow());
    }

    fn json(&self, name: impl AsRef<Path>) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Names in a folder, without the hub's lock.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into()).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    }

    fn ids(&self) -> Vec<String> {
        self.inbox.arrivals().into_iter().map(|(_, arrival)| arrival.key.unwrap()).collect()
    }

    async fn stopped(&self) {
        self.stop.cancel();
        if let Some(task) = self.task.lock().await.take() {
            timeout(PATIENCE, task).await.unwrap().unwrap();
        }
    }

    /// Looks several times more.
    async fn some_looks() {
        sleep(LOOK * 5).await;
    }
}

struct Agency(Rig);

impl Agency {
    fn answer(&self, key: &str) -> Option<Told> {
        let receipt = |told: Value| -> Receipt { serde_json::from_value(told).unwrap() };
        let (done, refused) = (format!("done/{key}"), format!("refused/{key}"));
        if self.0.path(&done).exists() {
            let taken = receipt(self.0.json(format!("{done}.receipt.json")));
            let refusals = self.0.path(format!("{done}.refused.json"));
            assert_eq!(refusals.exists(), !taken.refusals.is_empty());
            return Some(Told::Taken(taken));
        }
        if self.0.path(&refused).exists() {
            let told = self.0.json(format!("{refused}.refused.json"));
            let receipt = receipt(told["receipt"].clone());
            return Some(match told["code"].as_str().unwrap() {
                "conflict" => Told::Conflict(receipt),
                "refused" => Told::Refused(receipt),
                code => panic!("code {code}"),
            });
        }
        None
    }
}

impl Sender for Agency {
    async fn start(inbox: Arc<Scripted>) -> Self {
        let root = new_root();
        Self(Rig::new(inbox, settings(&root, Ready::Rename)))
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        let mut standing = self.0.standing.clone();
        standing.mark_unchanged();
        for folder in ["done", "refused", "known"] {
            for name in self.0.names(folder) {
                fs::remove_file(self.0.path(folder).join(name)).unwrap();
            }
        }
        // What the hub keeps for later is not dropped again.
        if !self.0.path(format!("claimed/{key}")).exists() {
            self.0.drop_whole(key, payload);
        }
        let before = self.0.inbox.put_off();
        let began = tokio::time::Instant::now();
        loop {
            if let Some(told) = self.answer(key) {
                return told;
            }
            if standing.has_changed().unwrap_or(false) {
                let now = standing.borrow_and_update().clone();
                // The standing tells its last answer again when something else of it changes.
                let put_off = self.0.inbox.put_off() > before;
                if let Some(Trouble::Later(later)) = now.trouble.filter(|_| put_off) {
                    return Told::Later(later.retry_after_seconds);
                }
            }
            if self.0.stop.is_cancelled() && began.elapsed() > LOOK * 5 {
                return Told::Nothing;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(&self) {
        self.0.stopped().await;
    }
}

conforms!(Agency);
