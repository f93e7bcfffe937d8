//! A process stands still (SIGSTOP, a machine that pauses) and wakes up as if no time had passed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{Doors, Together, ask, deliver, wait_until};
use crate::{
    harness::{Hub, Random, Sender, seed},
    permutations::dossier,
};

const PROCESSES: usize = 3;
/// Clients of each process.
const CLIENTS: u64 = 3;
/// A client's rest between messages: agencies do not send without end.
const REST: Duration = Duration::from_millis(3);
/// Times a process is stopped until it holds the journal's end.
const STOPS_MAX: u32 = 400;
/// Messages that others must take, to say that they go on.
const MORE: u64 = 100;
/// How long a process that woke up has to do something wrong.
const WHILE: Duration = Duration::from_secs(5);

/// What the clients of one process share.
#[derive(Default)]
struct Count {
    acknowledged: AtomicU64,
    turned_away: AtomicU64,
}

impl Count {
    fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }
}

/// An agency's system that knows one process, and waits for it.
async fn client(
    url: String,
    mut sender: Sender,
    (seed, number): (u64, u64),
    count: Arc<Count>,
    over: Arc<AtomicBool>,
) -> Vec<String> {
    let mut random = Random::new(seed ^ number);
    let mut acknowledged = Vec::new();
    for turn in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let mut messages = dossier(seed, turn * CLIENTS * PROCESSES as u64 + number);
        random.shuffle(&mut messages);
        for message in messages {
            let told = deliver(&mut sender, &message, |_| url.clone()).await;
            told.assert_honest();
            count.turned_away.fetch_add(told.turned_away().into(), Ordering::Relaxed);
            count.acknowledged.fetch_add(1, Ordering::Relaxed);
            acknowledged.push(message.id);
            tokio::time::sleep(REST).await;
        }
    }
    acknowledged
}

/// Stops a process at a moment at which it has a transaction open that holds the journal's end,
/// and the server waits for its next statement.
fn stop_with_the_end_in_hand(together: &Together, hub: &Hub, random: &mut Random) {
    let holding = "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
                   WHERE a.state = 'idle in transaction' AND a.datname = current_database()
                     AND a.state_change < clock_timestamp() - interval '150 milliseconds'
                     AND l.relation = 'lienthong.head'::regclass AND l.mode = 'RowShareLock'";
    for _ in 0..STOPS_MAX {
        hub.signal("STOP");
        std::thread::sleep(Duration::from_millis(200));
        if together.number(holding) > 0 {
            return;
        }
        hub.signal("CONT");
        std::thread::sleep(Duration::from_millis(random.between(5, 60)));
    }
    panic!("it was never stopped with the journal's end in hand");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_stopped_beyond_its_lease_holds_up_nobody_and_writes_nothing_stale() {
    let seed = seed(20_240_709);
    let mut together = Together::new("stopped", PROCESSES);
    let hubs = together.start().await;
    let doors = Doors::of(&hubs);
    let over = Arc::new(AtomicBool::new(false));
    let counts: Vec<Arc<Count>> = hubs.iter().map(|_| Arc::default()).collect();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS * PROCESSES as u64 {
        let process = number as usize % PROCESSES;
        let (url, sender) = (doors.url(process), hubs[process].sender(&together.key));
        let (count, over) = (counts[process].clone(), over.clone());
        clients.spawn(client(url, sender, (seed, number), count, over));
    }
    let rolling = |hub: &&Hub| hub.pid() == together.roller().0;
    wait_until("someone rolls up", || together.number(LEASES) == 1);
    let roller = hubs.iter().find(rolling).unwrap();
    let place = hubs.iter().position(|hub| hub.pid() == roller.pid()).unwrap();
    let (_, token) = together.roller();
    stop_with_the_end_in_hand(&together, roller, &mut Random::new(seed));
    let accepted = || -> Vec<u64> { counts.iter().map(|one| one.acknowledged()).collect() };
    let before = accepted();
    wait_until("the others go on accepting", || {
        let pairs = accepted().into_iter().zip(&before).enumerate();
        pairs.filter(|(number, _)| *number != place).all(|(_, (now, then))| now > then + MORE)
    });
    wait_until("another process rolls up", || together.roller().1 > token);
    let (follower, token) = together.roller();
    assert_ne!(follower, roller.pid());
    let (size, _) = together.ends();
    wait_until("the rollups go on", || together.ends().1 >= size);
    assert_eq!(accepted()[place], before[place], "one that stands still acknowledges");
    roller.signal("CONT");
    wait_until("the one that was stopped serves again", || {
        accepted()[place] > before[place] + MORE
    });
    std::thread::sleep(WHILE);
    assert_eq!(together.roller(), (follower, token), "who woke up has taken the lease back");
    over.store(true, Ordering::Relaxed);
    let acknowledged: Vec<String> = clients.join_all().await.into_iter().flatten().collect();
    let turned_away: Vec<u64> =
        counts.iter().map(|one| one.turned_away.load(Ordering::Relaxed)).collect();
    println!("{} messages; turned away at each process: {turned_away:?}", acknowledged.len());
    hubs.into_iter().for_each(Hub::stop);
    together.all_there_once(&acknowledged);
    let held = "SELECT count(*) FROM lienthong.leases WHERE ends_at > clock_timestamp()";
    assert_eq!(ask(&together.database, held), "0", "the last one gives its lease up");
}

const LEASES: &str = "SELECT count(*) FROM lienthong.leases WHERE name = 'rollups'";
