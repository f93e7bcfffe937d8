//! Two processes commit at once, for as long as one likes.

use std::{
    env,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Doors, Together, deliver};
use crate::{
    harness::{Hub, Random, Sender, seed},
    permutations::{CHANNEL, dossier},
};

const CLIENTS: u64 = 8;
/// Seconds of traffic where `LIENTHONG_TRAFFIC_SECONDS` says nothing; an hour is 3600.
const SECONDS: u64 = 10;

fn traffic() -> Duration {
    let given = env::var("LIENTHONG_TRAFFIC_SECONDS").ok();
    Duration::from_secs(given.map_or(SECONDS, |text| text.parse().unwrap()))
}

/// Sends dossiers until the time is over, each message to either process, many to both at once.
async fn client(
    doors: Doors,
    mut sender: Sender,
    (seed, number): (u64, u64),
    end: Instant,
) -> Vec<String> {
    let mut random = Random::new(seed ^ number);
    let mut acknowledged = Vec::new();
    for turn in 0.. {
        if Instant::now() >= end {
            break;
        }
        let mut messages = dossier(seed, turn * CLIENTS + number);
        random.shuffle(&mut messages);
        for message in messages {
            let first = random.between(0, 2) as u32;
            let mut twin = sender.clone();
            twin.url = doors.url(first as usize + 1);
            let (copy, both) = (message.clone(), random.percent(30));
            let twin = tokio::spawn(async move {
                // Whichever comes first is stored, the other one is its duplicate.
                if both {
                    let (status, receipt) =
                        twin.push(CHANNEL, Some(&copy.id), &copy.bytes).await.unwrap();
                    assert!(matches!(status, 200 | 503), "{receipt}");
                }
            });
            let url = |tried: u32| doors.url((first + tried) as usize);
            let told = deliver(&mut sender, &message, url).await;
            twin.await.unwrap();
            if !both {
                told.assert_honest();
            }
            acknowledged.push(message.id);
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_commit_at_once_lose_and_double_nothing() {
    let seed = seed(20_240_708);
    let mut together = Together::new("traffic", 2);
    let hubs = together.start().await;
    let doors = Doors::of(&hubs);
    let end = Instant::now() + traffic();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let sender = hubs[0].sender(&together.key);
        clients.spawn(client(doors.clone(), sender, (seed, number), end));
    }
    let acknowledged: Vec<String> = clients.join_all().await.into_iter().flatten().collect();
    println!("{} messages", acknowledged.len());
    hubs.into_iter().for_each(Hub::stop);
    together.all_there_once(&acknowledged);
}
