//! A day of traffic: what several agencies send, as they send it. Messages that repeat or
//! contradict others, forms put right, files wrong in part, refusals mended, and files of
//! thousands of rows.

use std::fs;

use super::Parcel;
use crate::{
    corpus::{PLANNING, TABLE},
    harness::Random,
    histories,
    lienthong::root,
    permutations::{self, CHANNEL},
};

/// Dossiers of Biên Hòa.
const DOSSIERS: u64 = 60;
/// Histories of the three sources that speak of the same dossiers.
const HISTORIES: u64 = 40;
/// Rows of a large file: several chunks.
const ROWS: u64 = 1_500;
/// The parts of the day: morning, noon, evening.
const PARTS: u64 = 3;

fn parcel(channel: &str, id: String, bytes: impl Into<Vec<u8>>) -> Parcel {
    Parcel { channel: channel.to_owned(), id: Some(id), bytes: bytes.into() }
}

/// What one-stop desks send, some of it again, some once more under another id.
fn one_stop(random: &mut Random) -> Vec<Parcel> {
    let seed = random.next();
    let told = (0..DOSSIERS).flat_map(|number| permutations::dossier(seed, number));
    let sent = permutations::disturbed(random, &told.collect::<Vec<_>>());
    sent.into_iter().map(|one| parcel(CHANNEL, one.id, one.bytes)).collect()
}

/// What three sources tell of the same dossiers.
fn shared(random: &mut Random) -> Vec<Parcel> {
    let seed = random.next();
    let told: Vec<_> = (0..HISTORIES).flat_map(|number| histories::history(seed, number)).collect();
    let sent = histories::messages(random, &told, "day", false);
    let one = |one: histories::Message| {
        parcel(&format!("{}.tin", one.source), format!("{}-{}", one.source, one.id), one.bytes)
    };
    sent.into_iter().map(one).collect()
}

/// A table of so many rows from a number on; of a hundred, so many are wrong in some way.
fn table(random: &mut Random, rows: u64, from: u64, wrong_percent: u64) -> String {
    let mut text = "MA,NGAY_NHAN,TRANG_THAI,HO_TEN,GHI_CHU\n".to_owned();
    for row in from..from + rows {
        let (day, month) = (random.between(1, 29), random.between(1, 13));
        let note = ["", "Đã nhận đủ", "\"Thiếu bản vẽ, bổ sung\""][random.between(0, 3) as usize];
        let line = match random.percent(wrong_percent).then(|| random.between(0, 4)) {
            Some(0) => format!("B-{row},31/02/2024,MOI,Lâm Thị Mẫu,{note}"),
            Some(1) => format!("B-{row},{day:02}/{month:02}/2024,KHONG_CO,Lâm Thị Mẫu,{note}"),
            Some(2) => format!("B-{row},{day:02}/{month:02}/2024"),
            Some(_) => format!(",{day:02}/{month:02}/2024,MOI,,{note}"),
            None => format!("B-{row},{day:02}/{month:02}/2024,MOI,Lâm Thị Mẫu,{note}"),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Files: small ones wrong in part, which come again mended; and large ones.
fn files(random: &mut Random) -> Vec<Parcel> {
    let mut all = Vec::new();
    for file in 0..12 {
        let wrong = [0, 15, 100][random.between(0, 3) as usize];
        let told = table(random, 20, file * 15, wrong);
        let name = format!("tep-{file}.csv");
        all.push(parcel(TABLE, name.clone(), told.clone()));
        // The same again; then, under the same name, what it should have been.
        all.push(parcel(TABLE, name.clone(), told));
        all.push(parcel(TABLE, name, table(random, 20, file * 15, 0)));
    }
    for (name, wrong) in [("lon-1.csv", 0), ("lon-2.csv", 3)] {
        let told = table(random, ROWS, 10_000, wrong);
        all.push(parcel(TABLE, name.to_owned(), told.clone()));
        all.push(parcel(TABLE, name.to_owned(), told));
    }
    all
}

/// Real samples, as they came.
fn samples() -> Vec<Parcel> {
    let sent = [
        (PLANNING, "LayDanhSachHoSo.soap.xml"),
        ("so-tai-nguyen-moi-truong.ho-so", "HOSO_201309.csv"),
        ("so-giao-thong-van-tai.ho-so", "hoso_trang1.json"),
        ("so-giao-thong-van-tai.ho-so", "hoso_trang2.json"),
    ];
    let read = |name: &str| fs::read(root().join("tests/corpus/samples").join(name)).unwrap();
    let one = |(channel, name): (&str, &str)| {
        [
            parcel(channel, name.to_owned(), read(name)),
            Parcel { id: None, ..parcel(channel, String::new(), read(name)) },
        ]
    };
    sent.into_iter().flat_map(one).collect()
}

/// Other content under an id that was used before.
fn contradicted(random: &mut Random, sent: &[Parcel]) -> Vec<Parcel> {
    let mut all = Vec::new();
    for pair in sent.windows(2) {
        if pair[0].channel == pair[1].channel && random.percent(4) {
            all.push(Parcel { bytes: pair[1].bytes.clone(), ..pair[0].clone() });
        }
    }
    all
}

/// The whole day in parts, fixed by the generator.
pub(super) fn of(random: &mut Random) -> Vec<Vec<Parcel>> {
    let mut sent = one_stop(random);
    sent.extend(shared(random));
    let contradictions = contradicted(random, &sent);
    sent.extend(contradictions);
    random.shuffle(&mut sent);
    // Files keep their order: what mends one comes after it.
    let mut parts: Vec<Vec<Parcel>> = (0..PARTS).map(|_| Vec::new()).collect();
    for one in sent {
        parts[random.between(0, PARTS) as usize].push(one);
    }
    for (at, one) in samples().into_iter().chain(files(random)).enumerate() {
        let part = &mut parts[at * PARTS as usize / 60];
        let place = part.len();
        part.insert(place, one);
    }
    parts
}
