//! What waits to be delivered goes along when a log moves to another store.

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, line, office, send, stands, started,
};
use crate::{
    backend::Backend,
    cluster,
    harness::Hub,
    lienthong::{run, stderr},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_and_what_was_given_up_moves_with_the_log_and_is_delivered_once() {
    let agency = Agency::new(|seen, _| match seen.subject() {
        "M-0" => Reply::Says(422, "", ""),
        "M-1" => Reply::TAKEN,
        _ => Reply::Says(503, "", ""),
    })
    .await;
    let endpoint = at(&agency.url);
    let folder = office(Backend::Sqlite, "delivery-moved", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let (hub, sender, operator) = started(&folder).await;
    let lines: String = (0..4).map(|number| line(&format!("M-{number}"), 1, "MOI")).collect();
    send(&sender, "m-1", &lines).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 2 && one["dead"] == 1).await;
    assert_eq!(folder.run(&["pause", "so-nhan.nhan"]).status.code(), Some(0));
    hub.stop();
    let (from, to) = (folder.store_address(), cluster::database("delivery-moved"));
    let told = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    agency.does(|_, _| Reply::TAKEN);
    let folder = folder.with_store(to);
    let hub = Hub::start(&folder).await;
    let operator = operator.at(&hub.url);
    let one = stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 2).await;
    assert_eq!((&one["decided"]["state"], &one["dead"]), (&"paused".into(), &1.into()), "{one}");
    assert_eq!(folder.run(&["resume", "so-nhan.nhan"]).status.code(), Some(0));
    assert_eq!(folder.run(&["dead", "replay"]).status.code(), Some(0));
    agency.takes(4, WITHIN).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0 && one["dead"] == 0).await;
    assert_eq!(agency.taken().len(), 4, "each once");
    hub.stop();
    folder.verify();
}
