//! Requests: asked once, delivered, answered by either way, timed out once, gathered, and seen by
//! who takes part alone.

use serde_json::{Value, json};

use super::{ASKED, ASKS, READS, asked, becomes, office, part, post, problem, started};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::Sender,
};

on_each_store!(
    a_request_is_delivered_answered_and_the_answer_delivered,
    a_time_that_passes_is_an_answer_and_what_comes_later_is_kept_as_late,
    several_are_asked_and_their_answers_gathered,
    what_may_not_be_asked_or_answered_is_refused_with_its_place,
);

const TAKEN: fn(&crate::delivery::agency::Seen, usize) -> Reply = |_, _| Reply::TAKEN;

async fn a_request_is_delivered_answered_and_the_answer_delivered(backend: Backend) {
    let (asks_system, asked_system) = (Agency::new(TAKEN).await, Agency::new(TAKEN).await);
    let folder = office(backend, "exchange-one", &asks_system, &asked_system);
    let (hub, [asks, answers, reads, portal, operator]) = started(&folder).await;
    let body = asked(json!(ASKED), 3_600);
    let (status, receipt) = post(&asks, "/v1/requests", Some("cv-1"), &body).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    let id = "so-tu-phap:cv-1";
    assert_eq!(receipt["request"], id);
    // The same again is the same request; another under its key is none.
    let (status, again) = post(&asks, "/v1/requests", Some("cv-1"), &body).await;
    assert_eq!((status, &again["outcome"]), (200, &json!("duplicate")));
    let other = asked(json!(READS), 3_600);
    assert_eq!(post(&asks, "/v1/requests", Some("cv-1"), &other).await.0, 409);
    asked_system.takes(1, super::WITHIN).await;
    let seen = asked_system.seen().remove(0);
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!((seen.subject(), &sent["id"], &sent["from"]), (id, &json!(id), &json!(ASKS)));
    assert_eq!((&sent["text"], &sent["data"][1]["value"]), (&body["text"], &json!("7")));
    assert_eq!(seen.header("ce-type"), "vn.gov.dongnai.lienthong.request.v1");
    let path = format!("/v1/requests/{id}");
    let stated = format!("{path}?purpose=handling");
    let told = becomes(&asks, &path, |told| part(told, ASKED)["state"] == "delivered").await;
    assert_eq!(told["complete"], false);
    assert!(part(&told, ASKED)["delivered_at"].is_string(), "{told}");
    assert!(part(&told, ASKED)["told"]["vi"].as_str().unwrap().contains("chờ trả lời"));
    // Only who takes part sees it; the operator without what is personal.
    assert_eq!((reads.get(&stated).await.0, portal.get(&path).await.0), (404, 404));
    let shown = operator.found(&stated).await;
    assert_eq!(shown["sent"]["dossier"], "H19.08-261120-0001");
    for personal in ["Đề nghị", "Xác minh", "thua"] {
        assert!(!shown.to_string().contains(personal), "{personal}");
    }
    assert_eq!(answers.found(&stated).await["sent"]["text"], body["text"]);
    for (who, count) in [(&asks, 1), (&answers, 1), (&reads, 0), (&portal, 0)] {
        let feed = who.found("/v1/feeds/records").await;
        assert_eq!(feed.as_array().unwrap().len(), count, "{feed}");
    }
    // It answers in its own words, by its own channel.
    let native =
        json!({ "CongVan": [{ "SoCongVanDen": id, "NoiDung": "Đất ở.", "CanBo": "Trần Mẫu" }] });
    let (status, receipt) = answers
        .push("so-xay-dung.cong-van", Some("tl-1"), native.to_string().as_bytes())
        .await
        .unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    becomes(&asks, &path, |told| told["complete"] == true).await;
    let told = asks.found(&stated).await;
    let answered = part(&told, ASKED);
    assert_eq!(
        (&answered["state"], &answered["answer"]["text"]),
        (&json!("answered"), &json!("Đất ở."))
    );
    assert_eq!(answered["late"], Value::Null);
    reply_is_taken(&asks_system, id).await;
    hub.stop();
    let kept = folder.verify();
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    assert_eq!(folder.verify(), kept);
}

/// The reply reaches the system of who asked, once.
async fn reply_is_taken(system: &Agency, id: &str) {
    system.takes(1, super::WITHIN).await;
    let seen = system.taken();
    let reply: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!((&reply["request"], &reply["outcome"]), (&json!(id), &json!("answered")));
    assert_eq!(reply["officer"], "Trần Mẫu");
    assert_eq!(seen.len(), 1);
}

async fn a_time_that_passes_is_an_answer_and_what_comes_later_is_kept_as_late(backend: Backend) {
    let asks_system = Agency::new(TAKEN).await;
    let away = Agency::new(|_, _| Reply::Says(503, "", "")).await;
    let folder = office(backend, "exchange-late", &asks_system, &away);
    let (hub, [asks, answers, _, _, operator]) = started(&folder).await;
    let body = asked(json!([ASKED]), 2);
    assert_eq!(post(&asks, "/v1/requests", Some("cv-2"), &body).await.0, 200);
    let path = "/v1/requests/so-tu-phap:cv-2";
    let told = asks.found(path).await;
    assert_eq!(part(&told, ASKED)["state"], "waiting", "{told}");
    let told = becomes(&asks, path, |told| told["complete"] == true).await;
    let position = part(&told, ASKED)["timed_out_position"].clone();
    assert!(position.is_u64() && part(&told, ASKED)["state"] == "timed_out", "{told}");
    asks_system.takes(1, super::WITHIN).await;
    let first: Value = serde_json::from_str(&asks_system.taken()[0].body).unwrap();
    assert_eq!(first["outcome"], "timed_out");
    // What comes after it is lost to nobody.
    let replies = format!("{path}/replies");
    let late = json!({ "outcome": "answered", "text": "Xin lỗi vì trả lời chậm." });
    assert_eq!(post(&answers, &replies, Some("tl-2"), &late).await.0, 200);
    let (_, again) = post(&answers, &replies, Some("tl-2"), &late).await;
    assert_eq!(again["outcome"], "duplicate");
    let told = asks.found(&format!("{path}?purpose=handling")).await;
    let one = part(&told, ASKED);
    assert_eq!((&one["state"], &one["late"]), (&json!("timed_out"), &json!(true)), "{told}");
    assert_eq!((&one["answer"]["text"], &one["timed_out_position"]), (&late["text"], &position));
    asks_system.takes(2, super::WITHIN).await;
    let second: Value = serde_json::from_str(&asks_system.taken()[1].body).unwrap();
    assert_eq!(second["outcome"], "answered", "after the hub's own answer, in one line");
    // The time passed once, whatever it was looked at again.
    let feed = operator.found("/v1/feeds/records").await.to_string();
    assert_eq!(feed.matches("timed_out").count(), 1, "{feed}");
    hub.stop();
    folder.verify();
}

async fn several_are_asked_and_their_answers_gathered(backend: Backend) {
    let (asks_system, asked_system) = (Agency::new(TAKEN).await, Agency::new(TAKEN).await);
    let folder = office(backend, "exchange-many", &asks_system, &asked_system);
    let (hub, [asks, answers, reads, _, _]) = started(&folder).await;
    let body = asked(json!([ASKED, READS, ASKED, "so-khong-co"]), 4);
    let (status, receipt) = post(&asks, "/v1/requests", Some("cv-3"), &body).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("partial")), "{receipt}");
    let refused = &receipt["refusals"][0]["problems"][0];
    assert_eq!(
        (&refused["code"], &refused["value"]),
        (&json!("unknown-addressee"), &json!("so-khong-co"))
    );
    let (id, path) = ("so-tu-phap:cv-3", "/v1/requests/so-tu-phap:cv-3");
    // One that is sent nothing reads what it is asked, due first first, and sees its part alone.
    let listed = reads.found("/v1/requests?state=open").await;
    assert_eq!(listed["items"][0]["request"]["id"], id, "{listed}");
    assert_eq!(answers.found("/v1/requests").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(asks.found("/v1/requests").await["items"], json!([]));
    let own = reads.found(path).await;
    assert_eq!(own["parts"].as_array().unwrap().len(), 1, "{own}");
    assert!(part(&own, READS)["told"]["vi"].as_str().unwrap().contains("tự đọc"), "{own}");
    let declined = json!({ "outcome": "declined", "text": "Không thuộc thẩm quyền." });
    assert_eq!(post(&reads, &format!("{path}/replies"), None, &declined).await.0, 200);
    assert_eq!(reads.found("/v1/requests?state=open").await["items"], json!([]));
    let told = asks.found(path).await;
    assert_eq!(told["parts"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(
        (&part(&told, READS)["state"], &told["complete"]),
        (&json!("declined"), &json!(false))
    );
    let told = becomes(&asks, path, |told| told["complete"] == true).await;
    let states = [READS, ASKED].map(|agency| part(&told, agency)["state"].clone());
    assert_eq!(states, [json!("declined"), json!("timed_out")]);
    asked_system.takes(1, super::WITHIN).await;
    asks_system.takes(2, super::WITHIN).await;
    hub.stop();
    folder.verify();
}

async fn what_may_not_be_asked_or_answered_is_refused_with_its_place(backend: Backend) {
    let (asks_system, asked_system) = (Agency::new(TAKEN).await, Agency::new(TAKEN).await);
    let folder = office(backend, "exchange-not", &asks_system, &asked_system);
    let (hub, [asks, answers, reads, portal, _]) = started(&folder).await;
    let good = asked(json!(ASKED), 600);
    assert_eq!(post(&portal, "/v1/requests", Some("a"), &good).await.0, 403);
    let (status, told) = post(&asks, "/v1/requests", None, &good).await;
    assert_eq!((status, &told["code"]), (400, &json!("key-wanted")));
    faulty_ones_are_refused(&asks, &good).await;
    assert_eq!(post(&asks, "/v1/requests", Some("b"), &good).await.0, 200);
    // Nobody answers what it was not asked, in the hub's name, or under an id that there is not.
    let reply = json!({ "text": "Có." });
    let path = format!("/v1/requests/{ASKS}:b/replies");
    let (status, refused) = post(&reads, &path, None, &reply).await;
    assert_eq!((status, problem(&refused).0.as_str()), (422, "not-addressed"), "{refused}");
    let (status, refused) = post(&answers, "/v1/requests/so-y-te:x/replies", None, &reply).await;
    assert_eq!((status, problem(&refused).0.as_str()), (422, "not-addressed"), "{refused}");
    let lie = json!({ "outcome": "timed_out" });
    let (status, refused) = post(&answers, &path, None, &lie).await;
    assert_eq!((status, problem(&refused).1.as_str()), (422, "/outcome"), "{refused}");
    // Nobody asks in another's name, whatever the door.
    let forged =
        json!({ "id": "so-noi-vu:x", "from": READS, "request": good, "agencies": [ASKED] });
    let (status, refused) =
        asks.push("so-tu-phap.requests", Some("x"), forged.to_string().as_bytes()).await.unwrap();
    let told = &refused["refusals"][0]["problems"][0]["pointer"];
    assert_eq!((status, told), (422, &json!("/id")), "{refused}");
    let (status, refused) = post(&asks, "/v1/requests", Some("hong"), &json!("{")).await;
    assert_eq!(status, 422, "{refused}");
    hub.stop();
    folder.verify();
}

/// Each is refused at the place that is wrong, and there is no such request.
async fn faulty_ones_are_refused(asks: &Sender, good: &Value) {
    let without = |member: &str| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(member);
        body
    };
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    for (number, (body, code, pointer)) in [
        (without("to"), "missing-member", "/to"),
        (without("due_at"), "missing-member", "/due_at"),
        (without("text"), "missing-member", "/text"),
        (with("to", json!(ASKS)), "unknown-addressee", "/agency"),
        (asked(json!(ASKED), -5), "due-out-of-bounds", "/due_at"),
        (asked(json!(ASKED), 400 * 86_400), "due-out-of-bounds", "/due_at"),
        (with("to", json!(vec![ASKED; 101])), "limit-exceeded", "/to"),
        (
            with(
                "attachments",
                json!([{ "digest": format!("sha256:{}", "0".repeat(64)), "size": 1,
            "media_type": "application/pdf", "name": "a.pdf" }]),
            ),
            "unknown-attachment",
            "/attachments/0/digest",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("sai-{number}");
        let (status, refused) = post(asks, "/v1/requests", Some(&key), &body).await;
        assert_eq!(
            (status, problem(&refused)),
            (422, (code.to_owned(), pointer.to_owned())),
            "{refused}"
        );
        assert_eq!(asks.get(&format!("/v1/requests/{ASKS}:{key}")).await.0, 404);
    }
}
