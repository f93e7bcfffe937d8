//! From any number to its dossiers.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
    permutations::{AGENCY, CHANNEL, dossier, send_all},
    recount::store,
};

on_each_store!(
    every_number_leads_to_the_dossiers_that_it_counts,
    what_is_finished_counts_under_the_agency_that_finished_it,
);

const DOSSIERS: u64 = 60;
const DAYS: &str = "from=2024-02-01&to=2024-06-30";
/// Pages of one list, at most.
const PAGES_MAX: usize = 60;

/// All pages of the list of a number.
async fn counted(portal: &Sender, measure: &str, also: &str) -> Vec<Value> {
    let mut path = format!("/v1/statistics/dossiers?measure={measure}&{DAYS}&limit=7{also}");
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let (status, told, next) = portal.page(&path).await;
        assert_eq!(status, 200, "{told:#}");
        all.extend(told["dossiers"].as_array().unwrap().iter().cloned());
        match next {
            Some(next) => path = next,
            None => return all,
        }
    }
    panic!("{measure}: more than {PAGES_MAX} pages");
}

/// Every measure of the whole and of one procedure is what its dossiers add up to.
async fn agree(portal: &Sender, also: &str) -> usize {
    let path = format!("/v1/statistics?{DAYS}{also}");
    let told = portal.found(&path).await;
    let measures = told["rows"][0]["measures"].as_object().unwrap().clone();
    for (measure, n) in &measures {
        let dossiers = counted(portal, measure, also).await;
        let sum: i64 = dossiers.iter().map(|one| one["n"].as_i64().unwrap()).sum();
        assert_eq!(json!(sum), *n, "{measure}{also}: {dossiers:#?}");
        for one in &dossiers {
            let days = one["days"].as_array().unwrap();
            assert!(days.iter().all(|day| day.as_str().unwrap() <= "2024-06-30"), "{one}");
            let code = one["key"].as_str().unwrap().split_once('/').unwrap().1;
            let (status, _) = portal.get(&format!("/v1/dossiers/{code}")).await;
            assert_eq!(status, 200, "{one}");
        }
    }
    measures.len()
}

/// Numbers by how procedures are offered are numbers of procedures put together, and lead to their
/// dossiers.
async fn offered(portal: &Sender) {
    let accepted = async |also: &str| -> i64 {
        let told = portal.found(&format!("/v1/statistics?{DAYS}{also}")).await;
        let rows = told["rows"].as_array().unwrap();
        rows.iter().filter_map(|row| row["measures"]["accepted"].as_i64()).sum()
    };
    let told = portal.found(&format!("/v1/statistics?{DAYS}&by=level,online_level")).await;
    assert_eq!(told["summed_from"], "rollups");
    let rows = told["rows"].as_array().unwrap();
    let named = |row: &Value| [row["level"].clone(), row["online_level"].clone()];
    let levels: Vec<_> = rows.iter().map(named).collect();
    // What a district does under the plan, and what the catalogue does not know under that name.
    assert_eq!(levels, [[json!(""), json!("")], [json!("district"), json!("3")]], "{told:#}");
    let told = portal.found(&format!("/v1/statistics?{DAYS}&by=procedure,level")).await;
    let mut district = 0;
    for row in told["rows"].as_array().unwrap() {
        let known = row["procedure"] != "Thay đổi, cải chính hộ tịch";
        assert_eq!(row["level"], if known { "district" } else { "" }, "{row}");
        district += row["measures"]["accepted"].as_i64().filter(|_| known).unwrap_or(0);
    }
    assert_eq!(accepted("&level=district").await, district);
    assert_eq!(accepted("&by=level").await, accepted("").await);
    assert!(agree(portal, "&level=district").await > 5);
    assert_eq!(accepted("&online_level=4").await, 0);
}

async fn every_number_leads_to_the_dossiers_that_it_counts(backend: Backend) {
    let mut folder = backend.folder("counted");
    let province = folder.catalogue();
    folder.publishing(Some(province));
    let keys = [AGENCY, "portal", "agency:so-y-te"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [agency, portal, other] = keys.map(|key| hub.sender(&key));
    let messages: Vec<_> = (0..DOSSIERS).flat_map(|one| dossier(20_240_701, one)).collect();
    let (early, late) = messages.split_at(messages.len() / 2);
    send_all(&agency, early.to_vec(), 1).await;
    let before = portal.found(&format!("/v1/statistics?{DAYS}")).await;
    send_all(&agency, late.to_vec(), 1).await;
    // Corrections of what was sent early move numbers of then.
    for one in early.iter().filter(|one| one.id.ends_with("-0")) {
        let text = String::from_utf8(one.bytes.clone()).unwrap().replace("2024-0", "2024-1");
        // Some days of such months are none: those are refused, and change nothing.
        let id = format!("{}-moved", one.id);
        agency.push(CHANNEL, Some(&id), text.as_bytes()).await.unwrap();
    }
    assert!(agree(&portal, "").await > 8);
    let procedures = portal.found(&format!("/v1/statistics?{DAYS}&by=procedure")).await;
    let procedure = procedures["rows"][0]["procedure"].as_str().unwrap();
    agree(&portal, &format!("&procedure={procedure}")).await;
    offered(&portal).await;
    let then = format!("&as_of={}", before["as_of"]);
    agree(&portal, &then).await;
    let told = portal.found(&format!("/v1/statistics?{DAYS}{then}")).await;
    assert_eq!(told["rows"], before["rows"], "what was told before stays as it was told");

    // An agency is told its own.
    let own = counted(&agency, "open", "").await;
    assert_eq!(own, counted(&portal, "open", "").await);
    assert!(counted(&other, "open", "").await.is_empty());
    let path = format!("/v1/statistics/dossiers?measure=open&{DAYS}");
    let (status, told) = other.get(&format!("{path}&agency=ubnd-bien-hoa")).await;
    assert_eq!((status, &told["code"]), (403, &json!("not-yours")), "{told:#}");
    // What is no measure is answered with those there are; a cursor is of its question alone.
    let (status, told) = portal.get(&path.replace("=open", "=opened")).await;
    assert_eq!((status, &told["code"]), (400, &json!("bad-parameter")));
    assert!(told["advice"].as_str().unwrap().contains("finished-late"), "{told:#}");
    let (_, _, next) = portal.page(&format!("{path}&limit=1")).await;
    let elsewhere = next.unwrap().replace("measure=open", "measure=accepted");
    assert_eq!(portal.get(&elsewhere).await.0, 400);
    hub.stop();
}

/// The national code of a dossier, as either system writes it.
fn spellings(number: u32) -> [String; 2] {
    ["H19.14", "000.00.14.H19"].map(|agency| format!("{agency}-240304-{number:04}"))
}

/// What a system tells of a dossier: the specialist's begin with C.
fn taken(code: &str, number: u32, status: &str, more: &Value) -> String {
    let [short, long] = spellings(number);
    let mut one = json!({ "loai": "HOSO", "ma": code, "phienBan": "1", "thuTuc": "1.001612",
        "maQuocGia": if code.starts_with('C') { long } else { short }, "nhan": "2024-03-04",
        "hen": "2024-03-08", "trangThai": status, "nguoiNop": "Lâm Thị Mẫu" });
    for (name, value) in more.as_object().unwrap() {
        one[name] = value.clone();
    }
    json!({ "tin": [one] }).to_string()
}

/// A one-stop shop takes dossiers, and a specialist system decides some of them under its own name.
async fn what_is_finished_counts_under_the_agency_that_finished_it(backend: Backend) {
    let folder = backend.folder_of("finishing", &["tests/corpus/sources"]);
    let keys = ["agency:mot-cua", "agency:chuyen-nganh", "portal"].map(|who| folder.key(who));
    let mut hub = Hub::start(&folder).await;
    let [one_stop, specialist, portal] = keys.each_ref().map(|key| hub.sender(key));
    let open = json!({});
    let done = json!({ "xong": "2024-03-11" });
    for number in 1..=3 {
        let message = taken(&format!("M-{number}"), number, "2", &open);
        one_stop.push("mot-cua.tin", None, message.as_bytes()).await.unwrap();
    }
    let message = taken("M-4", 4, "9", &done);
    one_stop.push("mot-cua.tin", None, message.as_bytes()).await.unwrap();
    let before = portal.found("/v1/feeds").await["size"].clone();
    for number in 1..=2 {
        let message = taken(&format!("C-{number}"), number, "9", &done);
        let sent = specialist.push("chuyen-nganh.tin", None, message.as_bytes()).await.unwrap();
        assert_eq!(sent.1["outcome"], "stored", "{}", sent.1);
    }
    // Test idea 1 of the domain: one record under either spelling, with both names.
    for code in spellings(1) {
        let one = portal.found(&format!("/v1/dossiers/{code}")).await;
        let names = json!([{ "source": "chuyen-nganh", "source_code": "C-1" },
                           { "source": "mot-cua", "source_code": "M-1" }]);
        assert_eq!(one["dossier"]["identities"], names, "{one:#}");
    }
    let days = "from=2024-03-01&to=2024-03-31";
    let by = async |also: &str| portal.found(&format!("/v1/statistics?{days}{also}")).await;
    let of = |told: &Value, agency: &str, measure: &str| -> i64 {
        let rows = told["rows"].as_array().unwrap();
        let rows = rows.iter().filter(|row| row["finishing_agency"] == agency);
        rows.filter_map(|row| row["measures"][measure].as_i64()).sum()
    };
    let told = by("&by=finishing_agency").await;
    assert_eq!(told["summed_from"], "deltas", "{told:#}");
    assert_eq!(of(&told, "chuyen-nganh", "finished-late"), 2, "{told:#}");
    assert_eq!(of(&told, "mot-cua", "finished-late"), 1);
    // What tells no finish is the accepting agency's.
    assert_eq!((of(&told, "mot-cua", "accepted"), of(&told, "mot-cua", "open")), (4, 1));
    assert_eq!(of(&told, "chuyen-nganh", "accepted"), 0);
    // The accepting agency's own figures are whole, from what is kept summed.
    let whole = by("&by=agency").await;
    assert_eq!(
        (&whole["summed_from"], whole["rows"].as_array().unwrap().len()),
        (&json!("rollups"), 1)
    );
    assert_eq!(whole["rows"][0]["measures"]["finished-late"], 3);
    let only = by("&finishing_agency=chuyen-nganh&by=agency").await;
    assert_eq!(only["rows"][0]["agency"], "mot-cua", "{only:#}");
    assert_eq!(only["rows"][0]["measures"]["finished-late"], 2);
    let then = by(&format!("&by=finishing_agency&as_of={before}")).await;
    assert_eq!(of(&then, "chuyen-nganh", "finished-late"), 0, "{then:#}");
    let listed = counted(&portal, "finished-late", "&finishing_agency=chuyen-nganh").await;
    assert_eq!(listed.len(), 2, "{listed:#?}");
    // Made anew it is the same.
    hub.stop();
    recounted(&folder);
    hub = Hub::start(&folder).await;
    let anew =
        hub.sender(&keys[2]).found(&format!("/v1/statistics?{days}&by=finishing_agency")).await;
    assert_eq!(anew["rows"], told["rows"]);
    hub.stop();
}

/// What is kept of numbers is what a recount gives, and a number that is altered is told.
fn recounted(folder: &Folder) {
    folder.verify();
    let recount = || folder.run(&["verify", "--statistics"]);
    let rebuild = || assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    rebuild();
    let words = stdout(&recount());
    assert!(words.contains("the statistics hold") && !words.contains("findings"), "{words}");
    store(folder, "UPDATE rollups SET n = n + 1");
    let told = recount();
    assert_eq!(told.status.code(), Some(1));
    assert!(stderr(&told).contains("the rollups say"), "{}", stderr(&told));
    rebuild();
    folder.verify();
}
