//! Of several hubs one reads a channel at a time, and another goes on when it is killed.

use std::{
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

use super::reading;
use crate::{backend::Backend, cluster::psql, harness::Hub};

/// How long the agency takes to answer: nobody else may ask meanwhile.
const ANSWER: Duration = Duration::from_secs(2);
/// A turn runs out after 6 s; the others ask every second.
const FAILOVER_MAX: Duration = Duration::from_secs(15);

/// The agency's system: who asks it, and who asked.
#[derive(Default)]
struct Agency {
    asking: AtomicU32,
    asking_max: AtomicU32,
    asked: AtomicU32,
}

async fn serve(listener: TcpListener, agency: Arc<Agency>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(answer(socket, agency.clone()));
    }
}

async fn answer(mut socket: TcpStream, agency: Arc<Agency>) {
    let mut head = [0; 4_096];
    if socket.read(&mut head).await.unwrap_or(0) == 0 {
        return;
    }
    agency.asked.fetch_add(1, Ordering::AcqRel);
    let now = agency.asking.fetch_add(1, Ordering::AcqRel) + 1;
    agency.asking_max.fetch_max(now, Ordering::AcqRel);
    // Who is gone does not ask any more.
    let mut more = [0; 1];
    tokio::select! {
        () = sleep(ANSWER) => {}
        _ = socket.read(&mut more) => {}
    }
    agency.asking.fetch_sub(1, Ordering::AcqRel);
    let body = "{\"duLieu\":{\"hoSo\":[]}}";
    let length = body.len();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    let _ = socket.write_all(whole.as_bytes()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_hubs_one_reads_at_a_time_and_another_goes_on_when_it_is_killed() {
    let agency = Arc::<Agency>::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, agency.clone()));
    let folder = reading(Backend::Postgres, "polls-turns", &[("PORT", port.to_string())]);
    let mut hubs = Vec::new();
    for _ in 0..3 {
        hubs.push(Hub::start(&folder).await);
    }
    let asked = || agency.asked.load(Ordering::Acquire);
    let began = Instant::now();
    while asked() < 4 {
        assert!(began.elapsed() < Duration::from_secs(60), "{} requests", asked());
        sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..2 {
        // The one whose request is under way.
        while agency.asking.load(Ordering::Acquire) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        let reader =
            psql(folder.address(), "SELECT split_part(holder, ' ', 2) FROM lienthong.pollers");
        let place = hubs.iter().position(|hub| hub.pid().to_string() == reader).unwrap();
        hubs.remove(place).kill9();
        let (before, died) = (asked(), Instant::now());
        while asked() == before {
            assert!(died.elapsed() < FAILOVER_MAX, "nobody has read for {:?}", died.elapsed());
            sleep(Duration::from_millis(20)).await;
        }
        println!("another reads after {:?}", died.elapsed());
    }
    assert_eq!(agency.asking_max.load(Ordering::Acquire), 1, "two have read at once");
    hubs.into_iter().for_each(Hub::stop);
}
