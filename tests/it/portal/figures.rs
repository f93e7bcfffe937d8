//! Figures of few dossiers, and of none, on the example portal; and the number of what was said.

use std::fs;

use serde_json::{Value, json};

use super::{Place, browser, serve_page};
use crate::{
    harness::{Folder, Hub, free_port},
    lienthong::root,
};

/// Agencies, and how many dossiers each has finished, late, and left open after their day.
const AGENCIES: [(&str, usize, usize, usize); 4] = [
    ("so-cong-thuong", 8, 1, 0),
    ("so-tu-phap", 3, 0, 0),
    ("so-xay-dung", 6, 0, 7),
    ("so-noi-vu", 0, 0, 9),
];
const HIDDEN: &str = "không nêu, để không lộ số của quá ít hồ sơ";

/// A hub of these agencies, each of which sends what that of the reports does.
fn folder() -> Folder {
    let folder = Folder::of("portal-figures", &[]);
    let mut folder = folder.with_lines("hide_of_fewer_than = 6\n");
    let from = root().join("tests/corpus/reports/so-xay-dung");
    for (agency, ..) in AGENCIES {
        let to = folder.path().join("agencies").join(agency);
        fs::create_dir_all(to.join("tables")).unwrap();
        for file in ["agency.toml", "bao-cao.toml", "tables/channel.csv", "tables/status.csv"] {
            let text = fs::read_to_string(from.join(file)).unwrap();
            fs::write(to.join(file), text.replace("so-xay-dung", agency)).unwrap();
        }
    }
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    folder
}

/// The dossiers of one agency.
fn dossiers((agency, finished, late, open): (&str, usize, usize, usize)) -> Vec<Value> {
    let dossier = |number: usize| {
        let day = if number < late { "2024-03-12" } else { "2024-03-06" };
        let mut told = json!({
            "ma": format!("{agency}-{number}"), "luc": format!("{day}T10:00:00+07:00"),
            "linhVuc": "Nhà ở", "hinhThuc": "TRUC_TUYEN", "nhan": "2024-03-02",
            "hen": "2024-03-10", "trangThai": "TIEP_NHAN", "nguoiNop": "Lâm Thị Mẫu",
        });
        if number < finished {
            told["xong"] = json!(day);
            told["trangThai"] = json!("HOAN_THANH");
        }
        told
    };
    (0..finished + open).map(dossier).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn figures_say_what_is_left_out_and_feedback_has_the_number_that_it_is_kept_under() {
    let place = Place::new("portal-figures-page");
    let folder = folder();
    let keys = AGENCIES.map(|(agency, ..)| folder.key(&format!("agency:{agency}")));
    let portal = folder.key("portal");
    let hub = Hub::start(&folder).await;
    for (agency, key) in AGENCIES.into_iter().zip(keys) {
        let (sender, channel) = (hub.sender(&key), format!("{}.bao-cao", agency.0));
        for dossier in dossiers(agency) {
            let sent = sender.push(&channel, None, dossier.to_string().as_bytes()).await;
            let (status, receipt) = sent.unwrap();
            assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        }
    }
    let key = place.0.join("portal.key");
    fs::write(&key, &portal).unwrap();
    let port = free_port();
    let _server = serve_page(&hub.url, &key, port).await;
    let url = format!("http://127.0.0.1:{port}/");

    let told: Value = serde_json::from_str(&browser(&["figures.mjs", &url, "2024"])).unwrap();
    // What the hub sums up counts what no row tells; 1 of 17 was late.
    assert_eq!(told["tiles"], json!(["17", "94,1%", "16"]));
    assert_eq!(
        told["left"],
        json!(["Có số không nêu (…), để không lộ số của quá ít hồ sơ: dưới 6."])
    );
    // Three are too few, six would give them away: what stands open is told all the same.
    let rows = json!([
        ["Sở Công Thương", "8", "7", "0", "1", "87,5%", "0", "0"],
        ["Sở Nội vụ", "0", "0", "0", "0", "–", "9", "9"],
        ["Sở Tư pháp", HIDDEN, "0", "0"],
        ["Sở Xây dựng", HIDDEN, "7", "7"],
    ]);
    assert_eq!(told["rows"], rows);
    assert_eq!(told["chart"], json!(["Đã giải quyết", "Sở Công Thương", "8"]));

    let say = async |said: Value| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client.post(format!("{url}api/feedback")).json(&said).send().await.unwrap();
        (sent.status().as_u16(), sent.json::<Value>().await.unwrap())
    };
    let mut said = json!({ "key": "0f".repeat(16), "agency": "so-xay-dung" });
    let (status, problem) = say(said.clone()).await;
    assert_eq!((status, &problem["code"]), (422, &json!("nothing-said")));
    said["rating"] = json!(4);
    let (status, receipt) = say(said).await;
    let known = hub.sender(&portal).found("/v1/feedback").await;
    assert_eq!((status, &known["items"][0]["feedback"]["id"]), (200, &receipt["id"]), "{known}");
}
