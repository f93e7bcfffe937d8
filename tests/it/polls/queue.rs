//! A queue of an agency's RabbitMQ, filled by a client of another make.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{AGENCY, READ_MAX, foreign::Broker, reading_of, stands};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, Sender, seed},
    lienthong::{root, stderr},
};

/// Messages of an agency; one of them is no dossier.
const MESSAGES: u64 = 300;
const POISON: u64 = 77;

on_each_store!(what_a_queue_holds_is_taken_once_whatever_breaks);

/// A sender with confirmed messages, which goes on until every one is confirmed.
fn sends(broker: &Broker, first: u64, count: u64) -> std::process::Child {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/it/polls/send.py")).arg(&broker.address);
    command.args(["so-doc", "so-doc.ho-so"]).args([first, count, POISON].map(|n| n.to_string()));
    command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn sent(sending: std::process::Child) {
    let ended = tokio::task::spawn_blocking(move || sending.wait_with_output().unwrap());
    let ended = ended.await.unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
}

/// Waits until so many dossiers are there; each was taken once.
async fn has(sender: &Sender, count: usize) {
    let began = Instant::now();
    loop {
        let mut codes: Vec<String> = sender
            .feed("records", 1_000)
            .await
            .iter()
            .map(|event| event["subject"].as_str().unwrap().to_owned())
            .collect();
        let all = codes.len();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), all, "one was taken twice");
        if all == count {
            return;
        }
        assert!(all < count && began.elapsed() < READ_MAX, "{all} of {count}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn what_a_queue_holds_is_taken_once_whatever_breaks(backend: Backend) {
    let broker = Broker::start();
    // The exchange is the agency's.
    sent(sends(&broker, 0, 0)).await;
    let secret = ("so-doc-hang-doi", broker.address.clone());
    let folder = reading_of(backend, "polls-queue", "hang-doi", &[], &[secret]);
    let key = folder.key(AGENCY);
    let mut hub = Hub::start(&folder).await;
    stands(&hub.sender(&key), |one| one["under_way"] == true).await;
    let sending = sends(&broker, 0, MESSAGES);
    let mut random = Random::new(seed(20_261_129));
    for _ in 0..6 {
        sleep(Duration::from_millis(random.between(100, 700))).await;
        hub.kill9();
        hub = Hub::start(&folder).await;
    }
    let sender = hub.sender(&key);
    broker.kill();
    broker.resume();
    sent(sending).await;
    has(&sender, MESSAGES as usize - 1).await;
    // The queue is deleted under the consumer: it is made again, and bound.
    broker.control(&["delete_queue", "so-doc.hub"]);
    sent(sends(&broker, MESSAGES, 20)).await;
    // Its connections are cut.
    broker.control(&["close_all_connections", "test"]);
    sent(sends(&broker, MESSAGES + 20, 20)).await;
    has(&sender, MESSAGES as usize + 39).await;
    // The poison is a refusal that is kept, and nothing is left.
    let refused = sender.found(&format!("/v1/messages/m-{POISON}")).await;
    assert!(refused.to_string().contains("\"refused\""), "{refused}");
    let began = Instant::now();
    loop {
        let left = broker.control(&["list_queues", "name", "messages"]);
        if left.lines().any(|line| line.split_whitespace().eq(["so-doc.hub", "0"])) {
            break;
        }
        assert!(began.elapsed() < READ_MAX, "{left}");
    }
    let standing = stands(&sender, |one| one["succeeded_at"].is_string()).await;
    assert_eq!(standing["transport"], "amqp");
    hub.stop();
    folder.verify();
}
