//! Who has shown to be a dossier's applicant follows it: what they are told, who else is, and how
//! it ends.

use serde_json::{Value, json};

use super::{AGENCY, CODE, FLOOR, Office, PHONE, Told};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Hub, Sender},
    lienthong::root,
    webhooks::{stands, takes},
};

on_each_store!(
    an_applicant_is_told_of_their_own_dossier_until_they_want_no_more,
    a_guess_follows_nothing_and_counts_like_a_look_up,
);

const PATH: &str = "/v1/watches";

fn facts(secret: &str) -> Value {
    json!({ "code": CODE, "secret": secret })
}

/// What a feed of notices holds behind a cursor, waited for where there is nothing yet.
async fn noticed(sender: &Sender, after: &str, wait: u32) -> Vec<Value> {
    let wait = if wait > 0 { format!("&wait={wait}") } else { String::new() };
    let path = format!("/v1/feeds/notices?after={after}{wait}");
    let (status, page) = sender.get(&path).await;
    assert_eq!(status, 200, "{page}");
    page.as_array().unwrap().clone()
}

async fn end(sender: &Sender, id: &str) -> u16 {
    let url = format!("{}{PATH}/{id}", sender.url);
    sender.client.delete(&url).bearer_auth(&sender.key).send().await.unwrap().status().as_u16()
}

/// The fifth and the fourth sample: the second of them is of the dossier that is followed.
async fn go_on(office: &Office, agency: &Sender) {
    for number in [5, 4] {
        let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-000{number}.in.json");
        let bytes = std::fs::read(root().join(path)).unwrap();
        let (status, told) = agency.push("ubnd-bien-hoa.ho-so", None, &bytes).await.unwrap();
        assert_eq!(status, 200, "{told} {}", office.folder.log());
    }
}

impl Office {
    async fn follow(&self, facts: Value, citizen: &str) -> Told {
        self.post_to(PATH, facts.to_string(), Some(citizen)).await
    }

    /// The hub stopped, and started again on the same store.
    async fn again(self) -> Self {
        let Self { hub, folder, .. } = self;
        hub.stop();
        let hub = Hub::start(&folder).await;
        Self { hub, folder, ..self }
    }
}

async fn an_applicant_is_told_of_their_own_dossier_until_they_want_no_more(backend: Backend) {
    let office = Office::new_with(backend, "watches", "private_networks = [\"127.0.0.1\"]\n").await;
    let agency = office.hub.sender(&office.agency);
    let made = office.follow(facts(PHONE), "198.51.100.1").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (watch, after) = (made.text_of("watch"), made.text_of("after"));
    assert_eq!((watch.len(), &made.body["dossier"]["code"]), (32, &json!(CODE)));
    let brief = facts(PHONE).as_object().unwrap().clone();
    let brief = json!({ "days": 1, "code": brief["code"], "secret": brief["secret"] });
    let brief = office.follow(brief, "198.51.100.2").await;
    let (short, ends) = (brief.text_of("watch"), brief.text_of("ends_at"));
    assert!(ends < made.text_of("ends_at") && short != watch, "{}", brief.text);
    let portal = office.hub.sender(&office.portal);
    assert_eq!(noticed(&portal, &after, 0).await, [] as [Value; 0]);
    let called = Agency::new(|_, _| Reply::TAKEN).await;
    let hook = json!({ "url": called.url, "feed": "notices" });
    let hook = office.post_to("/v1/subscriptions", hook.to_string(), Some("198.51.100.1")).await;
    assert_eq!(hook.status, 201, "{}", hook.text);
    let of_one = async |code: &str| {
        let receiver = Agency::new(|_, _| Reply::TAKEN).await;
        let hook = json!({ "url": receiver.url, "feed": "notices", "dossier": code });
        let hook = office.post_to("/v1/subscriptions", hook.to_string(), Some("198.51.100.1"));
        let hook = hook.await;
        assert_eq!(hook.status, 201, "{}", hook.text);
        (receiver, hook.text_of("id"))
    };
    let ((its, _), (others, others_id)) = (of_one(CODE).await, of_one("BH.XD.14.000873").await);

    go_on(&office, &agency).await;
    let told = noticed(&portal, &after, 30).await;
    let of: Vec<&str> = told.iter().map(|one| one["data"]["watch"].as_str().unwrap()).collect();
    let mut both = [watch.as_str(), short.as_str()];
    both.sort_unstable();
    assert_eq!(of, both, "each watch once, and none of another dossier");
    let event = &told[of.iter().position(|one| *one == watch).unwrap()];
    assert_eq!(event["type"], "vn.gov.dongnai.lienthong.notice.v1");
    assert_eq!(event["subject"], watch.as_str());
    let data = &event["data"];
    assert_eq!((&data["code"], &data["agency"]), (&json!(CODE), &json!(AGENCY)));
    assert_eq!((&data["status"], &data["status_name_en"]), (&json!(10), &json!("Result returned")));
    assert!(data["status_name"].is_string() && data["next"].is_string(), "{data}");
    for personal in ["Thùy", "Dương", "270999071", "0900000171", "applicant", "officer"] {
        assert!(!event.to_string().contains(personal), "{personal}: {event}");
    }
    takes(&called, 2).await;
    let sent: Vec<Value> =
        called.taken().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    assert_eq!(sent, told, "a webhook is sent the same");
    takes(&its, 2).await;
    stands(&portal, &others_id, |one| one["lag"] == 0).await;
    assert_eq!(others.seen().len(), 0, "the notices are of another dossier");
    // It is nobody else's: not even the agency's whose dossier it is.
    assert_eq!(noticed(&agency, &after, 0).await, [] as [Value; 0]);
    assert_eq!(agency.status(&format!("{PATH}/{watch}")).await, 403);

    let office = office.again().await;
    let portal = office.hub.sender(&office.portal);
    assert_eq!(noticed(&portal, &after, 0).await, told, "after the hub has come again");
    assert_eq!(portal.status(&format!("{PATH}/{watch}")).await, 200);
    assert_eq!((end(&portal, &watch).await, end(&portal, &watch).await), (204, 404));
    assert_eq!(portal.status(&format!("{PATH}/{watch}")).await, 404);
    let left = noticed(&portal, &after, 0).await;
    assert_eq!((left.len(), &left[0]["data"]["watch"]), (1, &json!(short)));
    assert!(!office.folder.log().contains(PHONE), "what citizens know is in no log");
    office.hub.stop();
    office.folder.verify();
}

async fn a_guess_follows_nothing_and_counts_like_a_look_up(backend: Backend) {
    let office = Office::new(backend, "watches-guessed").await;
    let unknown = office.ask("BH.HKD.13.009999", PHONE).await;
    for body in [facts("0000"), json!({ "code": CODE, "secret": PHONE, "agency": "so-y-te" })] {
        let told = office.follow(body, "198.51.100.1").await;
        assert_eq!((told.status, &told.text), (404, &unknown.text));
        assert!(told.took >= FLOOR, "an early answer tells something");
    }
    for (name, value) in [("days", json!(0)), ("days", json!(401)), ("secret", json!(171))] {
        let mut body = facts(PHONE);
        body[name] = value;
        let told = office.follow(body, "198.51.100.1").await;
        assert_eq!((told.status, &told.body["code"]), (400, &json!("bad-lookup")), "{}", told.text);
    }
    let keyless = office.post_to(PATH, facts(PHONE).to_string(), None).await;
    assert_eq!(keyless.status, 401, "{}", keyless.text);
    let other = office.hub.sender(&office.agency);
    let request = other.client.post(format!("{}{PATH}", other.url)).bearer_auth(&other.key);
    let answer = request.body(facts(PHONE).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 403);

    // Many devices of one household are enough of them.
    for number in 0..20 {
        let told = office.follow(facts(PHONE), &format!("203.0.113.{number}")).await;
        assert_eq!(told.status, 201, "{number}: {}", told.text);
    }
    let told = office.follow(facts(PHONE), "203.0.113.20").await;
    let full = (&told.body["code"], &told.body["of"], &told.body["watches_max"]);
    assert_eq!((told.status, full.0), (409, &json!("too-many-watches")), "{}", told.text);
    assert_eq!((full.1, full.2), (&json!("dossier"), &json!(20)));

    // Wrong ones of either kind are one count: two were made above.
    for number in 0..8 {
        let told = match number % 2 {
            0 => office.follow(facts("0000"), &format!("192.0.2.{number}")).await,
            _ => office.ask(CODE, "0000").await,
        };
        assert_eq!(told.status, 404, "{number}: {}", told.text);
    }
    let shut = office.follow(facts(PHONE), "192.0.2.100").await;
    assert_eq!((shut.status, &shut.body["code"]), (429, &json!("too-many-lookups")));
    assert!(shut.waits.unwrap().parse::<u64>().unwrap() <= 3_601);
    assert_eq!(office.ask(CODE, PHONE).await.status, 429);
}
