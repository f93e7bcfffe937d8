//! Hostile texts wherever the hub takes a code, a name, words or a value of a header: letters that
//! look like others, that are not seen or turn the line round, NUL, halves of letters, and far too
//! much. Nobody is answered with a fault of the hub, nothing is found that was not asked for, and
//! what is taken is told as it was sent.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, header::HeaderValue};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    feedback::post,
    harness::{Folder, Hub, Sender},
    lienthong::root,
};

on_each_store!(no_text_is_a_fault_of_the_hub_or_finds_what_was_not_asked_for);

const AGENCY: &str = "ubnd-bien-hoa";
/// A dossier and what shows to be its applicant.
const CODE: &str = "BH.HKD.13.002201";
const PHONE: &str = "0171";
/// What stands in a body for half of a letter.
const HALF: char = '\u{E000}';
/// What any of them may take, all being asked at once.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A text, and whether it is one: no NUL, and whole letters.
struct Text {
    name: &'static str,
    text: String,
    is_text: bool,
}

fn texts() -> Vec<Text> {
    let of = |name, text: &str, is_text| Text { name, text: text.to_owned(), is_text };
    let text = |name, text: &str| of(name, text, true);
    let none = |name, text: &str| of(name, text, false);
    vec![
        text("cyrillic letters", "ВН.НКD.13.002201"),
        text("greek letters", "ΒΗ.ΗΚD.13.002201"),
        text("other digits", "BH.HKD.١٣.٠٠٢٢٠١"),
        text("turned round", "\u{202E}102200.31.DKH.HB"),
        text("isolated", "\u{2066}BH.HKD.13.002202\u{2069}"),
        text("unseen alone", "\u{200B}\u{200D}\u{FEFF}\u{2060}"),
        text("marks", &format!("B{}", "\u{301}".repeat(200))),
        text("capitals that grow", &"ŉßİﬃ".repeat(16)),
        text("no character", "BH\u{FFFF}\u{FDD0}\u{10FFFF}"),
        text("replaced", "BH\u{FFFD}"),
        text("lines", "x\r\nSet-Cookie: a=b\r\n\r\nINJECTED level=error"),
        text("bell", "BH\u{7}\u{1B}[31mHKD\u{7F}\u{9B}"),
        text("sql", "' OR '1'='1'; DROP TABLE lienthong.head; --"),
        text("path", "../../../../etc/passwd"),
        text("percent", "%00%ff%2e%2e%2f%25"),
        text("template", "{{7*7}}${7*7}<script>alert(1)</script>"),
        text("ten thousand", &"đ".repeat(10_000)),
        none("nul", "BH.HKD\0.13.002201"),
        none("half a letter", &format!("BH.HKD{HALF}.13.002201")),
    ]
}

/// As it stands in an address: all of it percent-encoded.
fn encoded(text: &str) -> String {
    // Half of a letter is no UTF-8 there.
    let bytes =
        text.split(HALF).map(str::as_bytes).collect::<Vec<_>>().join(&[0xED, 0xA0, 0x80][..]);
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// Questions with a text in the place of `*`.
const ASKED: &[&str] = &[
    "/v1/dossiers/*",
    "/v1/dossiers/BH.HKD.13.002201?source=*",
    "/v1/dossiers/*/deadline",
    "/v1/messages/*",
    "/v1/procedures/*",
    "/v1/procedures?q=*",
    "/v1/procedures?agency=*",
    "/v1/procedures?field=*",
    "/v1/agencies?q=*",
    "/v1/units?q=*",
    "/v1/links?agency=*",
    "/v1/embed/procedures/*",
    "/v1/embed/procedures/1.001612?agency=*",
    "/v1/embed/agencies/*",
    "/v1/watches/*",
    "/v1/subscriptions/*",
    "/v1/applications/*",
    "/v1/feedback?agency=*",
    "/v1/feeds/*",
    "/v1/feeds/records?after=*",
    "/v1/feeds/records?agency=*",
    "/v1/exports/*",
    "/v1/exports/records.csv?agency=*",
    "/v1/statistics?from=2024-01-01&to=2024-12-31&by=*",
    "/v1/findings?agency=*",
    "/v1/attachments/*",
    "/v1/*",
];

/// What is sent, with a text in the place of one member after the other; what is answered to it
/// without.
fn sent(number: usize) -> Vec<(&'static str, u16, Value)> {
    let facts = json!({ "code": format!("BH.X.{number}"), "secret": PHONE, "agency": AGENCY });
    let said = json!({ "id": format!("pa-{number}"), "agency": AGENCY, "procedure": "1.001612",
                       "rating": 4, "text": "Chờ lâu", "name": "Lâm Thị Mẫu",
                       "phone": "0900000001", "submitted_at": "2024-08-23T03:00:00Z" });
    let applied = json!({ "agency": AGENCY, "procedure": "1.001612", "subject": "Cấp phép",
                          "submitted_at": "2024-08-23T03:00:00Z" });
    let hook = json!({ "url": "https://127.0.0.1:8443/nhan", "feed": "records", "dossier": CODE,
                       "contract": "dossier/1", "after": "beginning" });
    // It takes no applications: what is wrong with one is told all the same.
    vec![
        ("/v1/lookups", 404, facts.clone()),
        ("/v1/watches", 404, facts),
        ("/v1/feedback", 200, said),
        ("/v1/applications", 422, applied),
        ("/v1/subscriptions", 201, hook),
    ]
}

/// Headers that the hub reads, and where.
const HEADERS: [(&str, &str); 6] = [
    ("Authorization", "/v1/procedures"),
    ("X-Forwarded-For", "/v1/procedures"),
    ("If-None-Match", "/v1/dossiers/X-1"),
    ("If-None-Match", "/v1/embed/script.js"),
    ("Last-Event-ID", "/v1/feeds/records/stream"),
    ("Accept", "/v1/procedures"),
];

/// Whether a text was where it is read as one.
enum Where {
    Read,
    Header,
    /// It was not there at all: so it is answered then.
    Nowhere(u16),
}

/// Where a text was, in words too.
type Place = (String, Where);

/// What was answered to one question, and what rules that breaks.
async fn answered(place: Place, asking: RequestBuilder) -> (Place, u16, Vec<String>) {
    let name = &place.0;
    let (began, mut faults) = (Instant::now(), Vec::new());
    let answer = asking.send().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let status = answer.status().as_u16();
    if answer.headers().contains_key("set-cookie") {
        faults.push(format!("{name}: a header was put in"));
    }
    let told = answer.bytes().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    if status >= 500 {
        faults.push(format!("{name}: {status} {told}"));
    }
    if status >= 400 && ![414, 431].contains(&status) && !told["code"].is_string() {
        faults.push(format!("{name}: {status} is no problem: {told}"));
    }
    if told.pointer("/dossier/key").is_some() || told.pointer("/dossier/applicant").is_some() {
        faults.push(format!("{name}: found {told}"));
    }
    if began.elapsed() > ANSWER_MAX {
        faults.push(format!("{name}: after {:?}", began.elapsed()));
    }
    (place, status, faults)
}

/// Asks and sends one text everywhere; gives what is wrong about the answers.
async fn everywhere(portal: &Sender, text: &Text, number: usize) -> Vec<String> {
    let Text { name, text, is_text } = text;
    let at = |method, path: &str| {
        portal.client.request(method, format!("{}{path}", portal.url)).bearer_auth(&portal.key)
    };
    let mut all = JoinSet::new();
    for path in ASKED {
        let asking = at(Method::GET, &path.replace('*', &encoded(text)));
        all.spawn(answered((format!("{name} in {path}"), Where::Read), asking));
    }
    for (path, status, whole) in sent(number) {
        let members = whole.as_object().unwrap().keys().filter(|one| *one != "rating");
        for member in members.map(Some).chain([None]) {
            // Codes are worn out by who guesses: each is asked for once.
            let mut body = whole.clone();
            if body["code"].is_string() {
                body["code"] = json!(format!("BH.X.{number}.{}", all.len()));
            }
            member.iter().for_each(|member| body[*member] = json!(text));
            let body = body.to_string().replace(HALF, "\\ud800");
            let id = format!("198.51.{number}.{}", all.len());
            let asking = at(Method::POST, path).header("X-Forwarded-For", &id).body(body);
            let asking = asking.header("Idempotency-Key", id);
            let place = match member {
                Some(member) => (format!("{name} as {member} of {path}"), Where::Read),
                None => (format!("nothing in {path}"), Where::Nowhere(status)),
            };
            all.spawn(answered(place, asking));
        }
    }
    for (header, path) in HEADERS {
        let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
        let mut asking = portal.client.get(format!("{}{path}", portal.url));
        if header != "Authorization" {
            asking = asking.bearer_auth(&portal.key);
        }
        let place = (format!("{name} in {header} of {path}"), Where::Header);
        all.spawn(answered(place, asking.header(header, value)));
    }
    let mut wrong = Vec::new();
    for ((place, was), status, faults) in all.join_all().await {
        wrong.extend(faults);
        let is_right = match was {
            Where::Read => *is_text || status >= 400,
            Where::Header => true,
            Where::Nowhere(wanted) => status == wanted,
        };
        if !is_right {
            wrong.push(format!("{place}: {status}"));
        }
    }
    wrong
}

/// Ends what was subscribed to: an owner has room for some.
async fn unsubscribes(portal: &Sender) {
    let all = portal.found("/v1/subscriptions").await;
    for one in all["subscriptions"].as_array().unwrap() {
        let path = format!("/v1/subscriptions/{}", one["id"].as_str().unwrap());
        let ending = portal.client.delete(format!("{}{path}", portal.url));
        let ended = ending.bearer_auth(&portal.key).send().await.unwrap();
        assert_eq!(ended.status().as_u16(), 204, "{one}");
    }
}

/// What an agency says of the dossier.
fn sample() -> String {
    let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-0001.in.json");
    std::fs::read_to_string(root().join(path)).unwrap()
}

async fn told_by(agency: &Sender, message: &str) {
    let channel = format!("{AGENCY}.ho-so");
    let (status, told) = agency.push(&channel, None, message.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

async fn started(backend: Backend) -> (Folder, Hub, [Sender; 2]) {
    let mut folder = backend.folder("strange");
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let folder = folder.with_lines("private_networks = [\"127.0.0.1\"]\n");
    let keys = [format!("agency:{AGENCY}"), "portal".to_owned()].map(|who| folder.key(&who));
    let hub = Hub::start(&folder).await;
    let [agency, portal] = keys.map(|key| hub.sender(&key));
    told_by(&agency, &sample()).await;
    (folder, hub, [agency, portal])
}

async fn no_text_is_a_fault_of_the_hub_or_finds_what_was_not_asked_for(backend: Backend) {
    let (folder, hub, [agency, portal]) = started(backend).await;
    let mut wrong = Vec::new();
    for (number, text) in texts().iter().enumerate() {
        wrong.extend(everywhere(&portal, text, number).await);
        unsubscribes(&portal).await;
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    // What is taken is told to its agency as it was sent, and to nobody else.
    let words = "\u{202E}uâl ờhC\u{202C} \u{200B}Сhờ <b>lâu</b>\r\n'--";
    let said = json!({ "id": "pa-lạ", "agency": AGENCY, "rating": 1, "text": words,
                       "submitted_at": "2024-08-23T03:00:00Z" });
    let (status, told) = post(&portal, "/v1/feedback", Some("pa-la"), &said).await;
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
    let kept = agency.found("/v1/feedback?purpose=complaint&limit=200").await;
    let mut kept = kept["items"].as_array().unwrap().iter().map(|one| &one["feedback"]);
    let kept = kept.find(|one| one["id"] == "pa-lạ").unwrap();
    let seen = words.replace(['\u{200B}', '\u{202C}', '\u{202E}'], "");
    assert_eq!(kept["text"], seen, "but for what is not seen");
    let log = folder.log();
    assert!(!log.lines().any(|line| line.starts_with("INJECTED")), "{log}");
    for unseen in ['\u{202E}', '\u{1B}', '\u{7}', '\0'] {
        assert!(!log.contains(unseen), "{unseen:?} is in the log");
    }
    assert!(!log.contains("panicked"), "{log}");
    // Nobody is shut out by what others have tried, and all that is stored holds.
    let facts = json!({ "code": CODE, "secret": PHONE });
    let (status, told) = post(&portal, "/v1/lookups", None, &facts).await;
    assert_eq!((status, &told["dossier"]["code"]), (200, &json!(CODE)), "{told}");
    // A code that was copied along with what turns lines is found as it is read.
    let copied = "\u{202A}BH.HKD.13.002299\u{202C}\u{200E}";
    told_by(&agency, &sample().replace(CODE, copied)).await;
    let facts = json!({ "code": "BH.HKD.13.002299", "secret": PHONE });
    let (status, told) = post(&portal, "/v1/lookups", None, &facts).await;
    assert_eq!((status, &told["dossier"]["code"]), (200, &facts["code"]), "{told}");
    hub.stop();
    folder.verify();
}
