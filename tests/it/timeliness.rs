//! Early, on time, late and overdue by the hub's own due date: beside the agency's, and in its
//! place where no agency promised a day.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
};

on_each_store!(the_hubs_verdict_is_counted_beside_the_agencys);

const CHANNEL: &str = "ubnd-bien-hoa.hen";
const DAYS: &str = "from=2026-04-01&to=2026-05-31";
const JUDGED_MAX: Duration = Duration::from_secs(60);

async fn tell(agency: &Sender, message: Value) {
    let bytes = message.to_string();
    let (status, receipt) = agency.push(CHANNEL, None, bytes.as_bytes()).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
}

/// A dossier of five working days that was accepted on Friday, 24 April: it is due on 6 May.
async fn accepted(agency: &Sender, code: &str, promise: Option<&str>) {
    let at = "2026-04-24T09:00:00+07:00";
    let mut message = json!({
        "loai": "HO_SO", "ma": code, "luc": at, "nhan": at, "trangThai": "TIEP_NHAN",
        "thuTuc": "Đăng ký thành lập hộ kinh doanh", "nguoiNop": "Lâm Thị Mẫu",
    });
    if let Some(promise) = promise {
        message["hen"] = json!(promise);
    }
    tell(agency, message).await;
}

async fn finished(agency: &Sender, code: &str, day: &str) {
    let at = format!("{day}T10:00:00+07:00");
    let message = json!({ "loai": "TRANG_THAI", "ma": code, "luc": at, "trangThai": "HOAN_THANH" });
    tell(agency, message).await;
}

/// Once everything that was recorded is judged.
async fn judged(portal: &Sender) {
    let began = Instant::now();
    loop {
        let size = portal.found("/v1/feeds").await["size"].clone();
        let told = portal.found(&format!("/v1/statistics?{DAYS}&promise=hub")).await;
        if told["as_of"] == size {
            return;
        }
        assert!(began.elapsed() < JUDGED_MAX, "{size} entries are not judged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn kept(measures: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), measures[*name].clone())).collect()
}

async fn counted(asker: &Sender, measure: &str) -> Vec<String> {
    let path = format!("/v1/statistics/dossiers?measure={measure}&{DAYS}");
    let told = asker.found(&path).await;
    let dossiers = told["dossiers"].as_array().unwrap().iter();
    dossiers.map(|one| one["key"].as_str().unwrap().to_owned()).collect()
}

async fn the_hubs_verdict_is_counted_beside_the_agencys(backend: Backend) {
    let mut folder = backend.folder_of("timeliness", &["tests/corpus/deadlines"]);
    let province = folder.catalogue();
    folder.publishing(Some(province));
    let keys = ["agency:ubnd-bien-hoa", "portal", "agency:so-y-te"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [agency, portal, other] = keys.map(|key| hub.sender(&key));
    accepted(&agency, "HK-1", Some("2026-05-20T17:00:00+07:00")).await;
    finished(&agency, "HK-1", "2026-05-08").await;
    for code in ["HK-2", "HK-3", "HK-4"] {
        accepted(&agency, code, None).await;
    }
    finished(&agency, "HK-2", "2026-05-07").await;
    finished(&agency, "HK-4", "2026-05-06").await;
    judged(&portal).await;

    let finishes = ["finished-early", "finished-on-time", "finished-late", "overdue"];
    let told = portal.found(&format!("/v1/statistics?{DAYS}&by=agency")).await;
    let expected = json!({ "finished-early": 1, "finished-on-time": 2, "finished-late": null,
        "overdue": null });
    assert_eq!(kept(&told["rows"][0]["measures"], &finishes), expected, "{told:#}");
    let told = portal.found(&format!("/v1/statistics?{DAYS}&by=agency&promise=hub")).await;
    let measures = &told["rows"][0]["measures"];
    let expected = json!({ "finished-early": 1, "finished-on-time": 1, "finished-late": 1,
        "overdue": 1 });
    assert_eq!(kept(measures, &finishes), expected, "{told:#}");
    let own = ["hub-early", "hub-on-time", "hub-late", "hub-overdue", "unpromised-late"];
    let expected = json!({ "hub-early": null, "hub-on-time": 1, "hub-late": 2, "hub-overdue": 1,
        "unpromised-late": 1 });
    assert_eq!(kept(measures, &own), expected, "{told:#}");
    let days = portal.found(&format!("/v1/statistics?{DAYS}&by=day&promise=hub")).await;
    let overdue = |day: &str| {
        let rows = days["rows"].as_array().unwrap();
        let row = rows.iter().rfind(|row| row["day"].as_str().unwrap() <= day).unwrap();
        row["measures"]["overdue"].as_i64().unwrap_or(0)
    };
    // HK-1 was not yet finished on the 7th, and its agency had promised a later day.
    assert_eq!(["2026-05-06", "2026-05-07", "2026-05-31"].map(overdue), [0, 1, 1], "{days:#}");

    leads_to_dossiers(&portal, [&agency, &other]).await;
    refused(&portal, &agency).await;
    hub.stop();
    folder.verify();
}

/// Every number leads to its dossiers, an agency's own alone.
async fn leads_to_dossiers(portal: &Sender, [agency, other]: [&Sender; 2]) {
    let named = |codes: &[&str]| -> Vec<String> {
        codes.iter().map(|code| format!("ubnd-bien-hoa/{code}")).collect()
    };
    assert_eq!(counted(portal, "hub-late").await, named(&["HK-1", "HK-2"]));
    assert_eq!(counted(portal, "unpromised-late").await, named(&["HK-2"]));
    assert_eq!(counted(agency, "hub-overdue").await, named(&["HK-3"]));
    assert_eq!(counted(other, "hub-overdue").await, named(&[]));
    let told = other.found(&format!("/v1/statistics?{DAYS}&promise=hub")).await;
    assert_eq!(told["rows"], json!([]), "{told:#}");
}

/// What cannot be answered so is refused by the parameter that asks for it.
async fn refused(portal: &Sender, agency: &Sender) {
    let bad = async |asker: &Sender, also: &str| -> Value {
        let (status, told) = asker.get(&format!("/v1/statistics?{DAYS}&{also}")).await;
        assert_eq!((status, &told["code"]), (400, &json!("bad-parameter")), "{also}: {told:#}");
        told["parameter"].clone()
    };
    assert_eq!(bad(portal, "promise=so-y-te").await, "promise");
    assert_eq!(bad(portal, "promise=hub&as_of=2").await, "as_of");
    assert_eq!(bad(portal, "promise=hub&by=channel").await, "by");
    // An agency asks of its own, which is a dimension too.
    assert_eq!(portal.status(&format!("/v1/statistics?{DAYS}&promise=hub&by=field")).await, 200);
    assert_eq!(bad(agency, "promise=hub&by=procedure,commune").await, "by");
    let path = format!("/v1/statistics/dossiers?measure=hub-late&{DAYS}&as_of=2");
    let (status, told) = portal.get(&path).await;
    assert_eq!((status, &told["parameter"]), (400, &json!("as_of")), "{told:#}");
}
