//! The broker is to prove itself before anything is published (trust M8, M9), and may be spoken to
//! over TLS.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    PUBLISHED_MAX, accepts, bus, found_away, ids, publishing, read, settles, verified, with_broker,
};
use crate::{
    backend::Backend,
    delivery::certificates::certificates,
    harness::{Folder, Hub, seed},
    permutations::{AGENCY, Message, dossier},
    polls::foreign::Broker,
};

/// Takes what comes to a queue before anybody else, and keeps it unacknowledged.
const TAKER: &str = "
import sys, pika
channel = pika.BlockingConnection(pika.URLParameters(sys.argv[1])).channel()
channel.basic_consume(sys.argv[2], lambda *_: None, arguments={'x-priority': 10})
print('takes', flush=True)
channel.start_consuming()
";

/// Somebody who consumes what is not his; gone at the end.
struct Taker(Child);

impl Taker {
    fn of(broker: &Broker, queue: &str) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", TAKER, &broker.address, queue]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "takes\n");
        Self(child)
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Closes the connections of the hub, and no others.
fn close_the_hubs(broker: &Broker) {
    let all = broker.control(&["list_connections", "pid", "client_properties"]);
    for line in all.lines().filter(|line| line.contains("\"lienthong\"")) {
        let (pid, _) = line.split_once('\t').unwrap();
        broker.control(&["close_connection", pid, "test"]);
    }
}

fn messages(dossiers: std::ops::Range<u64>) -> Vec<Message> {
    dossiers.flat_map(|one| dossier(seed(20_261_202), one)).collect()
}

/// Whether the broker's feed has just what the hub told.
async fn has_all(folder: &Folder, (hub, portal): (&Hub, &str), broker: &Broker) {
    let told = ids(&hub.sender(portal).feed("records", 1_000).await);
    let found = read(folder, broker, "first");
    assert_eq!(ids(found.iter().map(|(_, event)| event)), told);
    assert!(verified(folder, 0).contains("the broker has every event"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_canaries_do_not_come_out_nothing_is_published_and_then_all_is() {
    let broker = Broker::start();
    let folder = with_broker(Backend::Sqlite, "bus-canary", &broker);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&agency);
    accepts(&sender, &messages(0..5)).await;
    settles(&sender).await;
    let published = bus(&sender).await["position"].as_u64();
    // Dead letters go to somebody else, and the hub has to connect anew.
    let taker = Taker::of(&broker, "lienthong.canary.dead");
    close_the_hubs(&broker);
    let began = Instant::now();
    let standing = loop {
        let standing = found_away(&sender).await;
        if standing["trouble"]["code"] == "bus-canary" {
            break standing;
        }
        assert!(began.elapsed() < PUBLISHED_MAX, "{standing}");
        sleep(Duration::from_millis(100)).await;
    };
    assert!(standing["trouble"]["vi"].as_str().unwrap().contains("Thông điệp thử"), "{standing}");
    accepts(&sender, &messages(5..10)).await;
    sleep(Duration::from_secs(2)).await;
    let standing = bus(&sender).await;
    assert_eq!(standing["position"].as_u64(), published, "{standing}");
    assert!(standing["behind"].as_u64() > Some(0) && standing["up"] == false, "{standing}");
    drop(taker);
    settles(&sender).await;
    has_all(&folder, (&hub, &portal), &broker).await;
    hub.stop();
}

/// A policy may say otherwise than the hub declared, and the exchange of dead letters may be
/// deleted: what was declared holds, and is made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn policies_that_say_otherwise_and_an_exchange_that_is_missing_lose_nothing() {
    let broker = Broker::start();
    let folder = with_broker(Backend::Sqlite, "bus-policies", &broker);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&agency);
    accepts(&sender, &messages(0..5)).await;
    settles(&sender).await;
    let otherwise = "{\"dead-letter-exchange\":\"nowhere\",\"dead-letter-routing-key\":\"nobody\",\
                     \"dead-letter-strategy\":\"at-most-once\",\"overflow\":\"drop-head\",\
                     \"max-length\":0,\"message-ttl\":0,\"delivery-limit\":1}";
    let policy = ["set_policy", "otherwise", "^lienthong", otherwise, "--apply-to", "queues"];
    broker.control(&policy);
    broker.control(&[
        "eval",
        "rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>, exchange, \
                      <<\"lienthong.dead\">>), false, <<\"test\">>).",
    ]);
    assert!(!broker.control(&["list_exchanges", "name"]).contains("lienthong.dead"));
    broker.control(&["close_all_connections", "test"]);
    accepts(&sender, &messages(5..10)).await;
    settles(&sender).await;
    assert!(broker.control(&["list_exchanges", "name"]).contains("lienthong.dead"));
    has_all(&folder, (&hub, &portal), &broker).await;
    hub.stop();
}

/// `amqps`: an authority of the machine's own is trusted, what has run out is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_tls_a_certificate_that_ran_out_is_told_and_a_good_one_is_published_to() {
    let folder = Backend::Sqlite.folder("bus-tls");
    let place = certificates(&folder);
    let with = |name: &str| fs::copy(place.join(name), place.join("server.pem")).unwrap();
    with("old.pem");
    let broker = Broker::secure(&place);
    let folder = publishing(folder, &broker);
    let secrets = format!("truc = \"{}\"\n", broker.secure_address());
    fs::write(folder.path().join("secrets.toml"), secrets).unwrap();
    let agency = folder.key(AGENCY);
    let trusted = place.join("authority.pem");
    let hub = Hub::start_among(&folder, &[("SSL_CERT_FILE", &trusted)]).await;
    let sender = hub.sender(&agency);
    accepts(&sender, &messages(0..3)).await;
    let standing = found_away(&sender).await;
    assert!(standing.to_string().to_lowercase().contains("certificate"), "{standing}");
    assert_eq!(standing["position"], 0, "{standing}");
    with("new.pem");
    broker.kill();
    broker.resume();
    settles(&sender).await;
    assert!(!folder.log().contains("lienthong:"), "a secret is in the log");
    tls_alone(&broker);
    hub.stop();
    // What is there is all that was told, for who reads it without TLS at the other port.
    assert_eq!(read(&folder, &broker, "first").len(), messages(0..3).len());
}

/// The hub's connections are encrypted, all of them.
fn tls_alone(broker: &Broker) {
    let told = broker.control(&["list_connections", "ssl"]);
    let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| *line != "ssl").collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| *line == "true"), "{told}");
}
