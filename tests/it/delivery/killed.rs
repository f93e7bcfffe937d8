//! Hubs that are killed while they deliver to an agency that fails now and then: every record that
//! was accepted arrives, in the order of its dossier, under one id.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, line, office, send, stands, started,
};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, seed},
};

on_each_store!(all_arrive_in_order_under_one_id_however_often_the_hub_is_killed);

const KEYS: u32 = 25;
const VERSIONS: u32 = 8;
const KILLS: u32 = 3;

/// Fails now and then in every way there is.
fn moody(mut random: Random) -> impl FnMut(&super::agency::Seen, usize) -> Reply + Send {
    move |_, before| match random.between(0, 12) {
        _ if before > 3 => Reply::TAKEN,
        0 => Reply::TakesAndDrops,
        1 => Reply::Says(503, "", ""),
        2 => Reply::After(Duration::from_millis(300)),
        _ => Reply::TAKEN,
    }
}

async fn all_arrive_in_order_under_one_id_however_often_the_hub_is_killed(backend: Backend) {
    let mut random = Random::new(seed(20_261_126));
    let agency = Agency::new(moody(Random::new(seed(7)))).await;
    let folder = office(backend, "delivery-killed", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (mut hub, mut sender, operator) = started(&folder).await;
    for version in 0..VERSIONS {
        let status = if version % 2 == 0 { "MOI" } else { "XONG" };
        let record = |key| line(&format!("K-{key}"), version, status);
        let lines: String = (0..KEYS).map(record).collect();
        send(&sender, &format!("m-{version}"), &lines).await;
        if version < KILLS {
            sleep(Duration::from_millis(random.between(0, 200))).await;
            hub.kill9();
            hub = Hub::start(&folder).await;
            sender = sender.at(&hub.url);
        }
    }
    agency.takes((KEYS * VERSIONS) as usize, 3 * WITHIN).await;
    let operator = operator.at(&hub.url);
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    let mut by_key: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    let mut again = 0;
    for one in agency.seen() {
        let known = bodies.entry(one.id().to_owned()).or_insert_with(|| one.body.clone());
        assert_eq!(*known, one.body, "the same id has the same bytes");
    }
    for one in agency.taken() {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let version = body["source_version"].as_str().unwrap().parse().unwrap();
        let versions = by_key.entry(one.subject().to_owned()).or_default();
        match versions.last() {
            Some(last) if *last == version => again += 1,
            _ => versions.push(version),
        }
    }
    println!("{again} were taken again, of {}", agency.taken().len());
    assert_eq!(by_key.len(), KEYS as usize);
    for (key, versions) in by_key {
        assert_eq!(versions, (0..VERSIONS).collect::<Vec<_>>(), "{key}");
    }
    let dead = operator.found("/v1/dead").await;
    assert_eq!(dead["dead"], serde_json::json!([]));
    hub.stop();
    folder.verify();
}
