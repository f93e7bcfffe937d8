//! Hubs are told to end while they are sent messages and deliver them (SIGTERM under load). Each
//! ends in good order and in time, and what it had delivered is not delivered again.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::agency::{Agency, Reply};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, seed},
    load::{Load, Process},
    permutations::AGENCY,
    soak::{folder, waiting},
};

const ENDS: u64 = 4;
const SENDERS: u64 = 3;
const DRAINS_WITHIN: Duration = Duration::from_secs(60);

on_each_store!(a_hub_that_is_told_to_end_under_load_has_delivered_nothing_twice);

async fn a_hub_that_is_told_to_end_under_load_has_delivered_nothing_twice(backend: Backend) {
    let seed = seed(20_261_212);
    let mut random = Random::new(seed);
    // It takes its time: some are under way whenever the hub is told to end.
    let receiver = Agency::new(|_, _| Reply::After(Duration::from_millis(40))).await;
    let folder = folder(backend, "delivery-ending", &receiver);
    let (key, operator) = (folder.key(AGENCY), folder.key("operator"));
    let mut hub = Hub::start(&folder).await;
    let load = Load::start(&folder, &hub, &key, (SENDERS, seed, Process::Dies));
    for _ in 0..ENDS {
        sleep(Duration::from_millis(random.between(300, 1_200))).await;
        // It asserts that the hub ends in time, and well.
        tokio::task::spawn_blocking(move || hub.stop()).await.unwrap();
        hub = Hub::start(&folder).await;
        load.moved_to(&hub.url);
    }
    let met = load.stop().await;
    let (began, operator) = (Instant::now(), hub.sender(&operator));
    while waiting(&operator).await > 0 {
        assert!(began.elapsed() < DRAINS_WITHIN, "what waits is not delivered");
        sleep(Duration::from_millis(50)).await;
    }
    let (different, all) = (receiver.count(), receiver.taken().len());
    println!("{} acknowledged, {different} delivered", met.told.acknowledged.len());
    assert!(met.turned_away > 0, "no end hit a sender: the test tells nothing");
    assert_eq!(all, different, "what was delivered came again");
    met.told.holds(&folder, hub, &key).await;
}
