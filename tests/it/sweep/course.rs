//! The one short course that is swept: what an agency sends, drops and is answered, and what
//! another is sent for it. Whoever is not answered sends again, and a hub that is gone is started
//! again; nothing else is done for it.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::end::End;
use crate::{
    backend::Backend,
    delivery::agency::{Agency, Reply},
    exchange::attachment::{pdf, try_send},
    harness::{Folder, Hub, Sender},
    polls::foreign::Broker,
    preload::{Place, Preload},
};

/// How long anything may take, with one start of a hub in it.
const WITHIN: Duration = Duration::from_secs(60);
/// A rest before something is looked at or sent again.
const REST: Duration = Duration::from_millis(10);

/// The channel that messages are sent to.
pub(super) const CHANNEL: &str = "so-gui.ho-so";
/// Messages in the order in which they are sent: id, and lines.
pub(super) const IDS: [&str; 4] = ["m-new", "m-part", "m-bad", "m-next"];
/// Dossiers that come of it.
pub(super) const DOSSIERS: [&str; 3] = ["K-1", "K-2", "F-1"];
/// Records that are delivered.
const DELIVERED: usize = 4;
/// The dropped file, and where it and its receipt are put.
const FILE: &str = "mot.jsonl";
const DONE: &str = "drops/so-tha-tep/tep/done";
/// Bytes of the attachment: more than one page.
const ATTACHED: usize = 9_000;

/// What a sender was told of its message, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: &'static str,
    /// The status, and what became of the message when it came first.
    pub(super) status: u16,
    pub(super) first: String,
    pub(super) records: Value,
    pub(super) refused: Value,
}

/// What everybody was told or shown of a course.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) told: Vec<Told>,
    /// Events of the feed, by id, as a reader saw them whenever that was.
    pub(super) shown: BTreeMap<String, Value>,
    /// The digest of the attachment.
    pub(super) attached: String,
}

/// A hub with its neighbours.
pub(super) struct Course<'a> {
    folder: Folder,
    preload: Preload,
    receiver: Agency,
    bus: Option<&'a Broker>,
    keys: [String; 3],
}

fn line(code: &str, version: u32, status: &str) -> Vec<u8> {
    let record = json!({
        "ma": code, "phienBan": version.to_string(), "ngayNhan": "04/03/2024",
        "trangThai": status, "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n").into_bytes()
}

/// The lines of a message.
fn lines(id: &str) -> Vec<u8> {
    match id {
        "m-new" => line("K-1", 1, "MOI"),
        "m-part" => [line("K-2", 1, "MOI"), line("K-3", 1, "LA")].concat(),
        "m-bad" => line("K-4", 1, "LA"),
        _ => line("K-1", 2, "XONG"),
    }
}

impl<'a> Course<'a> {
    pub(super) async fn new(backend: Backend, name: &str, bus: Option<&'a Broker>) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let sources = ["tests/corpus/delivery", "tests/corpus/drop"];
        let mut folder = backend.folder_of(name, &sources);
        let receiver = Agency::new(|_, _| Reply::TAKEN).await;
        let path = |name: &str| folder.path().join(name);
        let routes = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\n";
        fs::write(path("routes.toml"), routes).unwrap();
        let secret = bus.map(|bus| format!("truc = \"{}\"\n", bus.address));
        fs::write(path("secrets.toml"), secret.unwrap_or_default()).unwrap();
        let mine = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path("secrets.toml"), mine).unwrap();
        for channel in ["tep", "nhieu", "on-dinh", "danh-dau"] {
            fs::create_dir_all(path("drops/so-tha-tep").join(channel)).unwrap();
        }
        let address = if bus.is_some() { "bus = \"secret:truc\"\n" } else { "" };
        let more = format!(
            "routes = \"routes.toml\"\nsecrets = \"secrets.toml\"\n{address}\
             [endpoints.\"so-nhan.nhan\"]\nurl = \"{}/ho-so\"\nprivate = [\"127.0.0.1\"]\n\
             [attachments]\nfolder = \"kem\"\n",
            receiver.url
        );
        folder.configured_with(more);
        let preload = Preload::new(&folder);
        let keys = ["agency:so-gui", "portal", "operator"].map(|who| folder.key(who));
        Self { folder, preload, receiver, bus, keys }
    }

    fn drops(&self, name: &str) -> PathBuf {
        self.folder.path().join("drops/so-tha-tep/tep").join(name)
    }

    /// Runs the course, the hub ending once at a step; what it came to. The hub is swept from its
    /// start to its end.
    pub(super) async fn runs(self, place: Place) -> End {
        let whole = line("F-1", 1, "MOI");
        fs::write(self.drops("mot.part"), whole).unwrap();
        fs::rename(self.drops("mot.part"), self.drops(FILE)).unwrap();
        self.preload.arm(place);
        let hub = self.preload.start(&self.folder).await;
        let mut run = Run { hub, deaths: 0, course: &self, heard: Heard::default() };
        run.until(Stage::Taken).await;
        for id in IDS.into_iter().chain([IDS[0]]) {
            let told = run.sends(id).await;
            run.heard.told.push(told);
            run.reads().await;
        }
        run.heard.attached = run.attaches().await;
        run.until(Stage::Delivered).await;
        if self.bus.is_some() {
            run.until(Stage::Published).await;
        }
        // With the power goes what nobody has synced: it has to come again.
        run.until(Stage::Taken).await;
        run.reads().await;
        let (deaths, heard) = run.ends();
        self.forgets();
        let (steps, ended) = (self.preload.steps(), self.preload.ended());
        let lost = self.preload.lost();
        assert!(deaths <= usize::from(ended.is_some()), "the hub ended {deaths} times");
        let end = End::of(&self.folder, &self.receiver, &self.keys, heard).await;
        End { steps, ended, lost, ..end }
    }

    /// What SQLite's processes share is memory, and goes with the power.
    fn forgets(&self) {
        let _ = fs::remove_file(self.folder.path().join("hub.db-shm"));
    }
}

/// Whether the dropped file is put away with its receipt, and what that says.
pub(super) fn receipt(folder: &Folder) -> Option<Value> {
    let place = folder.path().join(DONE);
    let text = fs::read(place.join(format!("{FILE}.receipt.json"))).ok()?;
    place.join(FILE).exists().then(|| serde_json::from_slice(&text).unwrap_or_default())
}

/// How far a course is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The dropped file is put away with its receipt.
    Taken,
    Delivered,
    Published,
}

/// A course under way.
struct Run<'a> {
    course: &'a Course<'a>,
    hub: Hub,
    deaths: usize,
    heard: Heard,
}

impl Run<'_> {
    fn sender(&self, key: usize) -> Sender {
        self.hub.sender(&self.course.keys[key])
    }

    /// A hub that is gone is started again, with nothing repaired.
    async fn goes_on(&mut self) {
        if self.hub.is_over() {
            self.deaths += 1;
            self.course.forgets();
            self.hub = self.course.preload.start(&self.course.folder).await;
        } else {
            sleep(REST).await;
        }
    }

    async fn until(&mut self, stage: Stage) {
        let began = Instant::now();
        while !self.is_at(stage).await {
            let log = || self.course.folder.log();
            assert!(began.elapsed() < WITHIN, "{stage:?}: not within {WITHIN:?}\n{}", log());
            self.goes_on().await;
        }
    }

    async fn is_at(&self, stage: Stage) -> bool {
        match stage {
            Stage::Taken => receipt(&self.course.folder).is_some(),
            Stage::Delivered => self.is_delivered().await,
            Stage::Published => self.is_published().await,
        }
    }

    /// Sends a message until it is answered for good.
    async fn sends(&mut self, id: &'static str) -> Told {
        let began = Instant::now();
        while began.elapsed() < WITHIN {
            match self.sender(0).push(CHANNEL, Some(id), &lines(id)).await {
                Ok((503, _)) | Err(_) => self.goes_on().await,
                Ok((status, receipt)) => {
                    let first = receipt.get("first").unwrap_or(&receipt["outcome"]);
                    let first = first.as_str().unwrap_or_else(|| panic!("{id}: {receipt}"));
                    return Told {
                        id,
                        status,
                        first: first.to_owned(),
                        records: receipt["records"].clone(),
                        refused: receipt["refused"].clone(),
                    };
                }
            }
        }
        panic!("{id} is never answered:\n{}", self.course.folder.log());
    }

    /// Sends an attachment until it is taken; its digest.
    async fn attaches(&mut self) -> String {
        let began = Instant::now();
        while began.elapsed() < WITHIN {
            match try_send(&self.sender(0), "application/pdf", pdf(ATTACHED)).await {
                Ok((201, claim)) if claim["digest"].is_string() => {
                    return claim["digest"].as_str().unwrap().to_owned();
                }
                Ok((201 | 503, _)) | Err(_) => self.goes_on().await,
                Ok((status, told)) => panic!("{status} {told}"),
            }
        }
        panic!("the attachment is never taken:\n{}", self.course.folder.log());
    }

    /// Takes note of what the feed shows; of nothing where the hub ends meanwhile.
    async fn reads(&mut self) {
        let page = self.page(1, "/v1/feeds/records?limit=100").await;
        for event in page.iter().filter_map(Value::as_array).flatten() {
            let id = event["id"].as_str().unwrap().to_owned();
            let known = self.heard.shown.entry(id).or_insert_with(|| event.clone());
            assert_eq!(known, event, "an event is what it was");
        }
    }

    /// What a page says to somebody; nothing where the hub ends meanwhile.
    async fn page(&self, key: usize, path: &str) -> Option<Value> {
        let sender = self.sender(key);
        let request = sender.client.get(format!("{}{path}", sender.url)).bearer_auth(&sender.key);
        request.send().await.ok()?.json().await.ok()
    }

    /// The receiver has everything, and the hub knows it.
    async fn is_delivered(&self) -> bool {
        if self.course.receiver.count() < DELIVERED {
            return false;
        }
        let Some(page) = self.page(2, "/v1/outbox").await else { return false };
        let channels = page["channels"].as_array().into_iter().flatten();
        let mut own = channels.filter(|one| one["channel"] == "so-nhan.nhan");
        own.any(|one| one["waiting"] == 0)
    }

    async fn is_published(&self) -> bool {
        let Some(page) = self.page(2, "/readyz").await else { return false };
        page["bus"]["behind"] == 0
    }

    /// Ends the hub in good order, unless it ends at a step of that; how often it ended otherwise,
    /// and what was heard of it.
    fn ends(mut self) -> (usize, Heard) {
        self.hub.signal("TERM");
        let began = std::time::Instant::now();
        while !self.hub.is_over() {
            assert!(began.elapsed() < WITHIN, "the hub does not end");
            std::thread::sleep(REST);
        }
        (self.deaths, self.heard)
    }
}
