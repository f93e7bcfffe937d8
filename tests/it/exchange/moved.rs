//! Requests, their deadlines and who has which attachment go along when a log moves to another
//! store.

use serde_json::json;

use super::{ASKED, READS, asked, attachment, becomes, office, part, post, started};
use crate::{
    backend::Backend,
    cluster,
    delivery::agency::{Agency, Reply},
    harness::Hub,
    lienthong::{run, stderr},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_asked_what_is_due_and_who_has_a_file_moves_with_the_log() {
    let asks_system = Agency::new(|_, _| Reply::TAKEN).await;
    let asked_system = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = office(Backend::Sqlite, "exchange-moved", &asks_system, &asked_system);
    let folder = attachment::keeping(folder, "");
    let (hub, [asks, answers, ..]) = started(&folder).await;
    let (status, claim) = attachment::send(&asks, "application/pdf", attachment::pdf(9_000)).await;
    assert_eq!(status, 201, "{claim}");
    let mut body = asked(json!([ASKED, READS]), 15);
    body["attachments"] = json!([claim]);
    assert_eq!(post(&asks, "/v1/requests", Some("cv-5"), &body).await.0, 200);
    let path = "/v1/requests/so-tu-phap:cv-5";
    let before = becomes(&asks, path, |told| part(told, ASKED)["state"] == "delivered").await;
    hub.stop();
    let (from, to) = (folder.store_address(), cluster::database("exchange-moved"));
    let told = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    let folder = folder.with_store(to);
    let hub = Hub::start(&folder).await;
    let (asks, answers) = (asks.at(&hub.url), answers.at(&hub.url));
    let after = asks.found(path).await;
    let since = |told| part(told, ASKED)["delivered_at"].clone();
    assert!(since(&after).is_string() && since(&after) == since(&before), "{after}");
    let digest = claim["digest"].as_str().unwrap();
    assert_eq!(attachment::fetch(&answers, digest).await.0, 200);
    let reply = json!({ "text": "Đúng." });
    assert_eq!(post(&answers, &format!("{path}/replies"), None, &reply).await.0, 200);
    let told = becomes(&asks, path, |told| told["complete"] == true).await;
    assert_eq!(part(&told, ASKED)["state"], "answered", "{told}");
    assert_eq!(part(&told, READS)["state"], "timed_out", "it is due at the other store");
    hub.stop();
    folder.verify();
}
