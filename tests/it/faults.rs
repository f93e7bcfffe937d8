//! PostgreSQL fails its hub in every way we know, under load. Each time: nothing acknowledged is
//! lost and nothing counts twice; every question is answered, if only by "come again"; the hub's
//! memory stays bounded; its log says what is wrong and names nobody; and when the fault is over
//! the hub goes on by itself.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    corpus::AGENCIES,
    harness::{Folder, Hub, Verified, seed},
    load::{Asked, Load, Process},
    permutations::AGENCY,
};

mod commits;
pub(crate) mod disks;
mod killed;
mod lines;
mod network;
pub(crate) mod proxy;
mod sessions;
mod statements;

use proxy::Proxy;

const SENDERS: u64 = 4;
/// The most memory that the hub may ever have held.
const PEAK_KIB_MAX: u64 = 256 * 1024;
/// How long any answer may take, whatever the server does.
const ANSWER_MAX: Duration = Duration::from_secs(18);
/// How long the hub may take to go on once the fault is over.
const BACK_MAX: Duration = Duration::from_secs(30);

/// A hub on a server of its own, and a line between them where the test wants one.
struct Bed {
    server: Cluster,
    proxy: Proxy,
    /// The hub's database, past the line.
    database: String,
    folder: Folder,
    key: String,
    hub: Hub,
    seed: u64,
}

impl Bed {
    /// None, and why in words, where this machine cannot give the server what it is to have.
    async fn new(name: &str, options: &[&str]) -> Option<Self> {
        Self::begin(name, options, |_, database| database.to_owned()).await
    }

    /// The same with a line between hub and server that can fail.
    async fn with_line(name: &str) -> Option<Self> {
        Self::begin(name, &[], Proxy::by_way).await
    }

    async fn begin(
        name: &str,
        options: &[&str],
        address: impl FnOnce(&Proxy, &str) -> String,
    ) -> Option<Self> {
        let seed = seed(20_241_125);
        let server = match Cluster::start(options) {
            Ok(server) => server,
            Err(why) => {
                println!("SKIPPED, as a small disk is made by root alone: {why}");
                return None;
            }
        };
        let proxy = Proxy::to(server.port()).await;
        let database = server.database(name);
        let address = address(&proxy, &database);
        let folder = Folder::of(&format!("faults-{name}"), AGENCIES).with_store(address);
        let key = folder.key(AGENCY);
        let hub = Hub::start(&folder).await;
        Some(Self { server, proxy, database, folder, key, hub, seed })
    }

    fn load(&self) -> Load {
        Load::start(&self.folder, &self.hub, &self.key, (SENDERS, self.seed, Process::Stays))
    }

    /// What the hub's database tells the server's superuser.
    fn order(&self, sql: &str) -> String {
        self.server.order(&self.database, sql)
    }

    /// Ends all sessions of the hub as an operator would; gives how many there were.
    fn terminate(&self) -> u32 {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE application_name = 'lienthong'";
        self.order(sql).parse().unwrap()
    }

    /// Ends the load; the hub must have kept its word and its composure. `words` are what its log
    /// must say for its operator to know what was wrong.
    async fn ends(self, load: Load, words: &[&str]) -> Verified {
        load.goes_on(40, BACK_MAX).await;
        let met = load.stop().await;
        let Asked { answered, turned_away, slowest } = met.asked.clone();
        println!(
            "{} attempts turned away, {} of them stored; {answered} questions answered, \
             {turned_away} turned away, the slowest in {slowest:?}; at most {} KiB",
            met.turned_away,
            met.repeated,
            self.hub.peak_kib()
        );
        assert!(slowest < ANSWER_MAX, "an answer took {slowest:?}");
        assert!(self.hub.peak_kib() < PEAK_KIB_MAX, "{} KiB", self.hub.peak_kib());
        self.log_says(words);
        met.told.holds(&self.folder, self.hub, &self.key).await
    }

    /// The log names the fault, and nobody whom an agency told of.
    fn log_says(&self, words: &[&str]) {
        let log = self.folder.log();
        for word in words {
            assert!(log.contains(word), "the log does not say `{word}`:\n{log}");
        }
        let never = ["Nguyễn Thị", "270999071", "0900000171", "tổ 31", "panicked"];
        for word in never.into_iter().chain([self.key.as_str()]) {
            assert!(!log.contains(word), "the log says `{word}`:\n{log}");
        }
        let password = self.database.split(['@', ':']).nth(2).unwrap();
        assert!(!log.contains(password), "the log tells the password of the database");
    }
}
