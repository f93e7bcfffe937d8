//! One process or three, one store or the other, with a broker or without: the same arrivals are
//! the same truth.

use tokio::task::JoinSet;

use super::Together;
use crate::{
    bus::{read, settles, verified},
    harness::{Folder, Hub, Random, Sender, seed},
    permutations::{AGENCY, Message, disturbed, dossier, send_all},
    polls::foreign::Broker,
};

/// Dossiers of the arrivals.
const DOSSIERS: u64 = 150;
/// The year in which most of them lie.
const YEAR: &str = "from=2024-01-01&to=2024-12-31";
/// Senders to each process.
const SENDERS: usize = 4;

/// What a hub tells those who count.
async fn figures(sender: &Sender) -> Vec<String> {
    let mut told = Vec::new();
    for by in ["agency", "procedure", "status", "day"] {
        let mut body = sender.found(&format!("/v1/statistics?{YEAR}&by={by}")).await;
        // Where the journal ends hangs on how often a message came.
        body.as_object_mut().unwrap().remove("as_of").expect("statistics say as of when they are");
        told.push(body.to_string());
    }
    told
}

/// The figures and the fold root of a hub of one process on the embedded store.
async fn embedded(name: &str, messages: Vec<Message>) -> (Vec<String>, String) {
    let folder = Folder::new(name);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send_all(&hub.sender(&key), messages, 1).await;
    let told = figures(&hub.sender(&key)).await;
    hub.stop();
    (told, folder.verify().fold_root)
}

/// The same of a hub of several processes on PostgreSQL and RabbitMQ, each of which is sent its own
/// messages while the others are sent theirs. All of them tell the same figures, and the broker has
/// every event of theirs.
async fn together(name: &str, sent: Vec<Vec<Message>>) -> (Vec<String>, String) {
    let broker = Broker::start();
    let mut together = Together::new(name, sent.len()).publishing(&broker);
    let hubs = together.start().await;
    let ids: Vec<String> = sent.iter().flatten().map(|message| message.id.clone()).collect();
    let mut sending = JoinSet::new();
    for (hub, messages) in hubs.iter().zip(sent) {
        let sender = hub.sender(&together.key);
        sending.spawn(async move { send_all(&sender, messages, SENDERS).await });
    }
    sending.join_all().await;
    let mut told = Vec::new();
    for hub in &hubs {
        told.push(figures(&hub.sender(&together.key)).await);
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    settles(&hubs[0].sender(&together.key)).await;
    assert!(verified(&together.folders[0], 0).contains("the broker has every event"));
    // The first entry tells the rules: it is no event.
    let events = read(&together.folders[0], &broker, "first").len();
    assert_eq!(events as u64, together.number("SELECT size - 1 FROM lienthong.head"));
    hubs.into_iter().for_each(Hub::stop);
    (told.remove(0), together.all_there_once(&ids).fold_root)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_process_and_three_come_to_what_the_embedded_store_comes_to() {
    let seed = seed(20_240_705);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let mut random = Random::new(seed);
    let expected = embedded("equal", messages.clone()).await;
    let alone = together("equal_one", vec![disturbed(&mut random, &messages)]).await;
    assert_eq!(alone, expected);
    // Every message goes to some process, and many to another one as well, there in another order.
    let mut sent = vec![Vec::new(), Vec::new(), Vec::new()];
    for message in disturbed(&mut random, &messages) {
        let first = random.between(0, 3) as usize;
        if random.percent(40) {
            sent[(first + 1) % 3].push(message.clone());
        }
        sent[first].push(message);
    }
    sent.iter_mut().for_each(|messages| random.shuffle(messages));
    assert_eq!(together("equal_three", sent).await, expected);
}

/// All that many dossiers say, said of one of them.
fn crowd(seed: u64, dossiers: u64) -> Vec<Message> {
    let of_one = |number: u64| {
        dossier(seed, number).into_iter().map(move |message| {
            let text = String::from_utf8(message.bytes).unwrap();
            let bytes = text.replace(&format!("BH.HT.24.{number:06}"), "BH.HT.24.000000");
            Message { bytes: bytes.into_bytes(), ..message }
        })
    };
    (0..dossiers).flat_map(of_one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_senders_at_one_dossier_through_three_processes_lose_and_double_nothing() {
    let seed = seed(20_240_706);
    let messages = crowd(seed, 40);
    let expected = embedded("crowd", messages.clone()).await;
    let mut random = Random::new(seed);
    // Sixteen senders: five at two of the processes, six at the third; each message twice.
    let mut sent = vec![Vec::new(), Vec::new(), Vec::new()];
    for message in messages {
        let first = random.between(0, 3) as usize;
        sent[(first + 1) % 3].push(message.clone());
        sent[first].push(message);
    }
    let mut together = Together::new("crowd_three", 3);
    let hubs = together.start().await;
    let ids: Vec<String> = sent.iter().flatten().map(|message| message.id.clone()).collect();
    let mut sending = JoinSet::new();
    for ((hub, mut messages), senders) in hubs.iter().zip(sent).zip([5, 5, 6]) {
        random.shuffle(&mut messages);
        let sender = hub.sender(&together.key);
        sending.spawn(async move { send_all(&sender, messages, senders).await });
    }
    sending.join_all().await;
    assert_eq!(figures(&hubs[1].sender(&together.key)).await, expected.0);
    hubs.into_iter().for_each(Hub::stop);
    let verified = together.all_there_once(&ids);
    assert_eq!((verified.dossiers, verified.fold_root), (1, expected.1));
}
