//! Several hubs on one PostgreSQL: one of them sends, and when it is gone or stands still, another
//! goes on where it was.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::{ids, office, stands, started, subscribe, taken, takes, tell};
use crate::{
    backend::Backend,
    cluster::psql,
    delivery::agency::{Agency, Reply},
    harness::Hub,
};

/// How long nobody may send after the one who did is gone.
const FAILOVER_MAX: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_process_sends_and_another_goes_on_when_it_stands_still() {
    let folder = office(Backend::Postgres, "webhooks-two");
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (one, agency, _) = started(&folder).await;
    let other = Hub::start(&folder).await;
    let (id, _) = subscribe(&agency, &receiver.url, json!({})).await;
    for first in [0, 10, 20, 30] {
        let to = if first % 20 == 0 { &one.url } else { &other.url };
        tell(&agency.clone().at(to), "so-gui", first..first + 10).await;
    }
    takes(&receiver, 40).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    assert_eq!(taken(&receiver), ids(&agency, "records").await, "none twice");
    let sql = "SELECT split_part(holder, ' ', 2) FROM lienthong.webhook_turn";
    let holder: u32 = psql(folder.address(), sql).trim().parse().unwrap();
    let (sends, stays) = if holder == one.pid() { (one, other) } else { (other, one) };
    assert_eq!(holder, sends.pid());
    sends.signal("STOP");
    let (began, agency) = (Instant::now(), agency.at(&stays.url));
    tell(&agency, "so-gui", 40..50).await;
    takes(&receiver, 50).await;
    assert!(began.elapsed() < FAILOVER_MAX, "{:?}", began.elapsed());
    // It wakes, finds that the turn is another's, and moves nothing.
    sends.signal("CONT");
    tell(&agency, "so-gui", 50..60).await;
    takes(&receiver, 60).await;
    sleep(Duration::from_secs(2)).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    let mut all = taken(&receiver);
    all.dedup();
    assert_eq!(all, ids(&agency, "records").await, "in order");
    let now: u32 = psql(folder.address(), sql).trim().parse().unwrap();
    assert_eq!(now, stays.pid());
    sends.stop();
    stays.stop();
    folder.verify();
}
