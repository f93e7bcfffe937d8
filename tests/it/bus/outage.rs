//! M1: a broker that is away for more attempts than the client library would make.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{accepts, bus, read, settles, with_broker};
use crate::{
    backend::Backend,
    harness::{Hub, seed},
    permutations::{AGENCY, Message, dossier},
    polls::foreign::Broker,
};

/// The library gives up after 16; the hub rests 10 s at most between two.
const ATTEMPTS: u32 = 18;
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(240);

/// What stands between the hub and its broker.
#[derive(Default)]
struct Between {
    open: AtomicBool,
    turned_away: AtomicU32,
}

async fn relay(listener: TcpListener, broker: String, between: Arc<Between>) {
    while let Ok((mut client, _)) = listener.accept().await {
        if !between.open.load(Ordering::Acquire) {
            between.turned_away.fetch_add(1, Ordering::AcqRel);
            continue;
        }
        let broker = broker.clone();
        tokio::spawn(async move {
            let mut server = TcpStream::connect(broker).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outage_of_more_attempts_than_the_library_would_make_ends_by_itself() {
    let broker = Broker::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (user, real) = broker.address.split_once('@').unwrap();
    let between = Arc::<Between>::default();
    let real = real.trim_end_matches("/%2f").to_owned();
    tokio::spawn(relay(listener, real, between.clone()));
    let folder = with_broker(Backend::Sqlite, "bus-outage", &broker);
    let secret = format!("truc = \"{user}@{place}/%2f\"\n");
    fs::write(folder.path().join("secrets.toml"), secret).unwrap();
    let agency = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&agency);
    let seed = seed(20_261_203);
    let messages: Vec<Message> = (0..5).flat_map(|one| dossier(seed, one)).collect();
    accepts(&sender, &messages).await;
    let began = Instant::now();
    let turned_away = || between.turned_away.load(Ordering::Acquire);
    while turned_away() < ATTEMPTS {
        assert!(began.elapsed() < ATTEMPTS_WITHIN, "{} attempts", turned_away());
        sleep(Duration::from_millis(200)).await;
    }
    let standing = bus(&sender).await;
    assert_eq!((&standing["position"], &standing["up"]), (&0.into(), &false.into()));
    let code = standing["trouble"]["code"].as_str().unwrap();
    assert!(["cannot-connect", "connection-lost"].contains(&code), "{standing}");
    println!("{} attempts in {:?}", turned_away(), began.elapsed());
    between.open.store(true, Ordering::Release);
    settles(&sender).await;
    assert_eq!(read(&folder, &broker, "first").len(), messages.len());
    hub.stop();
}
