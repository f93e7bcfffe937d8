//! What hangs, or comes one upon the other, holds up no reload for long, and no reload holds up
//! anybody.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{CHANNEL, NAMES, WITHIN, changed, changes, named, procedure, record, standing, stores};
use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        ROUTE,
        agency::{Agency, Reply},
        at, office, settled, started,
    },
    harness::{Folder, Hub},
    polls::reading,
};

on_each_store!(
    a_turn_that_hangs_holds_up_nobody,
    a_message_under_way_ends_by_the_mapping_that_it_began_with,
);

/// How long a reload may take until it is in force while nothing hangs; on a busy machine.
const SOON: Duration = Duration::from_secs(4);

/// Requests that came, none of which is answered.
async fn hangs() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::<AtomicU32>::default());
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                count.fetch_add(1, Ordering::AcqRel);
                let mut bytes = [0; 4_096];
                while line.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    (port, asked)
}

async fn is_asked(asked: &AtomicU32, times: u32) {
    let began = Instant::now();
    while asked.load(Ordering::Acquire) < times {
        assert!(began.elapsed() < WITHIN, "nobody asks for the {times}. time within {WITHIN:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn reads_otherwise(folder: &Folder, name: &str) {
    let text = fs::read_to_string(super::file(folder, "so-doc/agency.toml")).unwrap();
    let (head, rest) = text.split_once("name_en = ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    super::written(folder, "so-doc/agency.toml", &format!("{head}name_en = \"{name}\"\n{rest}"));
}

async fn a_turn_that_hangs_holds_up_nobody(backend: Backend) {
    let (port, asked) = hangs().await;
    let folder = reading(backend, "reload-hangs", &[("PORT", port.to_string())]);
    // For longer than a generation that ends is waited for.
    changed(&folder, "so-doc/agency.toml", "answer_seconds = 5", "answer_seconds = 60");
    let key = folder.key("agency:so-doc");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    is_asked(&asked, 1).await;
    let began = Instant::now();
    reads_otherwise(&folder, "One");
    let first = changes(&hub, &sender).await;
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    // The next one waits for what hangs, and everybody else for nothing; then it is read again.
    reads_otherwise(&folder, "Two");
    hub.signal("HUP");
    hub.signal("HUP");
    let mut slowest = Duration::ZERO;
    while standing(&sender).await["hash"] == first["hash"] {
        let asking = Instant::now();
        sender.found("/v1/pollers").await;
        slowest = slowest.max(asking.elapsed());
        assert!(began.elapsed() < WITHIN, "the second is not in force");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(slowest < SOON, "somebody waited {slowest:?}");
    is_asked(&asked, 2).await;
    assert!(folder.log().contains("broken off"), "{}", folder.log());
    // Told to end while it is to reload, it ends.
    reads_otherwise(&folder, "Three");
    hub.signal("HUP");
    hub.signal("TERM");
    hub.signal("HUP");
    hub.ends();
    folder.verify();
}

async fn a_message_under_way_ends_by_the_mapping_that_it_began_with(backend: Backend) {
    let agency = Agency::new(|_, _| Reply::After(Duration::from_millis(1_500))).await;
    let folder = office(backend, "reload-under-way", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (hub, sender, operator) = started(&folder).await;
    // A request whose body is half there when the configuration changes, and a delivery that is
    // under way.
    stores(&sender, CHANNEL, "U-1").await;
    let began = Instant::now();
    while agency.seen().is_empty() {
        assert!(began.elapsed() < WITHIN, "nothing is delivered");
        sleep(Duration::from_millis(5)).await;
    }
    let body = record("U-2");
    let (first, rest) = body.split_at(20);
    let address = hub.url.strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/channels/{CHANNEL}/messages HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: U-2\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        sender.key,
        body.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(first).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    named(&folder, 1);
    changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "U-3").await;
    line.write_all(rest).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"stored\""), "{answer}");
    for (id, name) in [("U-1", 0), ("U-2", 0), ("U-3", 1)] {
        assert_eq!(procedure(&sender, id).await, NAMES[name], "{id}");
    }
    settled(&operator, "so-nhan.nhan").await;
    let taken = agency.taken();
    assert_eq!((taken.len(), agency.count()), (3, 3), "each is delivered once");
    hub.stop();
    folder.verify();
}
