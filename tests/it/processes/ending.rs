//! A hub that is told to end: what is under way is answered, what comes is put off, and it is over
//! in time, whoever is stuck.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::wait_until;
use crate::{
    backend::Backend,
    cluster::{Cluster, database, psql as ask},
    harness::{Folder, Hub, signal},
    permutations::{AGENCY, CHANNEL, dossier},
};

/// The hub promises 10 s; the rest is for a machine that is busy.
const END_MAX: Duration = Duration::from_secs(15);
/// Far less than a hub waits for what does not come to an end.
const AT_ONCE: Duration = Duration::from_secs(4);
/// So that what was written to a socket has been read at the other end.
const READ: Duration = Duration::from_millis(400);

/// A connection on which a test says what it likes.
struct Line(TcpStream);

impl Line {
    fn to(hub: &Hub) -> std::io::Result<Self> {
        let host = hub.url.strip_prefix("http://").unwrap();
        let address = host.to_socket_addrs()?.next().unwrap();
        let stream = TcpStream::connect_timeout(&address, END_MAX)?;
        stream.set_read_timeout(Some(END_MAX))?;
        Ok(Self(stream))
    }

    fn says(&mut self, text: &[u8]) {
        self.0.write_all(text).unwrap();
    }

    /// Everything that is answered until the other side closes; a reset counts as its end.
    fn hears(&mut self) -> String {
        let mut heard = Vec::new();
        let _ = self.0.read_to_end(&mut heard);
        String::from_utf8(heard).unwrap()
    }
}

/// The beginning of a push, up to its body.
fn head(key: &str, id: &str, bytes: usize) -> String {
    format!(
        "POST /v1/channels/{CHANNEL}/messages HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {key}\
         \r\nIdempotency-Key: {id}\r\nContent-Length: {bytes}\r\n\r\n"
    )
}

#[track_caller]
fn asks_to_come_again(answer: &str) {
    let lower = answer.to_ascii_lowercase();
    assert!(lower.starts_with("http/1.1 503 "), "{answer}");
    for told in ["\r\nretry-after: ", "application/problem+json", "\"code\":\"later\""] {
        assert!(lower.contains(told), "{told} in {answer}");
    }
}

/// Tells a hub to end and waits until it takes no connection any more.
fn told_to_end(hub: &Hub) -> Instant {
    let began = Instant::now();
    hub.signal("TERM");
    wait_until("no new connection is taken", || Line::to(hub).is_err());
    began
}

/// One request is stuck half-sent, one is under way, one comes when the hub is ending.
async fn ends_in_order(folder: Folder) {
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let message = dossier(1, 0).remove(0).bytes;
    let (first, rest) = message.split_at(message.len() / 2);
    let mut stuck = Line::to(&hub).unwrap();
    stuck.says(head(&key, "stuck", message.len()).as_bytes());
    stuck.says(first);
    let mut under_way = Line::to(&hub).unwrap();
    under_way.says(head(&key, "under-way", message.len()).as_bytes());
    under_way.says(first);
    let coming_head = head(&key, "coming", message.len());
    let (early, late) = coming_head.split_at(40);
    let mut coming = Line::to(&hub).unwrap();
    coming.says(early.as_bytes());
    thread::sleep(READ);
    let began = told_to_end(&hub);
    coming.says(late.as_bytes());
    coming.says(&message);
    asks_to_come_again(&coming.hears());
    under_way.says(rest);
    let answer = under_way.hears();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"stored\""), "{answer}");
    asks_to_come_again(&stuck.hears());
    hub.ends();
    assert!(began.elapsed() < END_MAX, "it took {:?} to end", began.elapsed());
    // The rules, and the one message that was acknowledged.
    assert_eq!(folder.verify().entries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_told_to_end_answers_what_is_under_way_and_puts_off_what_comes() {
    ends_in_order(Folder::new("ending")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgres() {
    ends_in_order(Backend::Postgres.folder("ending_postgres")).await;
}

/// Sessions that wait for what another one holds.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Somebody has the journal's end in hand for some seconds.
fn end_held(database: &str, seconds: u32) -> Child {
    let holding =
        format!("BEGIN; SELECT FROM lienthong.head FOR UPDATE; SELECT pg_sleep({seconds}); COMMIT");
    let mut holder = Command::new("psql");
    holder.args(["-q", "-d", database, "-c", &holding]).stdout(Stdio::null());
    let holder = holder.spawn().unwrap();
    // Others have locks of that kind too: it is held when its holder sleeps over it.
    let held = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("the journal's end is held", || ask(database, held) == "1");
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_has_hung_up_is_finished_before_the_end() {
    let database = database("hung_up");
    let folder = Folder::new("hung-up").with_store(database.clone());
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let mut holder = end_held(&database, 3);
    let message = dossier(3, 0).remove(0).bytes;
    let mut line = Line::to(&hub).unwrap();
    line.says(head(&key, "hung-up", message.len()).as_bytes());
    line.says(&message);
    wait_until("the message waits", || ask(&database, WAITING) == "1");
    drop(line);
    told_to_end(&hub);
    hub.ends();
    assert!(holder.wait().unwrap().success());
    assert_eq!(folder.verify().entries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_told_twice_ends_at_once() {
    let folder = Folder::new("twice");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let mut stuck = Line::to(&hub).unwrap();
    stuck.says(head(&key, "stuck", 100).as_bytes());
    thread::sleep(READ);
    told_to_end(&hub);
    let again = Instant::now();
    hub.signal("TERM");
    hub.ends();
    assert!(again.elapsed() < AT_ONCE, "it took {:?} to end", again.elapsed());
}

/// A server all of whose processes stand still: it takes connections and never answers. They go
/// on when it is dropped.
struct Standing(Vec<u32>);

impl Standing {
    /// Stops the server whose data lie in a folder.
    fn of(data: &Path) -> Self {
        let file = fs::read_to_string(data.join("postmaster.pid")).unwrap();
        let postmaster: u32 = file.lines().next().unwrap().parse().unwrap();
        // The one that starts others first, so that none is missed.
        assert!(signal(postmaster, "STOP"), "there is no process {postmaster}");
        let mut standing = Self(vec![postmaster]);
        for entry in fs::read_dir("/proc").unwrap() {
            let name = entry.unwrap().file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if parent(process) == Some(postmaster) && signal(process, "STOP") {
                standing.0.push(process);
            }
        }
        standing
    }
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

impl Drop for Standing {
    fn drop(&mut self) {
        for process in &self.0 {
            // One that had just ended when the others were stopped is gone by now.
            signal(*process, "CONT");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_server_does_not_answer_is_not_ready_and_ends_in_time() {
    let server = Cluster::start(&[]).unwrap();
    let database = server.database("standing");
    let folder = Folder::new("standing").with_store(database.clone());
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let messages = dossier(2, 0);
    let stored = sender.push(CHANNEL, Some("first"), &messages[0].bytes).await.unwrap();
    assert_eq!(stored.0, 200, "{}", stored.1);
    assert_eq!(sender.get("/readyz").await.0, 200);
    // The server stops in the middle of a statement: nobody will ever answer that one.
    let mut holder = end_held(&database, 600);
    let mut under_way = Line::to(&hub).unwrap();
    under_way.says(head(&key, "second", messages[0].bytes.len()).as_bytes());
    under_way.says(&messages[0].bytes);
    wait_until("the message waits", || ask(&database, WAITING) == "1");
    let standing = Standing::of(&server.path("data"));
    let asked = Instant::now();
    let mut ready = Line::to(&hub).unwrap();
    ready.says(b"GET /readyz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
    let answer = ready.hears().to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    assert!(asked.elapsed() < AT_ONCE, "a balancer waits {:?}", asked.elapsed());
    let began = told_to_end(&hub);
    asks_to_come_again(&under_way.hears());
    hub.ends();
    assert!(began.elapsed() < END_MAX, "it took {:?} to end", began.elapsed());
    drop(standing);
    holder.kill().unwrap();
    holder.wait().unwrap();
    // The rules, and the one message that was acknowledged.
    assert_eq!(folder.verify().entries, 2);
}
