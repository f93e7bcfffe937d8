//! Fetch, mend, send again, see the count go down.

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
    lienthong::stdout,
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    an_agency_mends_what_was_refused_and_the_count_goes_down,
    open_refusals_are_told_page_by_page_and_to_nobody_else,
);

fn path() -> String {
    format!("/v1/channels/{CHANNEL}/refusals")
}

async fn open(sender: &Sender) -> (u64, Value) {
    let told = sender.found(&path()).await;
    (told["open"].as_u64().unwrap(), told)
}

async fn push(sender: &Sender, id: &str, bytes: &[u8]) -> (u16, Value) {
    sender.push(CHANNEL, Some(id), bytes).await.unwrap()
}

async fn an_agency_mends_what_was_refused_and_the_count_goes_down(backend: Backend) {
    let folder = backend.folder("mended");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    assert_eq!(open(&sender).await.0, 0);
    let (status, _) = push(&sender, "m-1", &event("BH.1", "THU_LY", "31/02/2024")).await;
    assert_eq!(status, 422);
    assert_eq!(push(&sender, "m-2", &event("BH.2", "KHONG_CO", "hôm qua")).await.0, 422);
    assert_eq!(push(&sender, "m-3", b"{ this is no JSON").await.0, 422);
    let (count, told) = open(&sender).await;
    assert_eq!(count, 3, "{told}");
    let second = &told["refusals"][1];
    assert_eq!((&second["message"], &second["key"]), (&json!("m-2"), &json!("BH.2")), "{told}");
    let problem = &second["problems"][0];
    assert!(problem["advice"]["vi"].is_string() && problem["advice"]["en"].is_string());
    assert!(problem["place"]["path"].is_string() && second["recorded_at"].is_string());
    let rules = told["by_rule"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["detail"]["vi"].is_string()), "{told}");
    let all: u64 = rules.iter().map(|rule| rule["refusals"].as_u64().unwrap()).sum();
    assert!(all >= 3, "{told}");
    // Mended in the agency's system and sent with tomorrow's messages, under another id.
    assert_eq!(push(&sender, "m-4", &event("BH.1", "THU_LY", AT)).await.0, 200);
    assert_eq!(open(&sender).await.0, 2);
    // Sent again under the same id.
    assert_eq!(push(&sender, "m-3", &event("BH.3", "THU_LY", AT)).await.0, 200);
    assert_eq!(open(&sender).await.0, 1);
    // Still wrong: one refusal as before, the later.
    assert_eq!(push(&sender, "m-5", &event("BH.2", "KHONG_CO", AT)).await.0, 422);
    let (count, told) = open(&sender).await;
    assert_eq!((count, &told["refusals"][0]["message"]), (1, &json!("m-5")));
    // Mended otherwise: settled by hand, by the agency itself, or by the operator.
    let settle = async |id: &str| {
        let url = format!("{}{}/settle?message={id}", sender.url, path());
        let answer = sender.client.post(url).bearer_auth(&key).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["settled"].clone()
    };
    assert_eq!((settle("m-4").await, settle("m-5").await), (json!(0), json!(1)));
    assert_eq!(open(&sender).await.0, 0);
    assert_eq!(push(&sender, "m-6", &event("BH.6", "KHONG_CO", AT)).await.0, 422);
    let told = stdout(&folder.run(&["refusals", CHANNEL]));
    assert!(told.contains("1 refusals are open") && told.contains("m-6 record 1 (BH.6)"), "{told}");
    let told = stdout(&folder.run(&["refusals", CHANNEL, "--settle", "m-6"]));
    assert_eq!(told, "1 refusals settled\n");
    assert_eq!(open(&sender).await.0, 0);
    hub.stop();
    folder.verify();
}

async fn open_refusals_are_told_page_by_page_and_to_nobody_else(backend: Backend) {
    let folder = backend.folder("paged");
    let key = folder.key(AGENCY);
    let others = [("agency:so-y-te", 404), ("portal", 404), ("operator", 200)];
    let others = others.map(|(principal, expected)| (folder.key(principal), expected));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for number in 0..7 {
        let body = event(&format!("BH.P.{number}"), "KHONG_CO", AT);
        assert_eq!(push(&sender, &format!("p-{number}"), &body).await.0, 422);
    }
    let rule = sender.found(&path()).await["by_rule"][0]["rule"].as_str().unwrap().to_owned();
    let (mut next, mut seen) = (Some(format!("{}?rule={rule}&limit=3", path())), Vec::new());
    while let Some(address) = next {
        let (status, page, link) = sender.page(&address).await;
        assert_eq!((status, &page["open"]), (200, &json!(7)), "{page}");
        let keys = page["refusals"].as_array().unwrap().iter();
        seen.extend(keys.map(|one| one["key"].as_str().unwrap().to_owned()));
        next = link;
    }
    let all: Vec<String> = (0..7).rev().map(|number| format!("BH.P.{number}")).collect();
    assert_eq!(seen, all);
    let (status, problem) = sender.get(&format!("{}?rule=none", path())).await;
    assert_eq!((status, &problem["parameter"]), (400, &json!("rule")));
    assert_eq!(sender.get(&format!("{}?cursor=00", path())).await.0, 400);
    for (key, expected) in &others {
        assert_eq!(hub.sender(key).get(&path()).await.0, *expected);
    }
    assert_eq!(sender.get("/v1/channels/ubnd-bien-hoa.khong-co/refusals").await.0, 404);
    hub.stop();
}
