//! What arrives, in which form, with what beside it.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::{
    WITHIN,
    agency::{Agency, Reply},
    at, kept, line, office, send, stands, started,
};
use crate::backend::{Backend, on_each_store};

on_each_store!(records_go_where_their_routes_lead, every_transport_and_form_is_served);

const ROUTES: &str = r#"
[[route]]
contract = "dossier/1"
from = "so-gui"
when = "status == 9"
to = "so-nhan.nhan"

[[route]]
contract = "dossier/1"
from = "so-nhan"
to = "so-nhan.doi"
"#;

async fn records_go_where_their_routes_lead(backend: Backend) {
    let (one, other) =
        (Agency::new(|_, _| Reply::TAKEN).await, Agency::new(|_, _| Reply::TAKEN).await);
    let endpoints = [("so-nhan.nhan", &*at(&one.url)), ("so-nhan.doi", &*at(&other.url))];
    let folder = office(backend, "delivery-routes", ROUTES, &endpoints);
    let (hub, sender, operator) = started(&folder).await;
    let lines = [line("A-1", 1, "XONG"), line("A-2", 1, "MOI"), line("A-3", 1, "XONG")].concat();
    send(&sender, "m-1", &lines).await;
    // Sent again, it makes nothing; nor does what is in trial.
    let (_, again) = sender.push("so-gui.ho-so", Some("m-1"), lines.as_bytes()).await.unwrap();
    assert_eq!(again["outcome"], "duplicate");
    let trial = line("A-4", 1, "XONG");
    sender.push("so-gui.thu", Some("t-1"), trial.as_bytes()).await.unwrap();
    send(&sender, "m-2", &line("A-1", 1, "XONG")).await;
    one.takes(2, WITHIN).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    let taken = one.taken();
    assert_eq!(taken.len(), 2, "{taken:#?}");
    assert_eq!(other.seen().len(), 0);
    let first = taken.iter().find(|one| one.subject() == "A-1").unwrap();
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&body["source_code"], &body["status"]), (&json!("A-1"), &json!(9)));
    assert!(body["applicant"]["name"].is_null(), "nothing personal unless its route says so");
    assert_eq!(first.path, "/ho-so");
    for (name, value) in [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "vn.gov.dongnai.lienthong.dossier.v1"),
        ("ce-source", "/agencies/so-gui/channels/ho-so"),
    ] {
        assert_eq!(first.header(name), value, "{name}");
    }
    assert_eq!(first.header("ce-id"), first.id());
    hub.stop();
    folder.verify();
}

const FORMS: &str = r#"
[[route]]
contract = "dossier/1"
to = "so-nhan.bieu-mau"
personal = true

[[route]]
contract = "dossier/1"
to = "so-nhan.tep"
personal = true
"#;

async fn every_transport_and_form_is_served(backend: Backend) {
    let agency = Agency::new(|seen, _| match seen.path.as_str() {
        "/token" => Reply::Says(200, "", r#"{"access_token":"t0ken","expires_in":60}"#),
        _ if seen.header("authorization") == "Bearer t0ken" => Reply::TAKEN,
        _ => Reply::Says(401, "", ""),
    })
    .await;
    let settings = format!(
        "{}\nauth = \"oauth2\"\nuser = \"lien-thong\"\nsecret = \"so-nhan\"\n\
         token_url = \"{}/token\"",
        at(&agency.url),
        agency.url
    );
    let endpoints = [("so-nhan.bieu-mau", &*settings), ("so-nhan.tep", "folder = \"ra\"")];
    let folder = office(backend, "delivery-forms", FORMS, &endpoints);
    kept(&folder, "so-nhan = \"b1mat\"\n");
    let (hub, sender, operator) = started(&folder).await;
    send(&sender, "m-1", &line("A/1", 1, "XONG")).await;
    let (began, files) = (std::time::Instant::now(), folder.path().join("ra"));
    // The folder is not there at first: what is to lie in it waits.
    stands(&operator, "so-nhan.tep", |one| one["failing"] == 1).await;
    fs::create_dir(&files).unwrap();
    stands(&operator, "so-nhan.tep", |one| one["waiting"] == 0).await;
    stands(&operator, "so-nhan.bieu-mau", |one| one["waiting"] == 0).await;
    assert!(began.elapsed() < WITHIN);
    let names: Vec<String> = fs::read_dir(&files)
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() == 1 && names[0].ends_with("-A-1.xml"), "{names:?}");
    let text = fs::read_to_string(files.join(&names[0])).unwrap();
    let expected = "<HoSo nguon=\"so-gui\"><MaHoSo>A/1</MaHoSo>\
                    <TenNguoiNop>Lâm Thị Mẫu</TenNguoiNop><TrangThai>XONG</TrangThai>\
                    <NgayTiepNhan>04/03/2024</NgayTiepNhan></HoSo>";
    assert!(text.ends_with(expected), "{text}");
    let seen = agency.seen();
    let token = seen.iter().find(|one| one.path == "/token").unwrap();
    assert_eq!(token.body, "grant_type=client_credentials");
    // base64 of lien-thong:b1mat
    assert_eq!(token.header("authorization"), "Basic bGllbi10aG9uZzpiMW1hdA==");
    let sent = seen.iter().find(|one| one.path == "/ho-so").unwrap();
    assert_eq!(
        (sent.body.as_str(), sent.header("content-type")),
        (text.as_str(), "application/xml; charset=utf-8")
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    hub.stop();
    let log = folder.log();
    assert!(!log.contains("b1mat") && !log.contains("t0ken") && !log.contains("Lâm"), "{log}");
}
