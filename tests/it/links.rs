//! Links to e-services: what the hub finds where they lead, on servers that answer, move, break,
//! hang and lie; who looks, and how gently; and what pages of others show of procedures.

mod documented;
mod embedded;
mod site;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::stderr,
};
use site::Site;

on_each_store!(what_links_lead_to_is_looked_at_until_it_is_known_to_be_dead);

/// How long anything that is to come may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The procedures of the tests: code and place in the catalogue.
fn procedure(number: usize, agency: &str) -> String {
    format!(
        "1.9{number:05},,,{agency},Thủ tục mẫu {number},,province,10,working_days,\
         nd42:full@2020-01-01..,,,,"
    )
}

fn code(number: usize) -> String {
    format!("1.9{number:05}")
}

/// A hub's folder whose procedures lead to addresses, one each.
fn office(backend: Backend, name: &str, urls: &[String], settings: &str) -> Folder {
    let mut folder = backend.folder(name);
    let catalogue = folder.catalogue();
    let file = catalogue.join("procedures.csv");
    let known = fs::read_to_string(&file).unwrap();
    let own: Vec<String> = (0..urls.len()).map(|number| procedure(number, "so-y-te")).collect();
    fs::write(&file, known + &own.join("\n") + "\n").unwrap();
    let rows = urls.iter().enumerate();
    let rows: String = rows.map(|(at, url)| format!("so-y-te,{},{url}\n", code(at))).collect();
    fs::write(catalogue.join("links.csv"), format!("agency,procedure,url\n{rows}")).unwrap();
    folder.publishing(Some(catalogue));
    folder.with_lines(&format!("private_networks = [\"127.0.0.1\"]\n[links]\n{settings}"))
}

/// All links, by the last word of their address.
async fn links(sender: &Sender) -> Vec<(String, Value)> {
    let found = sender.found("/v1/links?limit=100").await;
    let items = found["items"].as_array().unwrap().iter();
    let name = |one: &Value| one["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    items.map(|one| (name(one), one.clone())).collect()
}

/// Waits until links stand as wanted.
async fn stand(sender: &Sender, wanted: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
    let began = Instant::now();
    loop {
        let all = links(sender).await;
        if all.iter().all(|(name, one)| wanted(name, one)) {
            return all;
        }
        assert!(began.elapsed() < WITHIN, "{all:#?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// What each page comes to: nothing where it leads somewhere, else why and what was answered last.
const PAGES: [(&str, Option<&str>, Option<u16>); 13] = [
    ("ok", None, Some(200)),
    ("lies", None, Some(200)),
    ("no-head", None, Some(200)),
    ("locked", None, Some(403)),
    ("moved", None, Some(200)),
    ("gone", Some("status"), Some(404)),
    ("broken", Some("status"), Some(500)),
    ("loop", Some("redirects"), Some(302)),
    ("inward", Some("not-allowed"), Some(302)),
    ("script", Some("bad-redirect"), Some(302)),
    ("clear", Some("bad-redirect"), Some(302)),
    ("cut", Some("no-answer"), None),
    ("hang", Some("no-answer"), None),
];

async fn what_links_lead_to_is_looked_at_until_it_is_known_to_be_dead(backend: Backend) {
    let (site, slow) = (Site::new().await, Site::new().await);
    let host = |page: &str| if page == "hang" { &slow.url } else { &site.url };
    let urls: Vec<String> =
        PAGES.iter().map(|(page, ..)| format!("{}/{page}", host(page))).collect();
    let settings = "every_seconds = 1\nrest_seconds = 0\nanswer_seconds = 1\n";
    let folder = office(backend, "links-dead", &urls, settings);
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    let is_alive = |page: &str| PAGES.iter().any(|(name, why, _)| *name == page && why.is_none());
    let all =
        stand(&portal, |page, one| one["state"] == if is_alive(page) { "alive" } else { "dead" })
            .await;
    assert_eq!(all.len(), PAGES.len());
    for ((page, why, status), (name, one)) in PAGES.iter().zip(&all) {
        assert_eq!(page, name, "in the order of the catalogue");
        let visit = &one["visit"];
        let told = (visit["reason"].as_str(), visit["status"].as_u64());
        assert_eq!(told, (*why, status.map(u64::from)), "{page}: {one}");
        assert_eq!(visit["failing_since"].is_null(), why.is_none(), "{page}: {one}");
        assert_eq!(visit["detail"]["vi"].is_null(), why.is_none(), "{page}: {one}");
    }
    let moved = &all.iter().find(|(page, _)| page == "moved").unwrap().1;
    assert_eq!(moved["visit"]["leads_to"], format!("{}/ok", site.url));
    assert_eq!((&moved["agency"], &moved["agency_name"]), (&json!("so-y-te"), &json!("Sở Y tế")));

    let (dead, _) = report(&portal).await;
    assert_eq!(dead, PAGES.iter().filter(|(_, why, _)| why.is_some()).count());
    let told = portal.found("/v1/links?state=dead&limit=3").await;
    assert_eq!((&told["total"], told["items"].as_array().unwrap().len()), (&json!(dead), 3));
    assert_eq!(told["states"], json!({ "unvisited": 0, "alive": 5, "failing": 0, "dead": dead }));
    let console = hub.sender("").client.get(format!("{}/console", hub.url)).send().await.unwrap();
    let page = console.text().await.unwrap();
    assert!(page.contains("Đường dẫn hỏng") && page.contains("/gone</code>"), "{page}");

    // What is mended is found alive, and nothing is left of what it was.
    site.mend("/gone");
    let mended = stand(&portal, |page, one| page != "gone" || one["state"] == "alive").await;
    let (_, gone) = mended.iter().find(|(page, _)| page == "gone").unwrap();
    assert_eq!((&gone["visit"]["failures"], &gone["visit"]["reason"]), (&json!(0), &Value::Null));
    let one = portal.found(&format!("/v1/links?procedure={}", code(5))).await;
    assert_eq!((&one["total"], &one["items"][0]["state"]), (&json!(1), &json!("alive")));
    for (query, status) in
        [("state=lost", 400), ("agency=nobody", 400), ("procedure=9.999999", 200), ("x=1", 400)]
    {
        assert_eq!(portal.get(&format!("/v1/links?{query}")).await.0, status, "{query}");
    }
    hub.stop();
    folder.verify();
}

/// The report of dead links as a sheet: how many rows it has, and its text.
async fn report(portal: &Sender) -> (usize, String) {
    let get = async |format: &str| {
        let url = format!("{}/v1/links?state=dead&format={format}", portal.url);
        let answer = portal.client.get(url).bearer_auth(portal.key()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    };
    let text = String::from_utf8(get("csv").await.to_vec()).unwrap();
    assert!(text.contains("Thủ tục mẫu 5") && text.contains("(HTTP 404)"), "{text}");
    assert!(get("xlsx").await.starts_with(b"PK"));
    (text.lines().count() - 1, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_is_asked_one_thing_at_a_time_with_a_rest_between() {
    let site = Site::new().await;
    let urls: Vec<String> =
        ["a", "b", "c"].iter().map(|page| format!("{}/{page}", site.url)).collect();
    let settings = "every_seconds = 3600\nrest_seconds = 1\n";
    let folder = office(Backend::Sqlite, "links-rest", &urls, settings);
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    stand(&hub.sender(&key), |_, one| one["state"] == "alive").await;
    let asked = site.asked();
    let told: Vec<(&str, &str)> =
        asked.iter().map(|one| (one.method.as_str(), one.path.as_str())).collect();
    assert_eq!(told, [("HEAD", "/a"), ("HEAD", "/b"), ("HEAD", "/c")], "each once");
    for two in asked.windows(2) {
        let rest = two[1].at.duration_since(two[0].ended.unwrap());
        assert!(rest >= Duration::from_secs(1), "{rest:?}");
    }
    // Started again, it knows what it has found, and asks nobody.
    hub.stop();
    let hub = Hub::start(&folder).await;
    sleep(Duration::from_secs(2)).await;
    stand(&hub.sender(&key), |_, one| one["state"] == "alive").await;
    assert_eq!(site.asked().len(), 3);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_hubs_on_one_store_one_looks() {
    let site = Site::new().await;
    let urls: Vec<String> = (0..20).map(|page| format!("{}/{page}", site.url)).collect();
    let settings = "every_seconds = 3600\nrest_seconds = 0\n";
    let folder = office(Backend::Postgres, "links-two", &urls, settings);
    let key = folder.key("portal");
    let (one, other) = (Hub::start(&folder).await, Hub::start(&folder).await);
    for hub in [&one, &other] {
        stand(&hub.sender(&key), |_, one| one["state"] == "alive").await;
    }
    assert_eq!(site.asked().len(), urls.len(), "each once, whoever looked");
    one.stop();
    other.stop();
    folder.verify();
}

#[test]
fn links_that_nobody_may_be_led_to_are_told_with_their_places() {
    let folder = office(Backend::Sqlite, "links-faulty", &["https://dvc.vn/".to_owned()], "");
    let file = folder.path().join("danh-muc/links.csv");
    for (row, place) in [
        ("so-y-te,,http://dvc.vn/?ma={code}", "2:10: people are led there in clear"),
        ("so-y-te,,https://localhost/", "2:10: its host is no public name"),
        ("so-y-te,,https://{code}.dvc.vn/", "2:10: the host hangs on"),
        ("so-y-te,,https://dvc.vn/{ma}", "2:10: only `{code}`"),
        ("so-y-te,,https://a@dvc.vn/", "2:10: a name or password"),
        ("so-y-te,,javascript:alert(1)", "2:10: this is no address of the web"),
        ("so-may,,https://dvc.vn/", "2:1: `so-may`"),
        ("so-y-te,1.999999,https://dvc.vn/", "2:9: `so-y-te` has no such procedure"),
        ("so-y-te,,", "2:10: `url` is missing"),
        ("so-y-te,,https://dvc.vn/\nso-y-te,,https://dvc.vn/", "3:1: this stands twice"),
        ("so-y-te,,https://dvc.vn/?ma={code}\nso-y-te,1.900000,", ""),
    ] {
        fs::write(&file, format!("agency,procedure,url\n{row}\n")).unwrap();
        let output = folder.run(&["check"]);
        let told = stderr(&output);
        assert_eq!(output.status.success(), place.is_empty(), "{row}: {told}");
        let place = if place.is_empty() { "" } else { &format!("links.csv:{place}") };
        assert!(told.contains(place), "{row}: {told}");
    }
}
