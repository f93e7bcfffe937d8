//! Everything hostile that we know of, played by HTTP into one running hub.
//!
//! `tests/corpus/hostile/cases.tsv` names a file, its channel and what becomes of it; what is too
//! large to keep is made here. After each the next good message of the channel is accepted; at
//! the end the same process runs, in bounded memory, and its store verifies.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::root,
    recount::store,
};

mod door;
mod large;

pub(crate) const PLANNING: &str = "so-ke-hoach-dau-tu.ho-so";
pub(crate) const BIEN_HOA: &str = "ubnd-bien-hoa.ho-so";
pub(crate) const TABLE: &str = "so-thu-nghiem.bang";

/// The most memory that the hub may ever have held.
const PEAK_KIB_MAX: u64 = 256 * 1024;

/// One payload and what becomes of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) channel: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) outcome: String,
    pub(crate) records: u64,
    /// How many are refused, where that is more than a few.
    pub(crate) refused: Option<u64>,
    /// The code of the first problem; empty where nothing is refused.
    pub(crate) code: String,
    /// Its place, as [`place`] writes it.
    pub(crate) place: String,
}

/// Everything hostile.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = kept();
    cases.extend(large::cases());
    cases
}

/// What is kept as files.
fn kept() -> Vec<Case> {
    let folder = root().join("tests/corpus/hostile");
    let table = fs::read_to_string(folder.join("cases.tsv")).unwrap();
    let mut cases = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [file, channel, status, outcome, records, code, place, _] = cells[..] else {
            panic!("not eight columns: {line}");
        };
        cases.push(Case {
            name: file.to_owned(),
            channel: channel.to_owned(),
            payload: fs::read(folder.join(file)).unwrap(),
            status: status.parse().unwrap(),
            outcome: outcome.to_owned(),
            records: records.parse().unwrap(),
            refused: None,
            code: code.to_owned(),
            place: place.to_owned(),
        });
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, cases.len() + 1, "a file is in no case");
    cases
}

/// A good message of each channel.
fn good(channel: &str) -> Vec<u8> {
    let file = match channel {
        PLANNING => "tests/corpus/samples/LayDanhSachHoSo.soap.xml".to_owned(),
        BIEN_HOA => "mappings/agencies/ubnd-bien-hoa/fixtures/ho-so/m-0001.in.json".to_owned(),
        "so-tai-nguyen-moi-truong.ho-so" => "tests/corpus/samples/HOSO_201309.csv".to_owned(),
        "so-giao-thong-van-tai.ho-so" => "tests/corpus/samples/hoso_trang1.json".to_owned(),
        other => {
            let name = other.strip_prefix("so-thu-nghiem.").unwrap();
            let ending = match name {
                "bang-tinh" => "xlsx",
                "cot" => "txt",
                "dong" | "truy-van" => "jsonl",
                "goi" | "goi-bang-tinh" => "zip",
                _ => "csv",
            };
            format!("tests/corpus/agencies/so-thu-nghiem/fixtures/{name}/tot.in.{ending}")
        }
    };
    fs::read(root().join(file)).unwrap()
}

/// A place in words: `line:column path`, what is absent left out.
fn place(problem: &Value) -> String {
    let place = &problem["place"];
    let at = place["line"].as_u64().map(|line| format!("{line}:{}", place["column"]));
    let path = place["path"].as_str().map(str::to_owned);
    at.into_iter().chain(path).collect::<Vec<_>>().join(" ")
}

/// A hub under siege.
pub(crate) struct Siege {
    pub(crate) folder: Folder,
    pub(crate) hub: Hub,
    senders: BTreeMap<String, Sender>,
    good: u32,
}

impl Siege {
    async fn of(folder: Folder) -> Self {
        let agencies =
            [PLANNING, BIEN_HOA, TABLE, "so-tai-nguyen-moi-truong.", "so-giao-thong-van-tai."]
                .map(|channel| channel.split('.').next().unwrap());
        let keys = agencies.map(|agency| (agency, folder.key(&format!("agency:{agency}"))));
        let hub = Hub::start(&folder).await;
        let senders = keys.iter().map(|(agency, key)| ((*agency).to_owned(), hub.sender(key)));
        Self { senders: senders.collect(), folder, hub, good: 0 }
    }

    /// The sender of a channel's agency.
    pub(crate) fn sender(&self, channel: &str) -> &Sender {
        &self.senders[channel.split('.').next().unwrap()]
    }

    /// Sends a good message; it must be stored.
    pub(crate) async fn next_is_accepted(&mut self, channel: &str, after: &str) {
        self.good += 1;
        let id = format!("good-{}", self.good);
        let answer = self.sender(channel).push(channel, Some(&id), &good(channel)).await;
        let (status, receipt) = answer.unwrap_or_else(|error| panic!("after {after}: {error}"));
        assert_eq!(
            (status, &receipt["outcome"]),
            (200, &"stored".into()),
            "after {after}: {receipt}"
        );
    }

    /// Plays one case and compares all that is told of it; gives what differs.
    async fn play(&mut self, case: &Case) -> Vec<String> {
        let mut wrong = Vec::new();
        let sender = self.sender(&case.channel);
        let (status, receipt) =
            sender.push(&case.channel, Some(&case.name), &case.payload).await.unwrap();
        let told = sender.found(&format!("/v1/messages/{}", case.name)).await;
        let messages = told["messages"].as_array().unwrap();
        let mut differs = |what: &str, got: String, want: String| {
            if got != want {
                wrong.push(format!("{}: {what} is {got}, not {want}", case.name));
            }
        };
        differs("status", status.to_string(), case.status.to_string());
        differs("outcomes", messages.len().to_string(), "1".to_owned());
        let message = &messages[0];
        for told in [&receipt, message] {
            differs("outcome", told["outcome"].to_string(), format!("{:?}", case.outcome));
            differs("records", told["records"].to_string(), case.records.to_string());
        }
        if let Some(refused) = case.refused {
            differs("refused", message["refused"].to_string(), refused.to_string());
        }
        let refusals = message["refusals"].as_array().unwrap();
        let problems: Vec<&Value> =
            refusals.iter().flat_map(|one| one["problems"].as_array().unwrap()).collect();
        let first = problems.first().copied().unwrap_or(&Value::Null);
        differs("code", first["code"].as_str().unwrap_or_default().to_owned(), case.code.clone());
        differs("place", place(first), case.place.clone());
        for problem in problems {
            let code = &problem["code"];
            differs(
                "the place of a problem",
                place(problem).is_empty().to_string(),
                "false".into(),
            );
            for (member, language) in
                [("detail", "vi"), ("detail", "en"), ("advice", "vi"), ("advice", "en")]
            {
                let silent = problem[member][language].as_str().is_none_or(str::is_empty);
                differs(
                    &format!("{code} without {member} {language}"),
                    silent.to_string(),
                    "false".into(),
                );
            }
        }
        self.next_is_accepted(&case.channel, &case.name).await;
        wrong
    }
}

/// Bytes at the start of a payload that are compared one by one.
const COMPARED_BYTES: usize = 4096;

/// What is wrong with the raw bytes of the messages, as the store keeps them.
fn raw_bytes(folder: &Folder, cases: &[Case]) -> Vec<String> {
    let sql = format!(
        "SELECT m.id AS id, (SELECT sum(length(bytes)) FROM payloads WHERE message = m.message) \
         AS size, encode(substr(p.bytes, 1, {COMPARED_BYTES}), 'hex') AS start FROM messages m \
         JOIN payloads p ON p.message = m.message AND p.piece = 0"
    );
    let told = store(folder, &sql);
    let rows = told.lines().map(|line| serde_json::from_str(line).unwrap());
    let kept: BTreeMap<String, Value> =
        rows.map(|row: Value| (row[0].as_str().unwrap().to_owned(), row)).collect();
    let mut wrong = Vec::new();
    for case in cases {
        let start = &case.payload[..case.payload.len().min(COMPARED_BYTES)];
        let hex: String = start.iter().map(|byte| format!("{byte:02x}")).collect();
        if kept.get(&case.name) != Some(&json!([case.name, case.payload.len(), hex])) {
            wrong.push(format!("{}: its raw bytes are not kept", case.name));
        }
    }
    wrong
}

/// The folders of the agencies under siege.
pub(crate) const AGENCIES: &[&str] = &["mappings/agencies", "tests/corpus/agencies"];

on_each_store!(the_whole_hostile_corpus_leaves_one_hub_standing);

async fn the_whole_hostile_corpus_leaves_one_hub_standing(backend: Backend) {
    let (folder, cases, mut wrong) = besieged(backend.folder_of("hostile", AGENCIES)).await;
    wrong.extend(raw_bytes(&folder, &cases));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Plays everything into one hub; gives its folder, what was played, and what went wrong.
async fn besieged(folder: Folder) -> (Folder, Vec<Case>, Vec<String>) {
    let mut siege = Siege::of(folder).await;
    let pid = siege.hub.pid();
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(siege.play(case).await);
    }
    wrong.extend(door::play(&mut siege).await);
    let peak = siege.hub.peak_kib();
    println!("{} cases, at most {peak} KiB", cases.len());
    if peak >= PEAK_KIB_MAX {
        wrong.push(format!("the hub held {peak} KiB, more than {PEAK_KIB_MAX}"));
    }
    assert_eq!(siege.hub.pid(), pid);
    let Siege { folder, hub, .. } = siege;
    hub.stop();
    let log = folder.log();
    for word in ["panicked", "a fault of the hub", "broke down"] {
        if log.contains(word) {
            wrong.push(format!("the log says `{word}`:\n{log}"));
        }
    }
    folder.verify();
    (folder, cases, wrong)
}
