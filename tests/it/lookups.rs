//! Where is my dossier: what the public is told, who is told it, and who is not.

mod again;
mod beside;
mod kept;
mod shown;
mod silent;
mod watches;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub},
    lienthong::root,
};

on_each_store!(
    who_knows_a_second_fact_is_told_the_public_part_and_nothing_else,
    a_guess_is_told_nothing_by_answer_or_time_and_does_not_go_on_for_long,
    many_guesses_at_once_are_no_more_than_one_after_the_other,
);

const AGENCY: &str = "ubnd-bien-hoa";

/// As it stands in the first sample.
const CODE: &str = "BH.HKD.13.002201";
const PHONE: &str = "0171";
const IDENTITY: &str = "9071";

/// What finds nothing is answered after so long.
const FLOOR: Duration = Duration::from_millis(400);

struct Office {
    hub: Hub,
    folder: Folder,
    portal: String,
    agency: String,
}

struct Told {
    status: u16,
    text: String,
    body: Value,
    took: Duration,
    waits: Option<String>,
}

impl Told {
    /// A text of the answer.
    fn text_of(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member}: {}", self.text)).to_owned()
    }
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        Self::new_with(backend, name, "").await
    }

    /// With more lines in its configuration.
    async fn new_with(backend: Backend, name: &str, lines: &str) -> Self {
        Self::of(backend.folder(name).with_lines(lines)).await
    }

    /// The hub of a folder, told of the first samples.
    async fn of(folder: Folder) -> Self {
        let (agency, portal) = (folder.key(&format!("agency:{AGENCY}")), folder.key("portal"));
        let hub = Hub::start(&folder).await;
        for number in 1..=3 {
            let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-000{number}.in.json");
            let bytes = std::fs::read(root().join(path)).unwrap();
            let sender = hub.sender(&agency);
            let (status, told) = sender.push("ubnd-bien-hoa.ho-so", None, &bytes).await.unwrap();
            assert_eq!(status, 200, "{told}");
        }
        Self { hub, folder, portal, agency }
    }

    async fn post(&self, body: String, portal_for: Option<&str>) -> Told {
        self.post_to("/v1/lookups", body, portal_for).await
    }

    async fn post_to(&self, path: &str, body: String, portal_for: Option<&str>) -> Told {
        let began = Instant::now();
        let sender = self.hub.sender(&self.portal);
        let mut request = sender.client.post(format!("{}{path}", self.hub.url)).body(body);
        if let Some(citizen) = portal_for {
            request = request.bearer_auth(&self.portal).header("X-Forwarded-For", citizen);
        }
        let answer = request.send().await.unwrap();
        let waits = answer.headers().get("retry-after").map(|one| one.to_str().unwrap().to_owned());
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        let body = serde_json::from_str(&text).unwrap_or_default();
        Told { status, text, body, took: began.elapsed(), waits }
    }

    async fn ask(&self, code: &str, secret: &str) -> Told {
        self.post(json!({ "code": code, "secret": secret }).to_string(), None).await
    }
}

async fn who_knows_a_second_fact_is_told_the_public_part_and_nothing_else(backend: Backend) {
    let office = Office::new(backend, "lookups").await;
    let told = office.ask(CODE, PHONE).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let dossier = &told.body["dossier"];
    assert_eq!(dossier["code"], CODE);
    assert_eq!(dossier["agency"]["id"], AGENCY);
    assert!(dossier["agency"]["name"].as_str().unwrap().contains("Biên Hòa"), "{dossier}");
    assert!(dossier["status"]["name"].is_string() && dossier["status"]["name_en"].is_string());
    assert!(dossier["next"].is_string() && dossier["next_en"].is_string());
    let name = dossier["applicant"].as_str().unwrap();
    assert!(name.starts_with("Quách") && name.contains("**"), "{name}");
    // Persons, officers and papers are in no answer.
    for personal in ["Thùy", "Dương", "270999071", "0900000171", "phone", "address", "officer"] {
        assert!(!told.text.contains(personal), "{personal}: {}", told.text);
    }
    // The same by the other number, by what a QR code holds, and as it is copied from a page.
    let scanned = format!("https://dichvucong.example/tra-cuu?ma={CODE}");
    let (copied, typed) = (format!(" \u{200B}{CODE}\n"), CODE.to_lowercase());
    for (code, secret) in [(CODE, IDENTITY), (&scanned, PHONE), (&copied, PHONE), (&typed, PHONE)] {
        assert_eq!(office.ask(code, secret).await.text, told.text, "{code}");
    }
    assert!(!office.folder.log().contains("0171"), "what citizens know is in no log");
}

async fn a_guess_is_told_nothing_by_answer_or_time_and_does_not_go_on_for_long(backend: Backend) {
    let office = Office::new(backend, "guesses").await;
    let unknown = office.ask("BH.HKD.13.009999", PHONE).await;
    for told in [
        office.ask(CODE, "0000").await,
        office.ask(CODE, "0900000171").await,
        office.ask("' OR 1=1 --", PHONE).await,
        office.ask("ВН.НКD.13.002201", PHONE).await,
        office
            .post(json!({ "code": CODE, "secret": PHONE, "agency": "so-y-te" }).to_string(), None)
            .await,
    ] {
        assert_eq!((told.status, &told.text), (404, &unknown.text));
        assert!(told.took >= FLOOR && unknown.took >= FLOOR, "an early answer tells something");
    }
    for body in [
        String::new(),
        "[]".to_owned(),
        json!({ "code": CODE }).to_string(),
        json!({ "code": CODE, "secret": 171 }).to_string(),
        json!({ "code": CODE, "secret": PHONE, "name": "x" }).to_string(),
        json!({ "code": "", "secret": PHONE }).to_string(),
        json!({ "code": "x".repeat(2_001), "secret": PHONE }).to_string(),
        json!({ "code": "a\u{0}b", "secret": PHONE }).to_string(),
    ] {
        let told = office.post(body.clone(), None).await;
        assert_eq!((told.status, &told.body["code"]), (400, &json!("bad-lookup")), "{body}");
    }
    let told = office.post("x".repeat(10_000), None).await;
    assert_eq!(told.status, 413, "{}", told.text);

    // One code takes so many guesses in an hour, wherever they come from: ten, of which two, with
    // the agency's and the whole number, were made above.
    let from = |number: u32| format!("198.51.100.{number}");
    let mut tries = 0;
    let shut = loop {
        let body = json!({ "code": CODE, "secret": format!("{tries:04}") }).to_string();
        let told = office.post(body, Some(&from(tries))).await;
        if told.status == 429 {
            break told;
        }
        assert_eq!(told.status, 404);
        tries += 1;
        assert!(tries <= 10, "guesses go on");
    };
    assert_eq!(shut.body["code"], "too-many-lookups");
    // Words around it make it no other code.
    let around = [format!("x1 {CODE}"), format!("https://e.vn/?a=2&ma={CODE}")];
    for code in around.into_iter().chain([CODE.to_lowercase(), CODE.replace("BH", "bH")]) {
        let body = json!({ "code": code, "secret": PHONE }).to_string();
        assert_eq!(office.post(body, Some(&from(200))).await.status, 429, "{code}");
    }
    assert!(shut.waits.unwrap().parse::<u64>().unwrap() <= 3_601);
    // Others are looked up as before, until one address has asked too often.
    let mut asked = 0;
    loop {
        let body = json!({ "code": format!("X-{asked}"), "secret": "1111" }).to_string();
        let told = office.post(body, Some("203.0.113.5")).await;
        if told.status == 429 {
            break;
        }
        asked += 1;
        assert!(asked <= 30, "one address asks without end");
    }
    assert_eq!(asked, 30);
    let other = json!({ "code": "X-1", "secret": "1111" }).to_string();
    assert_eq!(office.post(other, Some("203.0.113.6")).await.status, 404);
}

async fn many_guesses_at_once_are_no_more_than_one_after_the_other(backend: Backend) {
    let office = Arc::new(Office::new(backend, "guesses-at-once").await);
    for path in ["/v1/lookups", "/v1/watches"] {
        // Each path has a dossier of its own: they share one count.
        let code = if path == "/v1/lookups" { CODE } else { "BH.HKD.13.002202" };
        let guesses = (0..60).map(|number| {
            let body = json!({ "code": code, "secret": format!("x{number:03}") }).to_string();
            let (office, from) = (office.clone(), format!("198.51.100.{number}"));
            async move { office.post_to(path, body, Some(&from)).await }
        });
        let told = JoinSet::from_iter(guesses).join_all().await;
        let count = |status: u16| told.iter().filter(|one| one.status == status).count();
        assert_eq!((count(404), count(429)), (10, 50), "{path}");
        // Who knows it is told no more than they.
        let body = json!({ "code": code, "secret": PHONE }).to_string();
        assert_eq!(office.post_to(path, body, Some("198.51.100.200")).await.status, 429, "{path}");
    }
}
