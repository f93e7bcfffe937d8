//! Where the hub sends and where it does not: addresses that lead into networks that nobody named.

use std::{fs, time::Duration};

use serde_json::json;
use tokio::time::sleep;

use super::{PATH, office, post, stands, started, subscribe, takes, tell};
use crate::{
    backend::Backend,
    delivery::agency::{Agency, Reply},
    lienthong::stdout,
};

/// The name of this machine, where its own list of hosts leads it to loopback.
fn own_name() -> Option<String> {
    let told = stdout(&std::process::Command::new("hostname").output().ok()?);
    let name = told.trim().to_owned();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut of_name = hosts.lines().filter(|line| line.split_whitespace().any(|word| word == name));
    of_name
        .all(|line| line.starts_with("127.0.0.1"))
        .then_some(name)
        .filter(|name| !name.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn addresses_that_lead_where_nobody_named_are_refused_with_the_rule() {
    let folder = office(Backend::Sqlite, "webhooks-addresses");
    let (hub, agency, _) = started(&folder).await;
    let mut corpus = vec![
        ("http://10.0.0.1/a".to_owned(), "private-network"),
        ("https://167772161/".to_owned(), "private-network"),
        ("https://0x0a000001/".to_owned(), "private-network"),
        ("https://012.0.0.1/".to_owned(), "private-network"),
        ("https://127.2/".to_owned(), "private-network"),
        ("https://[::1]/".to_owned(), "private-network"),
        ("https://[::ffff:10.0.0.1]/".to_owned(), "private-network"),
        ("https://[64:ff9b::a00:1]/".to_owned(), "private-network"),
        ("https://[fd00::1]/".to_owned(), "private-network"),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), "private-network"),
        ("https://0.0.0.0/".to_owned(), "private-network"),
        ("https://8.8.8.8@10.0.0.1/".to_owned(), "credentials"),
        ("https://user:pass@8.8.8.8/".to_owned(), "credentials"),
        ("https://8.8.8.8:22/".to_owned(), "port"),
        ("https://8.8.8.8:0/".to_owned(), "port"),
        ("https://8.8.8.8/#@10.0.0.1".to_owned(), "fragment"),
        ("http://8.8.8.8/".to_owned(), "https"),
        ("file:///etc/passwd".to_owned(), "scheme"),
        ("ftp://8.8.8.8/".to_owned(), "scheme"),
        ("//8.8.8.8/a".to_owned(), "address"),
        ("https://".to_owned(), "address"),
        ("https://khong-co.invalid/".to_owned(), "name"),
        (format!("https://8.8.8.8/{}", "a".repeat(2_000)), "length"),
    ];
    corpus.extend(own_name().map(|name| (format!("https://{name}:8443/"), "taken")));
    for (url, rule) in corpus {
        let (status, told) = post(&agency, PATH, &json!({ "url": url, "feed": "records" })).await;
        // Loopback is a network that this hub's operator has named.
        if rule == "taken" {
            assert_eq!(status, 201, "{url}: {told}");
            continue;
        }
        let fault = &told["faults"][0];
        assert_eq!((status, &fault["member"], &fault["rule"]), (422, &json!("url"), &json!(rule)));
        assert!(fault["advice"].is_string() && fault["advice_en"].is_string(), "{told}");
        assert!(url.starts_with(fault["value"].as_str().unwrap()), "{told}");
    }
    // Every member is looked at, and every fault told at once.
    let body = json!({ "url": "ftp://a", "feed": "x", "signature": "v9", "agency": "so-y-te",
                       "contract": "dossier" });
    let (status, told) = post(&agency, PATH, &body).await;
    let members: Vec<&str> = told["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["member"].as_str().unwrap())
        .collect();
    assert_eq!((status, members), (422, vec!["feed", "agency", "contract", "signature", "url"]));
    for (body, rule) in [("[]", "json"), ("{", "json"), (r#"{"uri":"https://a"}"#, "member")] {
        let request = agency.client.post(format!("{}{PATH}", agency.url)).bearer_auth(&agency.key);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 422);
        let told: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(told["faults"][0]["rule"], rule, "{told}");
    }
    let (status, told) = post(&agency, PATH, &json!({ "url": "a".repeat(40_000) })).await;
    assert_eq!((status, &told["faults"][0]["rule"]), (422, &json!("length")), "{told}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redirect_is_not_followed_and_a_network_that_is_named_no_more_is_not_reached() {
    let folder = office(Backend::Sqlite, "webhooks-reach");
    let (hub, agency, operator) = started(&folder).await;
    let inner = Agency::new(|_, _| Reply::TAKEN).await;
    let location: &'static str =
        Box::leak(format!("location: {}/\r\n", inner.url).into_boxed_str());
    let outer = Agency::new(move |_, _| Reply::Says(307, location, "")).await;
    let (led, _) = subscribe(&agency, &outer.url, json!({})).await;
    let named = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, _) = subscribe(&agency, &named.url, json!({})).await;
    tell(&agency, "so-gui", 0..2).await;
    takes(&named, 2).await;
    stands(&agency, &led, |one| one["failed_attempts"].as_u64() > Some(1)).await;
    assert_eq!(inner.seen().len(), 0);
    // Read again without that network, while the hub runs.
    let file = folder.path().join("hub.toml");
    let text = fs::read_to_string(&file).unwrap();
    let before = operator.found("/healthz").await["configuration"]["hash"].clone();
    fs::write(&file, text.replace("private_networks = [\"127.0.0.1\"]\n", "")).unwrap();
    hub.signal("HUP");
    while operator.found("/healthz").await["configuration"]["hash"] == before {
        sleep(Duration::from_millis(50)).await;
    }
    tell(&agency, "so-gui", 2..4).await;
    let one = stands(&agency, &id, |one| one["failed_attempts"].as_u64() > Some(0)).await;
    let last = one["attempts"].as_array().unwrap().last().unwrap().clone();
    assert!(last["told"].as_str().unwrap().contains("private networks"), "{one}");
    assert_eq!((named.seen().len(), &last["status"]), (2, &serde_json::Value::Null), "{one}");
    // Named again, it goes on.
    fs::write(&file, text).unwrap();
    hub.signal("HUP");
    takes(&named, 4).await;
    hub.stop();
    folder.verify();
}
