//! Through the router, as askers see it.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use serde_json::Value;

use super::{
    fixture::{BIEN_HOA, Bench, Reply, TRANSPORT, file, send},
    router,
};
use crate::auth::Principal;

const CODE: &str = "BH.HKD.13.002201";

fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["code"], code);
}

#[tokio::test]
async fn a_dossier_is_told_whole_to_its_agency_and_without_persons_to_the_portal() {
    let bench = Bench::full().await;
    let (own, portal) = (bench.agency(BIEN_HOA).await, bench.bearer(Principal::Portal).await);
    let stated = format!("/v1/dossiers/{CODE}?purpose=handling");
    let reply = bench.get(&stated, &own).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["dossier"]["identities"][0]["source_code"], CODE);
    assert!(body["dossier"]["member_sources"].is_object());
    assert!(body["findings"].is_array());
    assert!(!body["history"].as_array().unwrap().is_empty());
    assert!(reply.text.contains("Quách Thị Thùy Dương"));
    assert_eq!(reply.header("x-journal-position"), body["as_of"].to_string());
    let reply = bench
        .get(&format!("/v1/dossiers/{CODE}?source={BIEN_HOA}&purpose=handling"), &portal)
        .await;
    assert_eq!(reply.status, 200);
    assert!(reply.json()["dossier"]["applicant"].is_null());
    for personal in ["Quách", "270999071", "0900000171"] {
        assert!(!reply.text.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_what_does_not_exist() {
    let bench = Bench::full().await;
    let other = bench.agency(TRANSPORT).await;
    let theirs = bench.get(&format!("/v1/dossiers/{CODE}"), &other).await;
    let none = bench.get("/v1/dossiers/KHONG.CO", &other).await;
    refused(&theirs, 404, "not-found");
    assert_eq!(theirs.text, none.text);
    let theirs = bench.get("/v1/messages/m-1", &other).await;
    assert_eq!(theirs.text, bench.get("/v1/messages/m-none", &other).await.text);
    refused(
        &bench.get("/v1/messages/m-1", &bench.bearer(Principal::Portal).await).await,
        404,
        "not-found",
    );
    let own = bench.agency(BIEN_HOA).await;
    let reply = bench.get("/v1/messages/m-1?channel=ubnd-bien-hoa.ho-so", &own).await;
    assert_eq!(reply.json()["messages"][0]["outcome"], "stored");
    let reply = bench.get(&format!("/v1/statistics?agency={BIEN_HOA}"), &other).await;
    refused(&reply, 403, "not-yours");
}

#[tokio::test]
async fn every_question_wants_a_key_and_health_none() {
    let bench = Bench::empty();
    let app = router(bench.api.clone());
    let good = bench.agency(BIEN_HOA).await;
    let wrong = format!("{}0", good.get(..good.len() - 1).unwrap());
    let asked = [
        "/v1/dossiers/x",
        "/v1/messages/x",
        "/v1/statistics",
        "/v1/procedures",
        "/v1/agencies",
        "/v1/units",
        "/v1/feeds",
        "/v1/feeds/records",
        "/v1/feeds/dossiers",
    ];
    for uri in asked {
        for given in [None, Some("Basic x"), Some("Bearer ltk_"), Some(wrong.as_str())] {
            let request = Request::get(uri);
            let request = match given {
                Some(given) if given != good => request.header(AUTHORIZATION, given),
                _ => request,
            };
            let reply = send(&app, request.body(Body::empty()).unwrap()).await;
            refused(&reply, 401, "unauthenticated");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
        let twice = Request::get(uri).header(AUTHORIZATION, &good).header(AUTHORIZATION, &good);
        let reply = send(&app, twice.body(Body::empty()).unwrap()).await;
        refused(&reply, 401, "unauthenticated");
        assert_ne!(bench.get(uri, &good).await.status, 401);
        let request = Request::delete(uri).header(AUTHORIZATION, &good);
        let reply = send(&app, request.body(Body::empty()).unwrap()).await;
        refused(&reply, 405, "method-not-allowed");
        assert!(reply.header("allow").contains("GET"));
    }
    for uri in ["/healthz", "/readyz"] {
        let reply = send(&app, Request::get(uri).body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["status"]), (200, &Value::from("ok")));
    }
    refused(&bench.get("/v2/anything", &good).await, 404, "no-such-address");
    let reply = send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await;
    let line = "lienthong_http_requests_total{route=\"/v1/dossiers/{code}\",status=\"401\"} 5";
    assert!(reply.text.contains(line), "{}", reply.text);
    assert!(reply.text.contains("route=\"unmatched\",status=\"404\""));
    assert!(!reply.text.contains("anything"));
    assert!(reply.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn lists_of_the_catalogue_are_of_one_version_and_say_which() {
    let bench = Bench::empty();
    let portal = bench.bearer(Principal::Portal).await;
    refused(&bench.get("/v1/units", &portal).await, 404, "no-catalogue");
    let publish = async |codes: &[&str]| {
        let unit = |code: &&str| {
            serde_json::json!({"code": code, "name": format!("Xã {code}"),
            "kind": "xã", "level": "commune"})
        };
        let units: Vec<Value> = codes.iter().map(unit).collect();
        let empty: [Value; 0] = [];
        let content = serde_json::json!({"agencies": empty, "fields": empty, "procedures": empty,
            "units": units, "successions": empty});
        let operations = &bench.api.operations;
        operations.store.publish(content.to_string().into_bytes()).await.unwrap();
        operations.published.refresh(&*operations.store).await.unwrap()
    };
    assert!(publish(&["1", "2", "3"]).await);
    assert!(!publish(&["1", "2", "3"]).await, "it is held already");
    let first = bench.get("/v1/units?limit=2", &portal).await;
    assert_eq!((first.status.as_u16(), &first.json()["total"]), (200, &3.into()));
    assert_eq!(first.header("x-journal-position"), "1");
    let page = next(&first);
    let second = bench.get(&page, &portal).await;
    assert_eq!(second.json()["items"][0]["unit"]["code"], "3");
    assert!(!second.headers.contains_key("link"), "it is the last");
    let known = Request::get("/v1/units?limit=2").header(AUTHORIZATION, &portal);
    let known = known.header("if-none-match", first.header("etag")).body(Body::empty()).unwrap();
    assert_eq!(send(&router(bench.api.clone()), known).await.status, 304);
    assert!(publish(&["1"]).await);
    refused(&bench.get(&page, &portal).await, 410, "catalogue-changed");
    assert_ne!(bench.get("/v1/units?limit=2", &portal).await.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn as_of_tells_what_was_known_then() {
    let bench = Bench::full().await;
    let own = bench.agency(BIEN_HOA).await;
    let now = bench.get(&format!("/v1/dossiers/{CODE}"), &own).await.json();
    let history = now["history"].as_array().unwrap();
    let last = history.last().unwrap()["position"].as_u64().unwrap();
    assert!(history.len() > 1, "the sample changes it");
    let then = bench.get(&format!("/v1/dossiers/{CODE}?as_of={last}"), &own).await;
    assert_eq!(then.header("x-journal-position"), last.to_string());
    let then = then.json();
    assert_eq!(then["history"].as_array().unwrap().len(), history.len() - 1);
    assert_ne!(then["dossier"]["status"], now["dossier"]["status"]);
    refused(&bench.get(&format!("/v1/dossiers/{CODE}?as_of=0"), &own).await, 404, "not-found");
}

fn next(reply: &Reply) -> String {
    let link = reply.header("link");
    let (uri, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(rest, "; rel=\"next\"");
    uri.to_owned()
}

async fn follow(bench: &Bench, feed: &str, bearer: &str, limit: u32) -> Vec<Value> {
    let mut uri = format!("/v1/feeds/{feed}?limit={limit}");
    let mut all = Vec::new();
    loop {
        let reply = bench.get(&uri, bearer).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.header("content-type"), "application/cloudevents-batch+json");
        let page: Vec<Value> = serde_json::from_str(&reply.text).unwrap();
        assert!(page.len() <= limit as usize);
        all.extend(page);
        let following = next(&reply);
        if following == uri {
            return all;
        }
        uri = following;
    }
}

fn ids(events: &[Value]) -> BTreeSet<&str> {
    events.iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_feed_read_to_its_end_gives_every_record_once() {
    let bench = Bench::full().await;
    let portal = bench.bearer(Principal::Portal).await;
    let size = bench.api.operations.store.head().await.unwrap().tree.size;
    for limit in [1, 3, 1000] {
        let events = follow(&bench, "records", &portal, limit).await;
        assert_eq!(ids(&events).len(), events.len());
        assert_eq!(events.len() as u64, size, "all samples are records");
        let sequence = |event: &Value| event["sequence"].as_str().unwrap().to_owned();
        assert!(events.is_sorted_by_key(sequence));
    }
    let events = follow(&bench, "records", &portal, 2).await;
    let first = &events[0];
    assert_eq!(first["specversion"], "1.0");
    assert_eq!(first["type"], "vn.gov.dongnai.lienthong.dossier.v1");
    assert_eq!(first["source"], "/agencies/ubnd-bien-hoa/channels/ho-so");
    assert_eq!(first["sequence"], "00000000000000000000");
    assert_eq!(first["dataschema"], "https://lienthong.dongnai.gov.vn/contracts/dossier/1");
    assert_eq!(first["subject"], CODE);
    assert_eq!(first["data"]["applicant"], serde_json::json!({ "kind": "person" }));
    let own = bench.agency(TRANSPORT).await;
    let events = follow(&bench, "records", &own, 1).await;
    assert!(!events.is_empty());
    assert!(events.iter().all(|event| event["source"].as_str().unwrap().contains(TRANSPORT)));
    let all = follow(&bench, "dossiers", &portal, 2).await;
    assert_eq!(ids(&all).len(), all.len());
    assert_eq!(all[0]["type"], "vn.gov.dongnai.lienthong.dossier-state.v1");
    // Each is what the contract that its event names says.
    let contracts = contracts::Contracts::builtin().unwrap();
    for event in &all {
        let (key, body) = (event["subject"].as_str().unwrap(), event["data"].clone());
        let contract = "dossier-state/1".parse().unwrap();
        let draft = contracts::Draft { contract, key: key.into(), body: body.into() };
        assert_eq!(contracts.seal(&draft).map(|_| ()), Ok(()), "{event:#}");
    }
    let mine = follow(&bench, "dossiers", &own, 2).await;
    assert!(!mine.is_empty() && mine.len() < all.len());
    assert!(!serde_json::to_string(&all).unwrap().contains("270999071"));
}

#[tokio::test]
async fn data_is_the_stored_text_byte_for_byte() {
    let bench = Bench::full().await;
    let portal = bench.bearer(Principal::Portal).await;
    let reply = bench.get("/v1/feeds/records", &portal).await;
    let entries = bench.api.operations.store.entries(0, 5).await.unwrap();
    for entry in entries {
        let text = format!("\"data\":{}", String::from_utf8(entry.public).unwrap());
        assert!(reply.text.contains(&text), "{text}");
    }
}

#[tokio::test]
async fn what_the_asker_has_already_is_not_sent_again() {
    let bench = Bench::full().await;
    let own = bench.agency(BIEN_HOA).await;
    let app = router(bench.api.clone());
    for uri in [&*format!("/v1/dossiers/{CODE}"), "/v1/statistics", "/v1/feeds/records"] {
        let tag = bench.get(uri, &own).await.header("etag").to_owned();
        let ask = |tag: &str| {
            let request = Request::get(uri).header(AUTHORIZATION, &own);
            request.header("if-none-match", tag).body(Body::empty()).unwrap()
        };
        let reply = send(&app, ask(&format!("\"x\", {tag}"))).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (304, ""));
        assert_eq!(reply.header("etag"), tag);
        assert_eq!(send(&app, ask("\"x\"")).await.status, 200);
        bench.push(BIEN_HOA, &format!("again {uri}"), b"{}".to_vec()).await;
        assert_eq!(send(&app, ask(&tag)).await.status, 200, "the journal has grown");
    }
}

#[tokio::test]
async fn numbers_are_told_by_dimension() {
    let bench = Bench::full().await;
    let portal = bench.bearer(Principal::Portal).await;
    let uri = "/v1/statistics?from=2010-01-01&to=2020-12-31&by=agency";
    let reply = bench.get(uri, &portal).await;
    let body = reply.json();
    let rows = body["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{body}");
    assert!(rows.iter().all(|row| row["measures"]["accepted"].as_i64().unwrap() > 0));
    let reply = bench.get("/v1/statistics?as_of=0", &portal).await;
    assert_eq!(reply.json()["rows"], serde_json::json!([]));
    let ask = async |of: &str| {
        let uri = format!("/v1/statistics?from=2010-01-01&to=2020-12-31&{of}");
        bench.get(&uri, &portal).await.json()
    };
    let accepted = |body: &serde_json::Value| -> i64 {
        let rows = body["rows"].as_array().unwrap().iter();
        rows.map(|row| row["measures"]["accepted"].as_i64().unwrap_or(0)).sum()
    };
    let all = accepted(&ask("").await);
    for (by, summed_from) in
        [("field", "rollups"), ("commune,agency", "rollups"), ("channel", "deltas")]
    {
        let body = ask(&format!("by={by}")).await;
        assert_eq!((accepted(&body), body["summed_from"].as_str()), (all, Some(summed_from)));
        assert!(by.split(',').all(|name| body["rows"][0][name].is_string()), "{body}");
    }
    for row in ask("by=channel").await["rows"].as_array().unwrap() {
        let channel = row["channel"].as_str().unwrap();
        let only = ask(&format!("by=agency,channel&channel={channel}")).await;
        assert_eq!(accepted(&only), row["measures"]["accepted"].as_i64().unwrap_or(0), "{only}");
        assert!(only["rows"].as_array().unwrap().iter().all(|row| row["channel"] == channel));
    }
    assert_eq!(ask("channel=pigeon").await["rows"], serde_json::json!([]));
    let own = bench.agency(BIEN_HOA).await;
    let rows = bench.get(uri, &own).await.json()["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["agency"], BIEN_HOA);
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_its_remedy() {
    let bench = Bench::empty();
    let portal = bench.bearer(Principal::Portal).await;
    for (uri, name, value) in [
        ("/v1/statistics?from=2025-02-30", "from", "2025-02-30"),
        ("/v1/statistics?to=hôm-nay", "to", "hôm-nay"),
        ("/v1/statistics?from=2025-01-01T00:00:00", "from", "2025-01-01T00:00:00"),
        ("/v1/statistics?from=2025-02-01&to=2025-01-01", "from", "2025-02-01"),
        ("/v1/statistics?from=0001-01-01&to=9999-12-31", "from", "0001-01-01"),
        ("/v1/statistics?by=agency,moon", "by", "moon"),
        ("/v1/statistics?by=agency,", "by", ""),
        ("/v1/statistics?as_of=-1", "as_of", "-1"),
        ("/v1/statistics?as_of=18446744073709551615", "as_of", "18446744073709551615"),
        ("/v1/statistics?form=2025-01-01", "form", "2025-01-01"),
        ("/v1/statistics?to=2025-01-01&to=2025-01-02", "to", "2025-01-02"),
        ("/v1/feeds/records?limit=0", "limit", "0"),
        ("/v1/feeds/records?limit=1001", "limit", "1001"),
        ("/v1/dossiers/x?as_of=%2B1", "as_of", "+1"),
        ("/v1/dossiers/x?source=a%00", "source", "a\0"),
    ] {
        let uri = uri.replace('ô', "%C3%B4");
        let reply = bench.get(&uri, &portal).await;
        refused(&reply, 400, "bad-parameter");
        let body = reply.json();
        assert_eq!((&body["parameter"], &body["value"]), (&name.into(), &value.into()), "{uri}");
        assert!(!body["advice"].as_str().unwrap().is_empty());
    }
    for after in ["x", "00", "7f", "zz"] {
        let reply = bench.get(&format!("/v1/feeds/records?after={after}"), &portal).await;
        refused(&reply, 400, "bad-cursor");
    }
    let reply = bench.get("/v1/feeds/records", &portal).await;
    let other = next(&reply).replace("records", "dossiers");
    refused(&bench.get(&other, &portal).await, 400, "bad-cursor");
}

#[tokio::test]
async fn hostile_codes_find_nothing_and_break_nothing() {
    let bench = Bench::full().await;
    let own = bench.agency(BIEN_HOA).await;
    let long = "9".repeat(10_000);
    for kind in ["dossiers", "messages"] {
        refused(&bench.get(&format!("/v1/{kind}/{long}"), &own).await, 400, "bad-parameter");
        for code in [
            "%00",
            "a%00b",
            "%27%20OR%201%3D1--",
            "%22",
            "%25",
            "..%2F..%2Fetc",
            "%0A",
            "%3Cscript%3E",
            "%E1%BB%93",
            "%2500",
        ] {
            refused(&bench.get(&format!("/v1/{kind}/{code}"), &own).await, 404, "not-found");
        }
        refused(&bench.get(&format!("/v1/{kind}/%FF"), &own).await, 400, "bad-request");
    }
}

#[tokio::test]
async fn a_refusal_is_traced_with_its_advice() {
    let bench = Bench::empty();
    let path = format!("mappings/agencies/{BIEN_HOA}/fixtures/ho-so/refused.in.json");
    bench.push(BIEN_HOA, "r-1", file(&path)).await;
    let own = bench.agency(BIEN_HOA).await;
    let body = bench.get("/v1/messages/r-1", &own).await.json();
    let message = &body["messages"][0];
    assert_eq!(message["outcome"], "refused");
    assert!(message["refusals"][0]["problems"][0]["advice"]["vi"].is_string());
}
