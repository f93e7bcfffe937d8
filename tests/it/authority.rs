//! Keys as their bearers have them: what they are for, until when, and replaced without a break.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
};

on_each_store!(
    a_key_is_for_its_scopes_and_a_token_for_no_more,
    a_key_is_replaced_under_load_without_a_refused_call,
    a_reporting_tool_reads_what_is_public_and_nothing_else,
    all_who_begin_a_store_at_once_do_what_they_came_for,
);

const AGENCY: &str = "ubnd-bien-hoa";

/// How long a change of keys may take to be known to a running hub.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

fn key(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["key"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

fn sample(number: u32) -> Vec<u8> {
    let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-000{number}.in.json");
    std::fs::read(root().join(path)).unwrap()
}

/// What `/token` answers.
async fn token(who: &Sender, scope: Option<&str>) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", id_of(who.key())),
        ("client_secret", who.key()),
    ];
    form.extend(scope.map(|scope| ("scope", scope)));
    let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = who.client.post(format!("{}/token", who.url));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    let answer = request.body(form.join("&").replace(' ', "+")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn a_key_is_for_its_scopes_and_a_token_for_no_more(backend: Backend) {
    let folder = backend.folder("scopes");
    let whole = format!("agency:{AGENCY}");
    let reads = key(
        &folder,
        &["new", &whole, "--scope", "messages:read", "--scope", "feeds:read", "--name", "theo dõi"],
    );
    let sends = key(&folder, &["new", &whole, "--scope", "messages:write", "--days", "30"]);
    let refused = folder.run(&["key", "new", "portal", "--scope", "operate"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("portal may have these scopes: catalogue:read"));
    let refused = folder.run(&["key", "new", "portal", "--scope", "all"]);
    assert!(stderr(&refused).contains("`all` is no scope"), "{}", stderr(&refused));
    // Of an agency that is not there yet, or is spelt otherwise: made, and told.
    for (agency, is_told) in [(AGENCY, false), ("ubnd-bien-hoà", true)] {
        let made = folder.run(&["key", "new", &format!("agency:{agency}")]);
        let told = stderr(&made).contains(&format!("has no folder `{agency}`"));
        assert_eq!((made.status.code(), told), (Some(0), is_told), "{}", stderr(&made));
    }

    let hub = Hub::start(&folder).await;
    let (reads, sends) = (hub.sender(&reads), hub.sender(&sends));
    let push = async |who: &Sender| {
        let answer = who.push("ubnd-bien-hoa.ho-so", Some("m-1"), &sample(1)).await.unwrap();
        (answer.0, answer.1["code"].clone(), answer.1["scope"].clone())
    };
    assert_eq!(push(&reads).await, (403, json!("scope-not-granted"), json!("messages:write")));
    assert_eq!(push(&sends).await.0, 200);
    assert_eq!(reads.get("/v1/messages/m-1").await.0, 200);
    let (status, told) = sends.get("/v1/messages/m-1").await;
    assert_eq!((status, &told["scope"]), (403, &json!("messages:read")), "{told}");

    // A token has what its key has, or less where that is asked for.
    let (status, given) = token(&reads, Some("feeds:read")).await;
    assert_eq!((status, &given["scope"]), (200, &json!("feeds:read")), "{given}");
    let narrow = hub.sender(given["access_token"].as_str().unwrap());
    assert_eq!(narrow.get("/v1/feeds").await.0, 200);
    assert_eq!(narrow.get("/v1/messages/m-1").await.0, 403);
    let (status, given) = token(&reads, Some("feeds:read messages:write")).await;
    assert_eq!((status, &given["error"]), (400, &json!("invalid_scope")), "{given}");
    let (status, given) = token(&reads, None).await;
    let whole = hub.sender(given["access_token"].as_str().unwrap());
    assert_eq!((status, whole.get("/v1/messages/m-1").await.0), (200, 200));

    let listed = key(&folder, &["list"]);
    let line = listed.lines().find(|line| line.contains("theo dõi")).unwrap();
    assert!(line.contains("feeds:read messages:read") && line.contains("in force until"), "{line}");
}

async fn a_key_is_replaced_under_load_without_a_refused_call(backend: Backend) {
    let folder = backend.folder("rotation");
    let old = key(&folder, &["new", &format!("agency:{AGENCY}"), "--name", "một cửa"]);
    let hub = Hub::start(&folder).await;
    let asks = async |shown: &str| hub.sender(shown).get("/v1/feeds").await.0;
    assert_eq!(asks(&old).await, 200);

    let new = key(&folder, &["rotate", id_of(&old), "--overlap-days", "1"]);
    assert!(new.starts_with("ltk_") && new != old);
    let began = Instant::now();
    while asks(&new).await != 200 {
        assert!(began.elapsed() < KNOWN_WITHIN, "the new key is not known");
        assert_eq!(asks(&old).await, 200, "the old one is in force meanwhile");
        sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..50 {
        assert_eq!((asks(&old).await, asks(&new).await), (200, 200));
    }
    let listed = key(&folder, &["list"]);
    let of = |shown: &str| listed.lines().find(|line| line.starts_with(id_of(shown))).unwrap();
    assert!(of(&old).contains("in force until") && of(&new).contains("một cửa"), "{listed}");

    // Revoked, it ends within seconds; one that has no overlap too.
    key(&folder, &["revoke", id_of(&old)]);
    let last = key(&folder, &["rotate", id_of(&new), "--overlap-days", "0"]);
    let began = Instant::now();
    while (asks(&old).await, asks(&new).await, asks(&last).await) != (401, 401, 200) {
        assert!(began.elapsed() < KNOWN_WITHIN, "keys that ended still open");
        sleep(Duration::from_millis(50)).await;
    }
    let (status, told) = hub.sender(&new).get("/v1/feeds").await;
    assert_eq!((status, &told["code"]), (401, &json!("key-expired")), "{told}");
    let again = folder.run(&["key", "rotate", id_of(&new)]);
    assert!(stderr(&again).contains("in force"), "{}", stderr(&again));
}

async fn a_reporting_tool_reads_what_is_public_and_nothing_else(backend: Backend) {
    let folder = backend.folder("reporting-key");
    let (agency, tool) = (
        key(&folder, &["new", &format!("agency:{AGENCY}")]),
        key(&folder, &["new", "reporting:bi"]),
    );
    let hub = Hub::start(&folder).await;
    let (agency, tool) = (hub.sender(&agency), hub.sender(&tool));
    let receipt = agency.push("ubnd-bien-hoa.ho-so", Some("m-1"), &sample(1)).await.unwrap();
    assert_eq!(receipt.0, 200, "{}", receipt.1);
    let events = tool.feed("records", 100).await;
    assert!(!events.is_empty());
    let text = json!([events, tool.feed("dossiers", 100).await]).to_string();
    for personal in ["Quách", "270999071", "0900000171"] {
        assert!(!text.contains(personal), "{personal}");
    }
    assert_eq!(tool.get("/v1/statistics?from=2026-01-01&to=2026-12-31").await.0, 200);
    for path in ["/v1/dossiers/BH.HKD.13.002201", "/v1/messages/m-1", "/v1/requests", "/v1/dead"] {
        let (status, told) = tool.get(path).await;
        assert_eq!((status, &told["code"]), (403, &json!("scope-not-granted")), "{path}: {told}");
    }
    let (status, _) = tool.push("ubnd-bien-hoa.ho-so", Some("m-2"), &sample(2)).await.unwrap();
    assert_eq!(status, 403);
}

#[tokio::test]
async fn who_shows_wrong_secrets_again_and_again_is_not_heard_for_a_while() {
    let folder = Folder::new("lockout").with_lines("trusted_proxies = [\"127.0.0.1\"]\n");
    let shown = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let wrong = format!("ltk_{}_0000", id_of(&shown));
    let ask = async |key: &str, from: &str| {
        let request = hub.sender(key).client.get(format!("{}/v1/feeds", hub.url));
        let request = request.bearer_auth(key).header("X-Forwarded-For", from);
        let answer = request.send().await.unwrap();
        let waits = answer.headers().get("retry-after").map(|one| one.to_str().unwrap().to_owned());
        (answer.status().as_u16(), waits.and_then(|one| one.parse::<u64>().ok()))
    };
    for _ in 0..10 {
        assert_eq!(ask(&wrong, "198.51.100.7").await, (401, None));
    }
    for key in [&wrong, &shown] {
        let (status, waits) = ask(key, "198.51.100.7").await;
        assert!(status == 429 && (1..=61).contains(&waits.unwrap()), "{status} {waits:?}");
    }
    assert_eq!(ask(&shown, "198.51.100.8").await, (200, None), "elsewhere it opens");
    assert_eq!(
        hub.sender("").client.get(format!("{}/healthz", hub.url)).send().await.unwrap().status(),
        200
    );
}

/// A store that is new to all of them: a hub that is started beside the making of its first keys.
async fn all_who_begin_a_store_at_once_do_what_they_came_for(backend: Backend) {
    const AT_ONCE: u32 = 4;
    for round in 0..3 {
        let folder = backend.folder(&format!("first-{round}"));
        let made = std::thread::scope(|scope| {
            let one = |number: u32| {
                let folder = &folder;
                move || folder.run(&["key", "new", &format!("reporting:so-{number}")])
            };
            let all: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(one(number))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        for output in &made {
            assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
        }
        let listed = key(&folder, &["list"]);
        assert_eq!(listed.lines().count(), AT_ONCE as usize, "{listed}");
        let hub = Hub::start(&folder).await;
        for output in &made {
            assert_eq!(hub.sender(stdout(output).trim()).get("/v1/feeds").await.0, 200);
        }
        hub.stop();
    }
}
