//! Who is let in where.

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    api::{
        fixture::{Bench, Reply, send},
        router,
    },
    auth::{Scopes, new_key},
    store::ApiKey,
};

/// A call that nobody gets further with than the door.
async fn call(bench: &Bench, (method, address): (&str, &str), bearer: Option<&str>) -> Reply {
    let path: Vec<&str> =
        address.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
    let mut request = Request::builder().method(method).uri(path.join("/"));
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer);
    }
    send(&router(bench.api.clone()), request.body(Body::empty()).unwrap()).await
}

/// A key for some of what its principal may do; over, or not.
async fn bearer(bench: &Bench, who: &str, scopes: Option<&str>, over: bool) -> String {
    let (key, shown) = new_key(&who.parse().unwrap()).unwrap();
    let past = Timestamp::now() - SignedDuration::from_hours(1);
    let scopes = scopes.map(ToOwned::to_owned);
    let expires_at = over.then_some(past);
    let store = &bench.api.operations.store;
    store.add_key(ApiKey { scopes, expires_at, ..key }).await.unwrap();
    bench.api.keys.refresh(&**store).await.unwrap();
    format!("Bearer {shown}")
}

/// The calls of the hub's own router that take a key.
fn guarded() -> impl Iterator<Item = ((&'static str, &'static str), Scope)> {
    // Those of the doors are the doors' own tests'.
    let doors = [
        "/v1/applications/{id}/acknowledgement",
        "/v1/channels/{channel}/messages",
        "/v1/feedback/answers",
        "/v1/requests/{id}/replies",
    ];
    let posted = ["/v1/applications", "/v1/feedback", "/v1/requests"];
    CALLS.iter().filter_map(move |(method, address, needs)| match needs {
        Key(_) if doors.contains(address) => None,
        Key(_) if *method == POST && posted.contains(address) => None,
        Key(scope) => Some(((*method, *address), *scope)),
        Nobody | Door => None,
    })
}

#[tokio::test]
async fn every_call_is_had_with_its_scope_alone() {
    let bench = Bench::empty();
    let (mut wrong, over) = (
        bearer(&bench, "operator", None, false).await,
        bearer(&bench, "operator", None, true).await,
    );
    wrong.truncate(wrong.len() - 4);
    for (call_of, scope) in guarded() {
        let others: Vec<&str> =
            Scope::ALL.iter().filter(|one| **one != scope).map(|one| one.name()).collect();
        let others = bearer(&bench, "operator", Some(&others.join(" ")), false).await;
        let own = bearer(&bench, "operator", Some(scope.name()), false).await;
        for (who, status, code) in [
            (None, 401, "unauthenticated"),
            (Some(&wrong), 401, "unauthenticated"),
            (Some(&over), 401, "key-expired"),
            (Some(&others), 403, "scope-not-granted"),
        ] {
            let reply = call(&bench, call_of, who.map(String::as_str)).await;
            assert_eq!(reply.status, status, "{call_of:?} {who:?}: {}", reply.text);
            assert_eq!(reply.json()["code"], code, "{call_of:?}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{call_of:?}");
        }
        let reply = call(&bench, call_of, Some(&own)).await;
        // What it is answered further in is the call's own affair.
        let within = ![401, 405].contains(&reply.status.as_u16());
        assert!(within && !reply.text.contains("scope-not-granted"), "{call_of:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn each_kind_of_client_has_what_is_its_own_to_call_and_no_more() {
    let bench = Bench::empty();
    for who in ["reporting:bi", "portal", "agency:so-y-te", "operator"] {
        let key = bearer(&bench, who, None, false).await;
        let most = Scopes::of_principal(&who.parse().unwrap());
        for (call_of, scope) in guarded() {
            let reply = call(&bench, call_of, Some(&key)).await;
            let turned_away = reply.status == 403
                && ["scope-not-granted", "operator-only"]
                    .contains(&reply.json()["code"].as_str().unwrap());
            assert!(most.has(scope) || turned_away, "{who} {call_of:?}: {}", reply.text);
            assert!(
                !most.has(scope)
                    || reply.status != 401 && reply.json()["code"] != "scope-not-granted",
                "{who} {call_of:?}: {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn what_stands_in_no_row_is_not_answered() {
    let bench = Bench::empty();
    let key = bearer(&bench, "operator", None, false).await;
    let request = Request::builder().uri("/v1/forgotten").header(AUTHORIZATION, &key);
    let inside = crate::api::whole(
        bench.api.clone(),
        axum::Router::new().route("/v1/forgotten", axum::routing::get(async || "secret")),
    );
    let reply = send(&inside, request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["code"].as_str()),
        (404, Some("no-such-address"))
    );

    let reply = call(&bench, ("DELETE", "/v1/statistics"), Some(&key)).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET,HEAD"));
    let reply = call(&bench, ("HEAD", "/v1/feeds"), Some(&key)).await;
    assert_eq!(reply.status, 200);
}

#[test]
fn calls_are_told_once_and_in_order() {
    let addresses: Vec<_> = CALLS.iter().map(|(method, address, _)| (address, method)).collect();
    let mut sorted = addresses.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), addresses.len());
}
