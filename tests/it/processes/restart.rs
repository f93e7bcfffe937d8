//! Processes are replaced one after the other while agencies send and readers ask.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{Client, Doors, Together};
use crate::harness::{Hub, Sender, seed};

const PROCESSES: usize = 3;
const CLIENTS: u64 = 6;
/// A client's rest between messages: agencies do not send without end.
const REST: Duration = Duration::from_millis(4);
/// How long there is load before, between and after two restarts.
const BETWEEN: Duration = Duration::from_millis(700);

/// Whether a balancer would send requests to a process.
async fn is_ready(sender: &Sender) -> bool {
    let (status, body) = sender.get("/readyz").await;
    (status, &body["status"]) == (200, &"ok".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_loses_and_doubles_nothing_and_asks_at_worst_to_come_again() {
    let seed = seed(20_240_707);
    let mut together = Together::new("restart", PROCESSES);
    let mut hubs = together.start().await;
    let doors = Doors::of(&hubs);
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let sender = hubs[0].sender(&together.key);
        let client = Client { number, of: CLIENTS, seed, rest: REST };
        clients.spawn(client.sends(doors.clone(), sender, over.clone()));
    }
    for number in 0..PROCESSES {
        tokio::time::sleep(BETWEEN).await;
        let old = hubs.remove(number);
        tokio::task::spawn_blocking(move || old.stop()).await.unwrap();
        let new = Hub::start(&together.folders[number]).await;
        assert!(is_ready(&new.sender(&together.key)).await);
        doors.open(number, &new.url);
        hubs.insert(number, new);
    }
    tokio::time::sleep(BETWEEN).await;
    over.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut turned_away) = (Vec::new(), 0);
    for (ids, times) in clients.join_all().await {
        acknowledged.extend(ids);
        turned_away += times;
    }
    println!("{} messages, {turned_away} attempts turned away", acknowledged.len());
    assert!(turned_away > 0, "no restart hit a sender: the test tells nothing");
    hubs.into_iter().for_each(Hub::stop);
    together.all_there_once(&acknowledged);
}
