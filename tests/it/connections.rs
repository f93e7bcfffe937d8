//! Thousands of connections that say nothing, or half a header, and never will: who has something
//! to say is heard as if they were not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Client;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    backend::Backend,
    follow::many_descriptors,
    harness::{Hub, Sender},
    load::within,
    permutations::{AGENCY, CHANNEL, dossier},
};

/// Connections that the hub has places for.
const PLACES: usize = 4_096;
const SILENT: usize = 5_000;
/// Far below the ten seconds that a header may take: nobody waits until one is given up.
const ANSWER_MAX: Duration = Duration::from_secs(2);
const ASKED: u64 = 200;

/// Sends so many messages and asks after each, by a connection of its own each time; gives how
/// long each took, the shortest first.
async fn waits(sender: &Sender, first: u64) -> Vec<Duration> {
    let mut waits = Vec::new();
    for number in first..first + ASKED {
        let message = &dossier(1, number)[0];
        let began = Instant::now();
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
        let (status, receipt) = answer.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!((status, &receipt["outcome"]), (200, &"stored".into()), "{receipt}");
        assert_eq!(sender.status("/healthz").await, 200);
        waits.push(began.elapsed());
    }
    waits.sort();
    waits
}

/// Opens them, one after the other, and holds them.
async fn silent(url: String, count: Arc<AtomicUsize>) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for number in 0..SILENT {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"POST /v1/channels/x HTTP/1.1\r\nX-Ha").await.unwrap();
        }
        open.push(stream);
        count.fetch_add(1, Ordering::Relaxed);
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_thousand_that_say_nothing_keep_nobody_waiting() {
    many_descriptors(SILENT as u64 + 1_000);
    let folder = Backend::Sqlite.folder("connections");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    let client = client.timeout(Duration::from_secs(30)).build().unwrap();
    let sender = Sender { client, ..hub.sender(&key) };
    let alone = waits(&sender, 0).await;
    let count = Arc::new(AtomicUsize::new(0));
    let opening = tokio::spawn(silent(hub.url.clone(), count.clone()));
    // Where there is no place for more, the others stand in the queue as everybody else does.
    let many = || count.load(Ordering::Relaxed) > PLACES + 100;
    assert!(within(ANSWER_MAX * 10, many).await, "{count:?} are open");
    let among = waits(&sender, ASKED).await;
    let open = opening.await.unwrap();
    let at = |waits: &[Duration], percent: usize| waits[waits.len() * percent / 100];
    println!(
        "alone: half within {:?}, 99 % within {:?}; among {SILENT}: {:?} and {:?}",
        at(&alone, 50),
        at(&alone, 99),
        at(&among, 50),
        at(&among, 99),
    );
    assert!(among[among.len() - 1] < ANSWER_MAX, "{among:?}");
    assert!(hub.peak_kib() < 256 * 1024, "{} KiB", hub.peak_kib());
    drop(open);
    hub.stop();
    folder.verify();
}
