//! Who is looked up again hears what is so now, however the first answer was kept: another status,
//! another telephone, and nobody by the facts of before.

use serde_json::{Value, json};

use super::{CODE, IDENTITY, Office, PHONE};
use crate::{
    backend::{Backend, on_each_store},
    lienthong::root,
};

on_each_store!(a_second_answer_is_what_is_so_now_and_of_who_knows_it_now,);

const NEW_PHONE: &str = "4321";

fn fixture(number: u32) -> Value {
    let path = format!("mappings/agencies/ubnd-bien-hoa/fixtures/ho-so/m-000{number}.in.json");
    serde_json::from_slice(&std::fs::read(root().join(path)).unwrap()).unwrap()
}

async fn tell(office: &Office, body: &Value) {
    let sender = office.hub.sender(&office.agency);
    let bytes = body.to_string();
    let (status, told) = sender.push("ubnd-bien-hoa.ho-so", None, bytes.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

async fn status(office: &Office, secret: &str) -> Value {
    let told = office.ask(CODE, secret).await;
    assert_eq!(told.status, 200, "{}", told.text);
    told.body["dossier"]["status"]["id"].clone()
}

async fn a_second_answer_is_what_is_so_now_and_of_who_knows_it_now(backend: Backend) {
    let office = Office::new(backend, "lookups-again").await;
    let first = office.ask(CODE, PHONE).await;
    assert_eq!((first.status, &first.body["dossier"]["status"]["id"]), (200, &json!(2)));
    // What is kept of the first answer is nobody's who does not know it.
    assert_eq!(office.ask(CODE, "0172").await.status, 404);
    let elsewhere = json!({ "code": CODE, "secret": PHONE, "agency": "so-y-te" });
    assert_eq!(office.post(elsewhere.to_string(), None).await.status, 404);
    for secret in [PHONE, IDENTITY] {
        assert_eq!(office.ask(CODE, secret).await.text, first.text, "{secret}");
    }
    // What is heard of another dossier moves the position alone.
    tell(&office, &fixture(5)).await;
    let mut moved = office.ask(CODE, PHONE).await.body;
    assert_ne!(moved["dossier"]["as_of"], first.body["dossier"]["as_of"]);
    moved["dossier"]["as_of"] = first.body["dossier"]["as_of"].clone();
    assert_eq!(moved, first.body);
    tell(&office, &fixture(4)).await;
    assert_eq!(status(&office, PHONE).await, 10);
    // The agency corrects the telephone: its holder is told, and who held the old one is not.
    let mut corrected = fixture(1);
    corrected["nguoiNop"]["dienThoai"] = json!("0900004321");
    corrected["thoiDiem"] = json!("2014-05-06T08:00:00+07:00");
    tell(&office, &corrected).await;
    assert_eq!(office.ask(CODE, PHONE).await.status, 404);
    assert_eq!(status(&office, NEW_PHONE).await, 10);
    assert_eq!(status(&office, IDENTITY).await, 10);
    assert_eq!(office.ask(CODE, PHONE).await.status, 404);
}
