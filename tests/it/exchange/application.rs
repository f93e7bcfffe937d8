//! Applications of the portal: only what an agency takes online, delivered to its system, and the
//! dossier's code comes back, by its system's answer or by its own word.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{ASKED, READS, WITHIN, becomes, office, part, post, problem, started};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Sender},
};

on_each_store!(
    an_application_reaches_its_agency_and_its_code_comes_back,
    only_what_an_agency_takes_online_can_be_applied_for,
);

/// The catalogue of the province, with procedures of codes of their own.
pub(crate) fn publishing(folder: &mut Folder) {
    let catalogue = folder.catalogue();
    let file = catalogue.join("procedures.csv");
    let mut text = fs::read_to_string(&file).unwrap();
    for (code, agency, level) in
        [("1.009001", ASKED, "4"), ("1.009002", ASKED, "2"), ("1.009003", READS, "3")]
    {
        text.push_str(&format!(
            "{code},,,{agency},Thủ tục mẫu {code},,province,,,nd43:{level}@2015-04-01..,,,,\n"
        ));
    }
    fs::write(&file, text).unwrap();
    folder.publishing(Some(catalogue));
}

pub(crate) fn applied(agency: &str, procedure: &str) -> Value {
    json!({ "agency": agency, "procedure": procedure, "submitted_at": "2026-11-25T02:00:00Z",
            "applicant": { "name": "Lâm Thị Mẫu", "kind": "person", "id_number": "075199000001",
                           "phone": "0900000001" },
            "subject": "Cấp phép xây dựng", "data": [{ "name": "dien_tich", "value": "120 m²" }] })
}

/// Each party finds what was filed in its list, with persons; others do not.
async fn lists(portal: &Sender, answers: &Sender, reads: &Sender, operator: &Sender) {
    for (who, phones) in [(portal, 1), (answers, 1), (reads, 0), (operator, 0)] {
        let told = who.found("/v1/applications?state=acknowledged&purpose=handling").await;
        assert_eq!(told.to_string().matches("0900000001").count(), phones, "{told}");
        let open = who.found("/v1/applications?state=open").await;
        assert_eq!(open["items"], json!([]));
    }
    let told = operator.found("/v1/applications?agency=so-xay-dung").await;
    let one = &told["items"][0];
    let (id, replied) = (&one["application"]["id"], &one["replied"]);
    assert_eq!((id, replied), (&json!("portal:hs-1"), &json!(true)));
    assert_eq!(reads.get("/v1/applications?agency=so-xay-dung").await.0, 403);
    assert_eq!(portal.get("/v1/requests").await.0, 403);
}

/// The portal hears of its application and of the code that it was given, by the feed and by a
/// webhook alike, without persons.
async fn heard(portal: &Sender, subscriber: &Agency) {
    let feed = portal.found("/v1/feeds/records").await;
    let [filed, answered] = [&feed[0], &feed[1]];
    for (event, contract) in [(filed, "application/1"), (answered, "acknowledgement/1")] {
        assert!(event.to_string().contains(contract), "{event:#}");
        assert!(!event.to_string().contains("0900000001"), "{event:#}");
    }
    assert!(answered.to_string().contains("H19.08-261126-0007"), "{answered:#}");
    let began = Instant::now();
    while subscriber.seen().len() < 2 {
        assert!(began.elapsed() < WITHIN, "{:#?}", subscriber.seen());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sent = subscriber.seen().into_iter().map(|one| serde_json::from_str(&one.body).unwrap());
    let sent: Vec<Value> = sent.collect();
    assert_eq!([&sent[0]["id"], &sent[1]["id"]], [&filed["id"], &answered["id"]], "{sent:#?}");
    assert_eq!(sent[1]["data"], answered["data"]);
}

async fn an_application_reaches_its_agency_and_its_code_comes_back(backend: Backend) {
    let asks_system = Agency::new(|_, _| Reply::TAKEN).await;
    // It fails at first, and takes what it is sent again for the same.
    let system = Agency::new(|_, before| match before {
        0 => Reply::Says(503, "", ""),
        _ => Reply::Says(200, "", "{\"MaHoSo\":\"H19.08-261126-0007\"}"),
    })
    .await;
    let mut folder = office(backend, "application", &asks_system, &system);
    publishing(&mut folder);
    let (hub, [asks, answers, reads, portal, operator]) = started(&folder).await;
    let subscriber = Agency::new(|_, _| Reply::TAKEN).await;
    let wanted = json!({ "url": format!("{}/tin", subscriber.url), "feed": "records" });
    let (status, told) = post(&portal, "/v1/subscriptions", None, &wanted).await;
    assert_eq!(status, 201, "{told}");
    let body = applied(ASKED, "1.009001");
    let (status, receipt) = post(&portal, "/v1/applications", Some("hs-1"), &body).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    assert_eq!(receipt["application"], "portal:hs-1");
    let (_, again) = post(&portal, "/v1/applications", Some("hs-1"), &body).await;
    assert_eq!(again["outcome"], "duplicate");
    let path = "/v1/applications/portal:hs-1";
    let told = becomes(&portal, path, |told| told["complete"] == true).await;
    let one = part(&told, ASKED);
    assert_eq!(
        (&one["state"], &one["answer"]["dossier"]),
        (&json!("answered"), &json!("H19.08-261126-0007"))
    );
    lists(&portal, &answers, &reads, &operator).await;
    let sent: Value = serde_json::from_str(&system.taken()[0].body).unwrap();
    assert_eq!(
        (&sent["applicant"]["name"], &sent["data"][0]["value"]),
        (&json!("Lâm Thị Mẫu"), &json!("120 m²"))
    );
    let stated = format!("{path}?purpose=handling");
    // Persons are the portal's and the agency's alone.
    assert_eq!(portal.found(&stated).await["sent"]["applicant"]["phone"], "0900000001");
    assert_eq!(answers.found(&stated).await["sent"]["applicant"]["phone"], "0900000001");
    let shown = operator.found(&stated).await.to_string();
    assert!(!shown.contains("0900000001") && !shown.contains("Lâm"), "{shown}");
    assert_eq!((reads.get(path).await.0, asks.get(path).await.0), (404, 404));
    for (who, count) in [(&answers, 2), (&portal, 2), (&reads, 0), (&asks, 0)] {
        let feed = who.found("/v1/feeds/records").await;
        assert_eq!(feed.as_array().unwrap().len(), count, "{feed}");
    }
    heard(&portal, &subscriber).await;
    // One that is sent nothing says itself under which code it has it.
    let body = applied(READS, "1.009003");
    assert_eq!(post(&portal, "/v1/applications", Some("hs-2"), &body).await.0, 200);
    let path = "/v1/applications/portal:hs-2";
    assert_eq!(part(&portal.found(path).await, READS)["state"], "waiting");
    let taken = json!({ "outcome": "accepted", "dossier": "H19.14-261126-0001" });
    let acknowledge = format!("{path}/acknowledgement");
    let (status, refused) = post(&answers, &acknowledge, None, &taken).await;
    assert_eq!((status, problem(&refused).0.as_str()), (422, "not-addressed"), "{refused}");
    assert_eq!(post(&reads, &acknowledge, None, &taken).await.0, 200);
    let told = portal.found(path).await;
    assert_eq!(part(&told, READS)["answer"]["dossier"], "H19.14-261126-0001", "{told}");
    hub.stop();
    folder.verify();
}

async fn only_what_an_agency_takes_online_can_be_applied_for(backend: Backend) {
    let (asks_system, system) =
        (Agency::new(|_, _| Reply::TAKEN).await, Agency::new(|_, _| Reply::TAKEN).await);
    let mut folder = office(backend, "application-not", &asks_system, &system);
    publishing(&mut folder);
    let (hub, [asks, _, _, portal, _]) = started(&folder).await;
    assert_eq!(
        post(&asks, "/v1/applications", Some("a"), &applied(ASKED, "1.009001")).await.0,
        403
    );
    for (number, (agency, procedure, code, pointer)) in [
        (ASKED, "1.009002", "not-offered-online", "/procedure"),
        (ASKED, "1.009003", "not-offered-online", "/procedure"),
        (ASKED, "1.009999", "not-offered-online", "/procedure"),
        ("so-khong-co", "1.009001", "unknown-addressee", "/agency"),
        (ASKED, "không phải mã", "contract-broken", "/procedure"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("sai-{number}");
        let body = applied(agency, procedure);
        let (status, refused) = post(&portal, "/v1/applications", Some(&key), &body).await;
        let expected = (422, (code.to_owned(), pointer.to_owned()));
        assert_eq!((status, problem(&refused)), expected, "{refused}");
        assert!(!refused.to_string().contains("0900000001"), "{refused}");
    }
    assert!(system.seen().is_empty());
    hub.stop();
    folder.verify();
}
