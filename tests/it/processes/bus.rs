//! Several processes on one broker: one of them publishes, and when it is gone or stands still,
//! another goes on where it was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::{Client, Doors, Together, ask, wait_until};
use crate::{
    bus::{REMEMBERED, bus, ids, read, settles, verified},
    harness::{Hub, seed},
    polls::foreign::Broker,
};

const PROCESSES: usize = 3;
/// Two of each process.
const CLIENTS: u64 = 2 * PROCESSES as u64;
/// A client's rest between messages: agencies do not send without end.
const REST: Duration = Duration::from_millis(10);
/// How long nobody may publish after the one who did is gone: its turn runs out after 6 s, the
/// others ask every second, and whoever follows proves the broker first.
const FAILOVER_MAX: Duration = Duration::from_secs(20);
/// How long a process that woke up has to do something wrong.
const WHILE: Duration = Duration::from_secs(5);

/// Who publishes: the process, the token of its turn, and how far it is.
fn publishing(together: &Together) -> (u32, u64, u64) {
    let sql = "SELECT split_part(holder, ' ', 2) || ' ' || token || ' ' || position
               FROM lienthong.published";
    let told = ask(&together.database, sql);
    let numbers: Vec<u64> = told.split(' ').map(|one| one.parse().unwrap()).collect();
    (numbers[0].try_into().unwrap(), numbers[1], numbers[2])
}

/// Waits until another turn than one has moved beyond a position; gives how long that took.
fn another_goes_on(together: &Together, (process, token, position): (u32, u64, u64)) -> Duration {
    let began = Instant::now();
    wait_until("another process publishes", || {
        let now = publishing(together);
        now.0 != process && now.1 > token && now.2 > position
    });
    let took = began.elapsed();
    assert!(took < FAILOVER_MAX, "nobody published for {took:?}");
    took
}

/// Each process says how it stands: one of them publishes.
async fn one_publishes(hubs: &[Hub], key: &str) {
    let mut states = Vec::new();
    for hub in hubs {
        states.push(bus(&hub.sender(key)).await["state"].as_str().unwrap().to_owned());
    }
    states.sort();
    assert_eq!(states, ["elsewhere", "elsewhere", "publishing"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_process_publishes_and_another_goes_on_when_it_is_killed_or_stands_still() {
    let seed = seed(20_261_201);
    let broker = Broker::start();
    let mut together = Together::new("bus_turns", PROCESSES).publishing(&broker);
    let portal = together.folders[0].key("portal");
    let mut hubs = together.start().await;
    let doors = Doors::of(&hubs);
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let sender = hubs[0].sender(&together.key);
        let client = Client { number, of: CLIENTS, seed, rest: REST };
        clients.spawn(client.sends(doors.clone(), sender, over.clone()));
    }
    sleep(REMEMBERED).await;
    one_publishes(&hubs, &together.key).await;
    let place = |hubs: &[Hub], process| hubs.iter().position(|hub| hub.pid() == process).unwrap();
    // The one who publishes dies; it is started again.
    let first = publishing(&together);
    let dead = place(&hubs, first.0);
    hubs[dead].kill9();
    let killed = another_goes_on(&together, first);
    hubs[dead] = Hub::start(&together.folders[dead]).await;
    doors.open(dead, &hubs[dead].url);
    // The one who publishes now stands still, and wakes up when another has gone on.
    let second = publishing(&together);
    let still = place(&hubs, second.0);
    hubs[still].signal("STOP");
    let stopped = another_goes_on(&together, second);
    let (follower, token, position) = publishing(&together);
    hubs[still].signal("CONT");
    let woke = Instant::now();
    let mut last = position;
    while woke.elapsed() < WHILE {
        let now = publishing(&together);
        assert_eq!((now.0, now.1), (follower, token), "who woke up has taken the turn");
        assert!(now.2 >= last, "the position went back from {last} to {}", now.2);
        last = now.2;
        sleep(Duration::from_millis(50)).await;
    }
    assert!(last > position, "who publishes was held up by the one that woke");
    one_publishes(&hubs, &together.key).await;
    over.store(true, Ordering::Relaxed);
    let sent = clients.join_all().await.into_iter();
    let acknowledged: Vec<String> = sent.flat_map(|(acknowledged, _)| acknowledged).collect();
    println!("{} messages; another went on after {killed:?} and {stopped:?}", acknowledged.len());
    settles(&hubs[0].sender(&together.key)).await;
    let told = ids(&hubs[1].sender(&portal).feed("records", 1_000).await);
    let found = read(&together.folders[0], &broker, "first");
    assert_eq!(ids(found.iter().map(|(_, event)| event)), told, "seed {seed}");
    assert!(verified(&together.folders[0], 0).contains("the broker has every event"));
    // One that ends in order is followed at once.
    let last = publishing(&together).0;
    let leaving = hubs.remove(place(&hubs, last));
    tokio::task::spawn_blocking(move || leaving.stop()).await.unwrap();
    let began = Instant::now();
    wait_until("another has the turn", || publishing(&together).0 != last);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    hubs.into_iter().for_each(Hub::stop);
    together.all_there_once(&acknowledged);
}
