//! Three sources tell of the same dossiers: with corrections, backdating, withdrawals, codes that
//! join and part them, and a mapping that was mended in between. Whatever the order, the
//! repetition and the packing of what they send, there is one truth (semantics §3).

use std::{collections::BTreeMap, fs, sync::Arc};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Random, Sender, Verified, seed},
};

const SOURCES: [&str; 3] = ["mot-cua", "chuyen-nganh", "cong"];
/// Histories played into each hub.
const HISTORIES: u64 = 500;
/// Records of one message, at most.
const PACKED_MAX: u64 = 4;

/// One record and who sends it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    source: &'static str,
    record: Value,
}

/// One message: an id, and the records it carries.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
}

fn day(number: u64) -> String {
    format!("2024-{:02}-{:02}", 1 + number / 28 % 12, 1 + number % 28)
}

/// A snapshot at a version; the same dossier may carry one national code or another.
fn snapshot(random: &mut Random, history: u64, version: u64, code: &str) -> Value {
    let status = ["2", "4", "5", "4", "9", "DA_TRA", "3", "8"][random.between(0, 8) as usize];
    let received = random.between(0, 40);
    let mut record = json!({
        "loai": "HOSO", "ma": code, "phienBan": version.to_string(), "trangThai": status,
        "nhan": day(received), "nguoiNop": format!("Người {}", random.between(0, 3)),
    });
    if random.percent(70) {
        record["hen"] = json!(day(received + random.between(1, 60)));
    }
    if matches!(status, "9" | "DA_TRA" | "3" | "8") {
        record["xong"] = json!(day(received + random.between(0, 70)));
    }
    if random.percent(60) {
        // Two codes and two procedures a history: names meet, part again, or disagree.
        let sequence = history * 2 + random.between(0, 2);
        record["maQuocGia"] = json!(format!("H19.14-240304-{sequence:04}"));
        record["thuTuc"] = json!(["1.001612", "1.001613"][usize::from(random.percent(15))]);
    }
    record
}

/// What the three sources say in one history. Times of events lie before, between and after.
pub(crate) fn history(seed: u64, number: u64) -> Vec<Told> {
    let mut random = Random::new(seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
    let mut all = Vec::new();
    for source in SOURCES {
        for _ in 0..random.between(0, 3) {
            let code = format!("{source}-{number}-{}", random.between(0, 2));
            let versions = random.between(1, 5);
            for version in 1..=versions {
                let record = snapshot(&mut random, number, version, &code);
                all.push(Told { source, record });
            }
            for _ in 0..random.between(0, 3) {
                let at = format!("{}T0{}:00:00Z", day(random.between(0, 90)), random.between(0, 9));
                let status = ["4", "5", "6", "9"][random.between(0, 4) as usize];
                let record = json!({ "loai": "BUOC", "ma": code, "luc": at, "trangThai": status });
                all.push(Told { source, record });
            }
            if random.percent(20) {
                let at = format!("{}T10:00:00Z", day(random.between(0, 90)));
                let record = json!({ "loai": "RUT", "ma": code, "luc": at, "lyDo": "nhập nhầm" });
                all.push(Told { source, record });
            }
        }
    }
    all
}

/// Packs records into messages, some to one and some alone; `once` tells whether each record
/// travels once, in order.
pub(crate) fn messages(random: &mut Random, told: &[Told], name: &str, once: bool) -> Vec<Message> {
    let mut by_source: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    for one in told {
        let copies = if once || random.percent(70) { 1 } else { random.between(2, 4) };
        for _ in 0..copies {
            by_source.entry(one.source).or_default().push(one.record.clone());
        }
    }
    let mut all = Vec::new();
    for (source, mut records) in by_source {
        if !once {
            random.shuffle(&mut records);
        }
        while !records.is_empty() {
            let packed = if once { 1 } else { random.between(1, PACKED_MAX + 1) as usize };
            let rest = records.split_off(packed.min(records.len()));
            let bytes = json!({ "tin": records }).to_string().into_bytes();
            all.push(Message { source, id: format!("{name}-{}", all.len()), bytes });
            records = rest;
        }
    }
    if !once {
        let again: Vec<Message> = all.iter().filter(|_| random.percent(20)).cloned().collect();
        all.extend(again);
        random.shuffle(&mut all);
    }
    all
}

type Keys = BTreeMap<&'static str, String>;
type Senders = BTreeMap<&'static str, Sender>;

/// A key for each source, made before a hub starts: it knows them at once.
fn keys(folder: &Folder) -> Keys {
    SOURCES.into_iter().map(|source| (source, folder.key(&format!("agency:{source}")))).collect()
}

fn senders(keys: &Keys, hub: &Hub) -> Senders {
    keys.iter().map(|(source, key)| (*source, hub.sender(key))).collect()
}

/// Sends everything, so many at once, and gives how many messages were refused in part or whole.
async fn send_all(senders: &Senders, messages: &[Message], at_once: usize) -> usize {
    let (senders, messages) = (Arc::new(senders.clone()), Arc::new(messages.to_vec()));
    let mut tasks = JoinSet::new();
    for first in 0..at_once {
        let (senders, messages) = (senders.clone(), messages.clone());
        tasks.spawn(async move {
            let mut refused = 0;
            for message in messages.iter().skip(first).step_by(at_once) {
                let channel = format!("{}.tin", message.source);
                let sender = &senders[message.source];
                let answer = sender.push(&channel, Some(&message.id), &message.bytes).await;
                let (status, receipt) = answer.unwrap();
                assert!(matches!(status, 200 | 422), "{status} {receipt}");
                refused += usize::from(receipt["refused"].as_u64() != Some(0));
            }
            refused
        });
    }
    tasks.join_all().await.into_iter().sum()
}

fn of(backend: Backend, name: &str) -> Folder {
    backend.folder_of(name, &["tests/corpus/sources"])
}

/// A hub that is sent the messages by so many senders at once.
async fn sent(backend: Backend, name: &str, messages: Vec<Message>, at_once: usize) -> Verified {
    let folder = of(backend, name);
    let keys = keys(&folder);
    let hub = Hub::start(&folder).await;
    let refused = send_all(&senders(&keys, &hub), &messages, at_once).await;
    assert_eq!(refused, 0);
    hub.stop();
    folder.verify()
}

/// A hub whose mappings did not know one status at first: what it refused was sent once more
/// when they did.
async fn mended(backend: Backend, messages: Vec<Message>) -> Verified {
    let folder = of(backend, "histories-mended");
    let tables = SOURCES.map(|source| {
        let table = folder.path().join(format!("agencies/{source}/tables/status.csv"));
        let whole = fs::read_to_string(&table).unwrap();
        fs::write(&table, whole.replace("DA_TRA,10\n", "")).unwrap();
        (table, whole)
    });
    let keys = keys(&folder);
    let hub = Hub::start(&folder).await;
    assert!(send_all(&senders(&keys, &hub), &messages, 8).await > 0, "nothing was refused");
    hub.stop();
    for (table, whole) in tables {
        fs::write(table, whole).unwrap();
    }
    let hub = Hub::start(&folder).await;
    assert_eq!(send_all(&senders(&keys, &hub), &messages, 8).await, 0);
    hub.stop();
    folder.verify()
}

on_each_store!(histories_of_three_sources_give_one_fold_root_however_they_come);

async fn histories_of_three_sources_give_one_fold_root_however_they_come(backend: Backend) {
    let seed = seed(20_240_911);
    let told: Vec<Told> = (0..HISTORIES).flat_map(|number| history(seed, number)).collect();
    let mut random = Random::new(seed);
    let once = messages(&mut random, &told, "once", true);
    let one = sent(backend, "histories-ordered", once.clone(), 1).await;
    let disturbed = messages(&mut random, &told, "disturbed", false);
    let other = mended(backend, disturbed).await;
    assert_eq!((other.dossiers, &other.fold_root), (one.dossiers, &one.fold_root));
    // Names were joined: there are fewer dossiers than names.
    let names = |one: &Told| one.record["ma"].as_str().unwrap().to_owned();
    let names: std::collections::BTreeSet<String> = told.iter().map(names).collect();
    assert!(one.dossiers < names.len() as u64, "{} of {}", one.dossiers, names.len());
    // The root tells them apart: one record less is another.
    let less = sent(backend, "histories-less", once[..once.len() - 1].to_vec(), 8).await;
    assert_ne!(less.fold_root, one.fold_root);
}
