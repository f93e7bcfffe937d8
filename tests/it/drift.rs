//! What channels send is looked at, counted once, and told in words when it changes.

mod held;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL},
    recount::store,
};

on_each_store!(
    a_change_is_told_with_its_figures_and_nobodys_data,
    what_was_acknowledged_is_looked_at_once_whatever_is_killed,
    every_format_is_looked_at_and_no_message_at_length,
);

/// How long it may take until everything that was received is counted.
const COUNTED_MAX: Duration = Duration::from_secs(30);

/// An event of one dossier as the one-stop software sends it.
fn event(number: u64) -> String {
    let status = ["THU_LY", "BO_SUNG", "HOAN_THANH"][usize::try_from(number % 3).unwrap()];
    let reason = match number.is_multiple_of(4) {
        true => "",
        false => r#", "lyDo": "Thiếu giấy tờ của bà Nguyễn Thị An""#,
    };
    format!(
        r#"{{"maHoSo": "BH.DR.{number:06}", "suKien": "DOI_TRANG_THAI", "trangThai": "{status}",
            "thoiDiem": "2024-03-04T08:00:00+07:00"{reason}}}"#
    )
}

async fn send(sender: &Sender, ids: std::ops::Range<u64>, body: impl Fn(u64) -> String) {
    for number in ids {
        let id = format!("drift-{number}");
        let (status, answer) =
            sender.push(CHANNEL, Some(&id), body(number).as_bytes()).await.unwrap();
        assert!([200, 422].contains(&status), "{answer}");
    }
}

fn told(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// What the hub says once it has counted everything.
async fn counted(folder: &Folder) -> Value {
    let began = Instant::now();
    loop {
        let told = told(folder, &["drift", "--format", "json", "--profile"]);
        let drift: Value = serde_json::from_str(&told).unwrap();
        if drift["counted"] == drift["messages"] && drift["messages"] != 0 {
            return drift;
        }
        assert!(began.elapsed() < COUNTED_MAX, "{told}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn a_change_is_told_with_its_figures_and_nobodys_data(backend: Backend) {
    let folder = backend.folder("drift");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send(&hub.sender(&key), 0..60, event).await;
    counted(&folder).await;
    hub.stop();
    // A month passes.
    store(&folder, "UPDATE profiles SET period = '2024-03-04'");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let changed = |number: u64| {
        let text = event(number).replace("2024-03-04T08:00:00+07:00", "04/03/2024 08:00");
        let text = text.replace("THU_LY", "TAM_DUNG").replace("BO_SUNG", "Chờ ông Lê Văn B");
        text.replace("\"lyDo\"", "\"canBo\": \"Trần Văn C\", \"lyDoMoi\"")
    };
    send(&sender, 60..90, changed).await;
    let drift = counted(&folder).await;
    let channel = &drift["channels"][0];
    assert_eq!((&channel["messages"], &channel["looked"]), (&90.into(), &90.into()));
    let changes: Vec<_> = channel["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let word = |name: &str| change[name].as_str().unwrap();
            (word("kind"), word("path"), word("before"), word("after"))
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("new-field", "canBo", "0 %", "73 %"),
            ("field-gone", "lyDo", "75 %", "0 %"),
            ("new-field", "lyDoMoi", "0 %", "73 %"),
            ("new-form", "thoiDiem", "rfc3339 100 %", "dd/MM/yyyy HH:mm 100 %"),
            ("unknown-code", "trangThai", "0", "10"),
            ("unknown-code", "trangThai", "0", "10"),
        ],
        "{drift:#}"
    );
    let words = told(&folder, &["drift", CHANNEL]);
    for text in [
        "looked at 90 of 90 messages, 90 records",
        "Trường `lyDo` không còn; trước đây có trong 75 % bản ghi.",
        "`trangThai` holds the code `TAM_DUNG`, 10 times; its code table lacks it.",
        "`trangThai` có 10 giá trị ngoài bảng quy đổi (không hiển thị).",
        "→ Thêm cách ghi mới vào quy tắc",
    ] {
        assert!(words.contains(text), "{text}\n{words}");
    }
    let page = sender.client.get(format!("{}/console", hub.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Trường mới `canBo`, có trong 73 % bản ghi."), "{page}");
    hub.stop();
    let kept = store(&folder, "SELECT profile FROM profiles");
    for personal in ["Nguyễn", "Trần", "Lê Văn", "BH.DR"] {
        assert!(!kept.contains(personal), "{personal} in {kept}");
    }
    folder.verify();
}

async fn what_was_acknowledged_is_looked_at_once_whatever_is_killed(backend: Backend) {
    const MESSAGES: u64 = 240;
    let folder = backend.folder("drift-kills");
    let key = folder.key(AGENCY);
    let mut hub = Hub::start(&folder).await;
    for first in (0..MESSAGES).step_by(40) {
        send(&hub.sender(&key), first..first + 40, event).await;
        // The gatherer looks every second: kills hit it before, within and after a turn.
        tokio::time::sleep(Duration::from_millis(300 + first * 3)).await;
        hub.kill9();
        hub = Hub::start(&folder).await;
    }
    let beside = (backend == Backend::Postgres).then(|| Hub::start(&folder));
    let beside = match beside {
        Some(starting) => Some(starting.await),
        None => None,
    };
    send(&hub.sender(&key), MESSAGES..MESSAGES + 60, event).await;
    let (messages, count) = (MESSAGES + 60, |fits: fn(u64) -> bool| {
        (0..MESSAGES + 60).filter(|number| fits(*number)).count()
    });
    let drift = counted(&folder).await;
    let channel = &drift["channels"][0];
    assert_eq!((&channel["messages"], &channel["records"]), (&messages.into(), &messages.into()));
    let progress = &channel["profile"]["progress/1"];
    assert_eq!(progress["records"], messages);
    let fields = &progress["fields"];
    assert_eq!(fields["lyDo"]["filled"], count(|number| !number.is_multiple_of(4)));
    for (code, rest) in [("THU_LY", 0_usize), ("BO_SUNG", 1), ("HOAN_THANH", 2)] {
        let own = (0..messages).filter(|number| *number % 3 == rest as u64).count();
        assert_eq!(fields["trangThai"]["codes"][code], own, "{code}");
    }
    beside.into_iter().for_each(Hub::stop);
    hub.stop();
    folder.verify();
}

/// A fixture of each agency, and the records in it.
const FIXTURES: [(&str, &str, u64); 8] = [
    ("so-giao-thong-van-tai", "page-1.in.json", 2),
    ("so-ke-hoach-dau-tu", "list.in.xml", 4),
    ("so-lao-dong-tbxh", "rows.in.jsonl", 4),
    ("so-noi-vu", "goi-tin.in.xml", 2),
    ("so-tai-chinh", "msns.in.txt", 4),
    ("so-tai-nguyen-moi-truong", "month.in.csv", 5),
    ("so-xay-dung", "thang-8.in.xlsx", 4),
    ("ubnd-bien-hoa", "m-0001.in.json", 1),
];

async fn every_format_is_looked_at_and_no_message_at_length(backend: Backend) {
    let folder = backend.folder("drift-formats");
    let hub = Hub::start(&folder).await;
    for (agency, case, _) in FIXTURES {
        let sender = hub.sender(&folder.key(&format!("agency:{agency}")));
        let path = format!("mappings/agencies/{agency}/fixtures/ho-so/{case}");
        let bytes = fs::read(root().join(path)).unwrap();
        let channel = format!("{agency}.ho-so");
        // A key is known within seconds.
        let began = Instant::now();
        while sender.push(&channel, None, &bytes).await.unwrap().0 == 401 {
            assert!(began.elapsed() < COUNTED_MAX, "{agency}'s key is not known");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // What cannot be read is counted as that.
        if agency == "so-tai-nguyen-moi-truong" {
            let (header, rows) =
                bytes.split_at(bytes.iter().position(|b| *b == b'\n').unwrap() + 1);
            let row = &rows[..rows.iter().position(|b| *b == b'\n').unwrap() + 1];
            let large = [header.to_vec(), row.repeat(1_200_000 / row.len())].concat();
            assert_eq!(sender.push(&channel, None, &large).await.unwrap().0, 200);
            assert_eq!(sender.push(&channel, None, b"\"SO_HS;").await.unwrap().0, 422);
        }
    }
    let drift = counted(&folder).await;
    let channels = drift["channels"].as_array().unwrap();
    let of = |agency: &str| {
        let id = format!("{agency}.ho-so");
        channels.iter().find(|channel| channel["channel"] == id.as_str()).unwrap()
    };
    for (agency, _, records) in &FIXTURES {
        let channel = of(agency);
        let large = *agency == "so-tai-nguyen-moi-truong";
        let told = (&channel["messages"], &channel["looked"], &channel["unreadable"]);
        match large {
            true => assert_eq!(told, (&3.into(), &3.into(), &1.into())),
            false => assert_eq!(told, (&1.into(), &1.into(), &0.into())),
        }
        let records = if large { records + 500 } else { *records };
        assert_eq!(channel["records"], records, "{agency}");
        assert_eq!(channel["changes"], serde_json::json!([]), "{agency}");
    }
    let field = |at: usize, path: &str| &of(FIXTURES[at].0)["profile"]["dossier/1"]["fields"][path];
    assert_eq!(field(6, "./'Số biên nhận'")["filled"], 4);
    assert_eq!(field(6, "./'Ngày nhận'")["use"], "date");
    assert_eq!(field(4, "NGAY_NHAN")["forms"], serde_json::json!({ "yyyyMMdd": 4 }));
    assert_eq!(field(0, "NgayNhan")["forms"], serde_json::json!({ "msdate": 2 }));
    assert_eq!(field(3, "NoiDung/ThanhPhan/Nhom/GiayTo/Ten")["use"], "text");
    hub.stop();
}
