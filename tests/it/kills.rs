//! The hub dies at any moment; what it has acknowledged is there, once (trust §7 tests 1 and 2).

use std::{env, time::Duration};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Random, seed},
    load::{Load, Process},
    permutations::AGENCY,
};

const SENDERS: u64 = 8;
const ROUNDS: u64 = 40;
/// After so many kills the store is verified before the hub starts again.
const VERIFY_EVERY: u64 = 10;

on_each_store!(what_is_acknowledged_survives_kills_and_counts_once);

/// Kills the hub so many times at moments that the seed chooses, and starts it anew.
async fn kill_often(load: &Load, folder: &Folder, mut hub: Hub, seed: u64, rounds: u64) -> Hub {
    let mut random = Random::new(seed);
    for round in 1..=rounds {
        tokio::time::sleep(Duration::from_millis(random.between(50, 900))).await;
        hub.kill9();
        if round % VERIFY_EVERY == 0 {
            folder.verify();
        }
        hub = Hub::start(folder).await;
        load.moved_to(&hub.url);
    }
    hub
}

/// How often hubs are killed.
fn rounds() -> u64 {
    let given = env::var("LIENTHONG_KILL_ROUNDS").ok();
    given.map_or(ROUNDS, |text| text.parse().unwrap())
}

/// A hub under load is killed again and again; what it has acknowledged is there, once.
async fn what_is_acknowledged_survives_kills_and_counts_once(backend: Backend) {
    let (seed, rounds) = (seed(20_240_502), rounds());
    let folder = backend.folder("kills");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let load = Load::start(&folder, &hub, &key, (SENDERS, seed, Process::Dies));
    let hub = kill_often(&load, &folder, hub, seed, rounds).await;
    let met = load.stop().await;
    let (away, repeated) = (met.turned_away, met.repeated);
    println!("{rounds} kills, {away} attempts unanswered, of which {repeated} had been stored");
    assert!(away > 0, "no kill hit a message: the test tells nothing");
    met.told.holds(&folder, hub, &key).await;
}
