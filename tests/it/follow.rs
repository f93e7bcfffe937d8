//! Following a feed: what comes is told at once, to each its own, and nothing is missed or told
//! twice however often a reader or a hub goes away.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::Value;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    permutations::{AGENCY, CHANNEL, Message, dossier, send_all},
};

/// How long what has been sent may take to reach its readers.
const SOON: Duration = Duration::from_secs(10);

/// After so long a line without events shows that it is alive.
const HEARTBEAT_MAX: Duration = Duration::from_secs(14);

/// One reader of `text/event-stream`, as its standard has it.
pub(crate) struct Reader {
    response: Response,
    kept: Vec<u8>,
    /// The id of the last frame.
    last: String,
}

impl Reader {
    pub(crate) async fn open(sender: &Sender, feed: &str, after: &str, last: Option<&str>) -> Self {
        let response = sender.stream(&format!("/v1/feeds/{feed}/stream{after}"), last).await;
        assert_eq!(response.status().as_u16(), 200);
        let header = response.headers().get("content-type").unwrap();
        assert_eq!(header, "text/event-stream");
        Self { response, kept: Vec::new(), last: last.unwrap_or_default().to_owned() }
    }

    /// The next frame's lines; `None` at the end.
    async fn frame(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some(end) = self.kept.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.kept.drain(..end + 2).collect();
                let text = String::from_utf8(frame).unwrap();
                return Some(text.lines().map(ToOwned::to_owned).collect());
            }
            // A line that is cut ends like one that is closed.
            let more = self.response.chunk().await.ok().flatten()?;
            self.kept.extend_from_slice(&more);
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn event(&mut self) -> Option<Value> {
        loop {
            let lines = self.frame().await?;
            let of = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
            if let Some(id) = of("id: ") {
                id.clone_into(&mut self.last);
            }
            if let Some(data) = of("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    pub(crate) async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let next = timeout(SOON, self.event()).await;
            let next = next.unwrap_or_else(|_| panic!("{} of {count} events came", events.len()));
            events.push(next.unwrap_or_else(|| panic!("the stream ended at {}", events.len())));
        }
        events
    }
}

fn messages(seed: u64, dossiers: std::ops::Range<u64>) -> Vec<Message> {
    dossiers.flat_map(|one| dossier(seed, one)).collect()
}

async fn one_by_one(sender: &Sender, messages: &[Message]) {
    for message in messages {
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(answer.0, 200, "{}", answer.1);
    }
}

struct Office {
    folder: Folder,
    hub: Hub,
    sender: Sender,
    portal: Sender,
}

async fn office(backend: Backend, name: &str) -> Office {
    let folder = backend.folder(name);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let (sender, portal) = (hub.sender(&agency), hub.sender(&portal));
    Office { folder, hub, sender, portal }
}

on_each_store!(
    a_reader_that_goes_on_after_hubs_were_killed_has_every_event_once,
    a_page_that_is_waited_for_comes_with_what_comes,
);

async fn a_reader_that_goes_on_after_hubs_were_killed_has_every_event_once(backend: Backend) {
    for feed in ["records", "dossiers"] {
        let mut office = office(backend, &format!("follow_{feed}")).await;
        let messages = messages(41, 0..60);
        let mut seen: Vec<Value> = Vec::new();
        let mut last: Option<String> = None;
        for (round, some) in messages.chunks(messages.len().div_ceil(4)).enumerate() {
            let mut reader = Reader::open(&office.portal, feed, "", last.as_deref()).await;
            // Some come before the reader has read anything, some while it reads, some after.
            let (while_read, after) = some.split_at(some.len() / 2);
            let sending = one_by_one(&office.sender, while_read);
            let reading = async {
                let mut got = vec![reader.events(1).await.remove(0)];
                while let Ok(Some(event)) = timeout(Duration::from_secs(1), reader.event()).await {
                    got.push(event);
                }
                got
            };
            let ((), got) = tokio::join!(sending, reading);
            seen.extend(got);
            last = Some(reader.last.clone());
            drop(reader);
            one_by_one(&office.sender, after).await;
            if round % 2 == 0 {
                office.hub.kill9();
                office.hub = Hub::start(&office.folder).await;
                office.portal.url.clone_from(&office.hub.url);
                office.sender.url.clone_from(&office.hub.url);
            }
        }
        let whole = office.portal.feed(feed, 100).await;
        let mut reader = Reader::open(&office.portal, feed, "", last.as_deref()).await;
        while seen.last() != whole.last() {
            seen.extend(reader.events(1).await);
        }
        if feed == "records" {
            assert_eq!(seen, whole);
        } else {
            // A reader that follows hears of states that later ones have replaced since.
            let mut states = std::collections::BTreeMap::new();
            for event in &seen {
                states.insert(event["subject"].to_string(), event["data"].clone());
            }
            let told: std::collections::BTreeMap<_, _> =
                whole.iter().map(|one| (one["subject"].to_string(), one["data"].clone())).collect();
            assert_eq!(states, told);
            let ids: std::collections::BTreeSet<_> =
                seen.iter().map(|one| one["id"].to_string()).collect();
            assert_eq!(ids.len(), seen.len(), "an event came twice");
        }
        office.hub.stop();
    }
}

async fn a_page_that_is_waited_for_comes_with_what_comes(backend: Backend) {
    let office = office(backend, "waited").await;
    let began = Instant::now();
    let (status, body) = office.portal.get("/v1/feeds/records?after=end&wait=1").await;
    assert_eq!((status, body.as_array().unwrap().len()), (200, 0));
    assert!(began.elapsed() >= Duration::from_secs(1), "it did not wait");
    let portal = office.portal.clone();
    let waiting =
        tokio::spawn(async move { portal.get("/v1/feeds/records?after=end&wait=15").await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    one_by_one(&office.sender, &messages(43, 0..1)[..1]).await;
    let (status, body) = timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!((status, body.as_array().unwrap().len()), (200, 1), "{body}");
    for wrong in ["wait=0", "wait=61", "wait=x", "after=End"] {
        let (status, body) = office.portal.get(&format!("/v1/feeds/records?{wrong}")).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    assert_eq!(office.portal.status("/v1/feeds/others").await, 404);
    assert_eq!(office.portal.status("/v1/feeds/others/stream").await, 404);
    assert_eq!(office.portal.status("/v1/feeds/records/stream?after=7").await, 400);
    // Told to end, a hub does not keep who waits.
    let portal = office.portal.clone();
    let waiting =
        tokio::spawn(async move { portal.get("/v1/feeds/records?after=end&wait=60").await });
    let mut reader = Reader::open(&office.portal, "records", "?after=end", None).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    office.hub.stop();
    assert_eq!(waiting.await.unwrap().0, 200);
    assert!(reader.event().await.is_none());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_hears_its_own_and_nobody_without_a_key_in_force() {
    let office = office(Backend::Sqlite, "own").await;
    let other = office.folder.key("agency:so-ke-hoach-dau-tu");
    let stranger = office.hub.sender("ltk_no_key");
    assert_eq!(stranger.status("/v1/feeds/records/stream").await, 401);
    // A key made beside a running hub is known within seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let other_agency = office.hub.sender(&other);
    let mut own = Reader::open(&office.sender, "records", "", None).await;
    let mut others = Reader::open(&other_agency, "records", "", None).await;
    let messages = messages(47, 0..5);
    one_by_one(&office.sender, &messages).await;
    let heard = own.events(messages.len()).await;
    assert_eq!(heard, office.portal.feed("records", 100).await);
    // Nothing of that is the other's: its line shows that it is alive and how far it has read.
    let lines = loop {
        let frame = timeout(HEARTBEAT_MAX, others.frame()).await.unwrap().unwrap();
        if frame.iter().any(|line| line.starts_with(':')) {
            break frame;
        }
        assert!(!frame.iter().any(|line| line.starts_with("data")), "{frame:?}");
    };
    let id = lines.iter().find_map(|line| line.strip_prefix("id: ")).unwrap();
    assert_eq!(id, own.last, "it does not go over the same again");
    let (id, _) = other.trim_start_matches("ltk_").split_once('_').unwrap();
    assert_eq!(office.folder.run(&["key", "revoke", id]).status.code(), Some(0));
    let ended = timeout(HEARTBEAT_MAX * 2, others.event()).await.unwrap();
    assert!(ended.is_none(), "a revoked key goes on hearing");
    office.hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readers_hear_everything_while_agencies_go_on_sending() {
    const READERS: usize = 1_000;
    many_descriptors(4_096);
    let office = office(Backend::Sqlite, "thousand").await;
    let mut readers = JoinSet::new();
    let messages = messages(53, 0..40);
    let count = messages.len();
    for _ in 0..READERS {
        let portal = office.portal.clone();
        readers.spawn(async move {
            let mut reader = Reader::open(&portal, "records", "?after=end", None).await;
            let begun = reader.frame().await.unwrap();
            assert_eq!(begun, ["retry: 2000", ""]);
            reader
        });
    }
    let open = readers.join_all().await;
    assert_eq!(open.len(), READERS);
    let mut reading = JoinSet::new();
    for mut reader in open {
        reading.spawn(async move { reader.events(count).await });
    }
    send_all(&office.sender, messages, 8).await;
    let whole = office.portal.feed("records", 1_000).await;
    assert_eq!(whole.len(), count);
    while let Some(heard) = reading.join_next().await {
        assert_eq!(heard.unwrap(), whole);
    }
    assert!(office.hub.peak_kib() < 192 * 1024, "{} KiB", office.hub.peak_kib());
    office.hub.stop();
}

/// A thousand connections are more than a process may begin with.
pub(crate) fn many_descriptors(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(wanted);
    assert!(allowed >= wanted, "the system allows {allowed} open files");
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).unwrap();
    }
}
