//! Numbers for everybody: what is out of few dossiers is left out, and what would give it away.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
};

on_each_store!(what_is_out_of_few_dossiers_is_told_to_who_answers_for_them_alone);

const DAYS: &str = "from=2026-01-01&to=2026-03-31";
const REPORT: &str = "/v1/reports/II.06a?period=2026-H1&agency=so-xay-dung";

/// Fields, how many dossiers each has finished, and how many of them late.
const FIELDS: [(&str, u32, u32); 3] =
    [("Hoạt động xây dựng", 8, 1), ("Nhà ở", 3, 1), ("Vật liệu xây dựng", 6, 0)];

async fn play(agency: &Sender) {
    for (place, (field, all, late)) in FIELDS.into_iter().enumerate() {
        for number in 0..all {
            let finished = if number < late { "2026-03-12" } else { "2026-03-06" };
            let message = json!({
                "ma": format!("X-{place}-{number}"), "luc": format!("{finished}T10:00:00+07:00"),
                "linhVuc": field, "hinhThuc": "TRUC_TUYEN", "nhan": "2026-03-02",
                "hen": "2026-03-10", "xong": finished, "trangThai": "HOAN_THANH",
                "nguoiNop": "Lâm Thị Mẫu",
            });
            let bytes = message.to_string();
            let sent = agency.push("so-xay-dung.bao-cao", None, bytes.as_bytes()).await;
            let (status, receipt) = sent.unwrap();
            assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        }
    }
}

async fn rows(who: &Sender, also: &str) -> Vec<Value> {
    let told = who.found(&format!("/v1/statistics?{DAYS}{also}")).await;
    told["rows"].as_array().unwrap().clone()
}

/// Whether a row tells how many were late, or in time, or says that it does not.
fn lacks(row: &Value) -> bool {
    let measures = row["measures"].as_object().unwrap();
    let told = measures.keys().any(|name| name.starts_with("finished-"));
    let suppressed = row["suppressed"].as_array().cloned().unwrap_or_default();
    let lacks = suppressed.contains(&json!("finished-late"));
    assert_ne!(told, lacks, "{row}");
    lacks
}

/// The row of each field: whether its figures are left out.
fn of_fields(report: &Value) -> Vec<bool> {
    let rows = report["rows"].as_array().unwrap();
    let of = |(name, ..): (&str, u32, u32)| {
        let row = rows.iter().find(|row| row["name_vi"] == name).unwrap();
        let lacks = row["suppressed"] == true;
        let empty = row["figures"].as_array().unwrap().iter().all(Value::is_null);
        assert_eq!(lacks, empty, "{row}");
        lacks
    };
    FIELDS.map(of).to_vec()
}

async fn what_is_out_of_few_dossiers_is_told_to_who_answers_for_them_alone(backend: Backend) {
    let sources = ["tests/corpus/deadlines", "tests/corpus/reports"];
    let folder = backend.folder_of("few", &sources);
    let mut folder = folder.with_lines("hide_of_fewer_than = 5\n");
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let keys = ["agency:so-xay-dung", "portal", "operator", "reporting:bi"];
    let keys = keys.map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [agency, portal, operator, tool] = keys.map(|key| hub.sender(&key));
    play(&agency).await;

    let told = rows(&portal, "&by=field").await;
    let lacking: Vec<bool> = told.iter().map(lacks).collect();
    assert_eq!(lacking, [false, true, true], "the small one, and who would give it away");
    assert_eq!(told[0]["measures"]["finished-late"], 1, "one of eight is told");
    // However it is asked for, it is the same.
    for ((field, ..), row) in FIELDS.into_iter().zip(&told) {
        let own = rows(&portal, &format!("&field={field}")).await;
        assert_eq!((own.len(), lacks(&own[0])), (1, lacks(row)), "{field}");
        assert_eq!(own[0]["measures"], row["measures"], "{field}");
    }
    let all = rows(&portal, "").await;
    assert_eq!((lacks(&all[0]), &all[0]["measures"]["finished-late"]), (false, &json!(2)));
    let path = format!("/v1/statistics?{DAYS}&by=field");
    assert_eq!(portal.found(&path).await["suppressed_below"], 5);
    for who in [&agency, &operator, &tool] {
        let told = who.found(&path).await;
        let rows = told["rows"].as_array().unwrap();
        assert!(told["suppressed_below"].is_null() && rows.iter().all(|row| !lacks(row)));
        assert_eq!(rows[1]["measures"]["finished-late"], 1, "{told}");
    }

    assert_eq!(of_fields(&portal.found(REPORT).await), [false, true, true]);
    assert_eq!(of_fields(&agency.found(REPORT).await), [false; 3]);
    let csv = format!("{}{REPORT}&format=csv", hub.url);
    let csv = portal.client.get(csv).bearer_auth(portal.key()).send().await.unwrap();
    let csv = csv.text().await.unwrap();
    let line = csv.lines().find(|line| line.contains("Nhà ở")).unwrap();
    assert!(line.contains(",…,…,"), "{line}");
    let freeze = REPORT.replace('?', "/freeze?");
    let frozen = operator.client.post(format!("{}{freeze}", hub.url));
    let frozen = frozen.bearer_auth(operator.key()).send().await.unwrap();
    assert_eq!(frozen.status(), 201);
    assert_eq!(of_fields(&portal.found(REPORT).await), [false, true, true], "as it was frozen");
    assert_eq!(of_fields(&operator.found(REPORT).await), [false; 3]);
    assert_eq!(portal.status(&format!("{REPORT}&figures=difference")).await, 403);
    assert_eq!(operator.status(&format!("{REPORT}&figures=difference")).await, 200);
}
