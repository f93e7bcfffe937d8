//! M1: a broker that is away for more attempts than the client library would make.

use std::{
    fs,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{accepts, bus, read, settles, with_broker};
use crate::{
    backend::Backend,
    faults::proxy::{Line, Proxy},
    harness::seed,
    permutations::{AGENCY, Message, dossier},
    polls::foreign::Broker,
    preload::Preload,
};

/// The library gives up after 16; the hub rests 10 s at most between two.
const ATTEMPTS: u64 = 18;
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(240);
/// So often the hub is told that it has rested, so much at a time: nobody has to wait for it.
const LOOKS: Duration = Duration::from_millis(200);
const RESTED: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outage_of_more_attempts_than_the_library_would_make_ends_by_itself() {
    let broker = Broker::start();
    let (line, by_way) = Proxy::before(&broker.address).await;
    line.is(Line::Cut);
    let folder = with_broker(Backend::Sqlite, "bus-outage", &broker);
    fs::write(folder.path().join("secrets.toml"), format!("truc = \"{by_way}\"\n")).unwrap();
    let agency = folder.key(AGENCY);
    let preload = Preload::new(&folder);
    let hub = preload.start(&folder).await;
    let sender = hub.sender(&agency);
    let seed = seed(20_261_203);
    let messages: Vec<Message> = (0..5).flat_map(|one| dossier(seed, one)).collect();
    accepts(&sender, &messages).await;
    let began = Instant::now();
    while line.turned_away() < ATTEMPTS {
        assert!(began.elapsed() < ATTEMPTS_WITHIN, "{} attempts", line.turned_away());
        sleep(LOOKS).await;
        preload.passes(RESTED);
    }
    let standing = bus(&sender).await;
    assert_eq!((&standing["position"], &standing["up"]), (&0.into(), &false.into()));
    let code = standing["trouble"]["code"].as_str().unwrap();
    assert!(["cannot-connect", "connection-lost"].contains(&code), "{standing}");
    println!("{} attempts in {:?}", line.turned_away(), began.elapsed());
    line.is(Line::Whole);
    settles(&sender).await;
    assert_eq!(read(&folder, &broker, "first").len(), messages.len());
    hub.stop();
}
