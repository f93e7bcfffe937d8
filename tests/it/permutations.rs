//! Any order, any repetition, any number of senders: one truth (semantics §3).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, Sender, Verified, seed},
    recount::recount,
};

pub(crate) const AGENCY: &str = "agency:ubnd-bien-hoa";
pub(crate) const CHANNEL: &str = "ubnd-bien-hoa.ho-so";

/// Dossiers in each hub.
const DOSSIERS: u64 = 500;

/// One message as the one-stop software of Biên Hòa sends it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
}

/// Paths of a dossier through its statuses; any beginning of one is a dossier too.
const PATHS: &[&[&str]] = &[
    &["THU_LY", "HOAN_THANH", "TRA_KET_QUA"],
    &["THU_LY", "BO_SUNG", "THU_LY", "HOAN_THANH", "TRA_KET_QUA"],
    &["BO_SUNG", "THU_LY", "TRA_KET_QUA"],
    &["THU_LY", "TU_CHOI"],
    &["TRA_KET_QUA"],
];

const PROCEDURES: &[(&str, &str)] = &[
    ("Đăng ký thành lập hộ kinh doanh", "Đăng ký kinh doanh"),
    ("Cấp giấy phép xây dựng nhà ở riêng lẻ tại đô thị", "Xây dựng"),
    ("Thay đổi, cải chính hộ tịch", "Tư pháp - Hộ tịch"),
];

/// The time as the agency writes it.
fn local(at: Timestamp) -> String {
    let there = tz::TimeZone::fixed(tz::offset(7)).to_datetime(at);
    format!("{there}+07:00")
}

fn after(at: Timestamp, seconds: u64) -> Timestamp {
    at + SignedDuration::from_secs(seconds as i64)
}

const DAY: u64 = 86_400;

/// What a dossier is opened with; `status` and the dates may be corrected later.
fn form(random: &mut Random, code: &str, accepted: Timestamp) -> Value {
    let (procedure, field) = PROCEDURES[random.between(0, PROCEDURES.len() as u64) as usize];
    let due = after(accepted, random.between(2, 30) * DAY);
    json!({
        "maHoSo": code, "suKien": "HOSO_MOI", "trangThai": "TIEP_NHAN",
        "thoiDiem": local(after(accepted, 5)), "tenThuTuc": procedure, "linhVuc": field,
        "nguoiNop": {
            "hoTen": "Nguyễn Thị Kiểm Thử", "ngaySinh": "12-05-1987", "cmnd": "270999071",
            "dienThoai": "0900000171", "diaChi": "tổ 31, khu phố 5", "maXa": "26032"
        },
        "ngayTiepNhan": local(accepted),
        "ngayHenTra": if random.percent(5) { Value::Null } else { json!(local(due)) },
        "lePhi": random.between(1, 9) * 10_000
    })
}

/// The form again, with what was wrong in it put right.
fn corrected(random: &mut Random, form: &Value, status: &str, at: Timestamp) -> Value {
    let mut form = form.clone();
    form["thoiDiem"] = json!(local(at));
    form["trangThai"] = json!(status);
    form["lePhi"] = json!(random.between(1, 9) * 10_000);
    if random.percent(50) {
        form["ngayHenTra"] = json!(local(after(at, random.between(1, 20) * DAY)));
    }
    if random.percent(20) {
        let accepted: Timestamp = form["ngayTiepNhan"].as_str().unwrap().parse().unwrap();
        form["ngayTiepNhan"] = json!(local(accepted - SignedDuration::from_hours(24)));
    }
    form
}

/// All messages of one dossier, in the order in which things happened.
pub(crate) fn dossier(seed: u64, number: u64) -> Vec<Message> {
    let mut random = Random::new(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
    let code = format!("BH.HT.24.{number:06}");
    let new_year: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    let accepted = after(new_year, random.between(0, 300 * DAY));
    let opened = form(&mut random, &code, accepted);
    let mut bodies = vec![opened.clone()];
    let path = PATHS[random.between(0, PATHS.len() as u64) as usize];
    let steps = random.between(0, path.len() as u64 + 1) as usize;
    let (mut at, mut status) = (after(accepted, 60), "TIEP_NHAN");
    for next in path.iter().take(steps).copied() {
        if random.percent(15) {
            at = after(at, random.between(60, 2 * DAY));
            bodies.push(corrected(&mut random, &opened, status, at));
        }
        // Some systems write two changes in one second.
        let same = status != "TIEP_NHAN" && random.percent(5) && bodies.len() > 2;
        at = after(at, if same { 0 } else { random.between(60, 12 * DAY) });
        let mut change = json!({
            "maHoSo": code, "suKien": "DOI_TRANG_THAI", "trangThai": next, "thoiDiem": local(at)
        });
        match next {
            "BO_SUNG" => change["lyDo"] = json!("Thiếu bản vẽ mặt bằng định vị"),
            "TRA_KET_QUA" => {
                change["soKetQua"] = json!(format!("KQ-{number}"));
                if random.percent(80) {
                    change["ngayTra"] = json!(local(at));
                }
            }
            _ => {}
        }
        bodies.push(change);
        status = next;
    }
    let message = |(part, body): (usize, &Value)| Message {
        id: format!("m-{number}-{part}"),
        bytes: body.to_string().into_bytes(),
    };
    bodies.iter().enumerate().map(message).collect()
}

/// The same messages as another network would bring them: shuffled, some twice or three times
/// under their own id, some once more under another one.
pub(crate) fn disturbed(random: &mut Random, messages: &[Message]) -> Vec<Message> {
    let mut sent = messages.to_vec();
    for message in messages {
        for _ in 0..if random.percent(30) { random.between(1, 3) } else { 0 } {
            sent.push(message.clone());
        }
        if random.percent(5) {
            sent.push(Message { id: format!("{}-again", message.id), ..message.clone() });
        }
    }
    random.shuffle(&mut sent);
    sent
}

/// Sends everything with so many senders at once; each takes every n-th message.
pub(crate) async fn send_all(sender: &Sender, messages: Vec<Message>, senders: usize) {
    let messages = Arc::new(messages);
    let mut tasks = JoinSet::new();
    for first in 0..senders {
        let (sender, messages) = (sender.clone(), messages.clone());
        tasks.spawn(async move {
            for message in messages.iter().skip(first).step_by(senders) {
                let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
                let (status, receipt) = answer.unwrap();
                let outcome = receipt["outcome"].as_str();
                assert_eq!(status, 200, "{receipt}");
                assert!(matches!(outcome, Some("stored" | "duplicate")), "{receipt}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// A fresh hub that is sent the messages; what verify and the recount say of it afterwards.
async fn played(
    backend: Backend,
    name: String,
    messages: Vec<Message>,
    senders: usize,
) -> Verified {
    let folder = backend.folder(&name);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send_all(&hub.sender(&key), messages, senders).await;
    hub.stop();
    let verified = folder.verify();
    recount(&folder).assert_equal();
    verified
}

on_each_store!(any_order_and_repetition_of_the_same_messages_gives_one_fold_root);

async fn any_order_and_repetition_of_the_same_messages_gives_one_fold_root(backend: Backend) {
    let seed = seed(20_240_701);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let mut random = Random::new(seed);
    let mut hubs = JoinSet::new();
    hubs.spawn(played(backend, "ordered".to_owned(), messages.clone(), 1));
    for senders in [1, 8, 32] {
        let sent = disturbed(&mut random, &messages);
        hubs.spawn(played(backend, format!("disturbed-{senders}"), sent, senders));
    }
    let all = hubs.join_all().await;
    for verified in &all {
        assert_eq!(verified.dossiers, DOSSIERS);
        assert_eq!(verified.fold_root, all[0].fold_root);
    }
    // The root tells states apart: with one message less it is another.
    let last = messages.len() - 1;
    let less = played(backend, "less".to_owned(), messages[..last].to_vec(), 8).await;
    assert_ne!(less.fold_root, all[0].fold_root);
}
