//! Several hubs on one PostgreSQL deliver together: each line is one's at a time, and what one had
//! taken that stands still or is gone, another takes when the lease has ended.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, line, office, send, stands, started,
};
use crate::{backend::Backend, harness::Hub};

const KEYS: u32 = 40;
const VERSIONS: u32 = 6;

fn lines(version: u32) -> String {
    let status = if version.is_multiple_of(2) { "MOI" } else { "XONG" };
    (0..KEYS).map(|key| line(&format!("T-{key}"), version, status)).collect()
}

/// The versions of each dossier in the order in which they were taken first.
fn in_order(agency: &Agency) {
    let mut by_key: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for one in agency.taken() {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let version = body["source_version"].as_str().unwrap().parse().unwrap();
        let versions = by_key.entry(one.subject().to_owned()).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    assert_eq!(by_key.len(), KEYS as usize);
    for (key, versions) in by_key {
        assert_eq!(versions, (0..VERSIONS).collect::<Vec<_>>(), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hubs_deliver_together_each_record_once_and_in_order() {
    let agency = Agency::new(|_, _| Reply::After(Duration::from_millis(2))).await;
    let endpoint = at(&agency.url);
    let folder = office(Backend::Postgres, "delivery-two", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let (one, sender, operator) = started(&folder).await;
    let other = Hub::start(&folder).await;
    for version in 0..VERSIONS {
        let to = if version % 2 == 0 { &one.url } else { &other.url };
        send(&sender.clone().at(to), &format!("m-{version}"), &lines(version)).await;
    }
    agency.takes((KEYS * VERSIONS) as usize, WITHIN).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    assert_eq!(agency.taken().len(), (KEYS * VERSIONS) as usize, "none was sent twice");
    in_order(&agency);
    one.stop();
    other.stop();
    folder.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_hub_had_taken_that_stands_still_another_delivers_and_the_first_changes_nothing() {
    let agency = Agency::new(|_, _| Reply::Says(503, "", "")).await;
    let endpoint = at(&agency.url);
    let folder = office(Backend::Postgres, "delivery-still", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let (one, sender, operator) = started(&folder).await;
    agency.does(|_, _| Reply::After(Duration::from_secs(1)));
    send(&sender, "m-0", &lines(0)).await;
    while agency.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    one.signal("STOP");
    agency.does(|_, _| Reply::TAKEN);
    let other = Hub::start(&folder).await;
    let (sender, operator) = (sender.at(&other.url), operator.at(&other.url));
    for version in 1..VERSIONS {
        send(&sender, &format!("m-{version}"), &lines(version)).await;
    }
    agency.takes((KEYS * VERSIONS) as usize, WITHIN).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    one.signal("CONT");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let still = stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    assert_eq!((&still["dead"], &still["failing"]), (&0.into(), &0.into()), "{still}");
    in_order(&agency);
    one.stop();
    other.stop();
    folder.verify();
}
