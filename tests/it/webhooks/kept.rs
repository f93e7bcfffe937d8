//! Subscriptions go along when a log moves to another store, and are restored with a backup.

use serde_json::json;

use super::{ids, office, standing, stands, started, subscribe, taken, takes, tell};
use crate::{
    backend::{Backend, on_each_store},
    cluster,
    delivery::agency::{Agency, Reply},
    harness::Hub,
    lienthong::{run, stderr},
};

on_each_store!(what_was_restored_goes_on_under_the_new_log);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscription_moves_with_its_log_and_goes_on_where_it_stood() {
    let folder = office(Backend::Sqlite, "webhooks-moved");
    let (hub, agency, _) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, secret) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..5).await;
    takes(&receiver, 5).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    receiver.does(|_, _| Reply::Says(500, "", ""));
    tell(&agency, "so-gui", 5..10).await;
    stands(&agency, &id, |one| one["failed_attempts"].as_u64() > Some(0)).await;
    hub.stop();
    let (from, to) = (folder.store_address(), cluster::database("webhooks-moved"));
    let told = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    receiver.does(|_, _| Reply::TAKEN);
    let folder = folder.with_store(to);
    let hub = Hub::start(&folder).await;
    let agency = agency.at(&hub.url);
    takes(&receiver, 10).await;
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    assert_eq!(one["state"], "active");
    assert_eq!(taken(&receiver), ids(&agency, "records").await);
    // Its secret is the same: it was opened at the other store.
    assert_eq!(super::checked(&secret, &receiver.taken()), taken(&receiver));
    hub.stop();
    folder.verify();
}

async fn what_was_restored_goes_on_under_the_new_log(backend: Backend) {
    let folder = office(backend, "webhooks-restored");
    let (hub, agency, _) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, secret) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..5).await;
    takes(&receiver, 5).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    let copy = folder.path().join("ban-sao");
    let made = folder.run(&["backup", copy.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    // What comes behind the backup is sent, and lost with the store.
    tell(&agency, "so-gui", 5..8).await;
    takes(&receiver, 8).await;
    let lost = ids(&agency, "records").await;
    hub.stop();
    let folder = match backend {
        Backend::Sqlite => folder.with_store("sqlite:khac.db".to_owned()),
        Backend::Postgres => folder.with_store(cluster::database("webhooks-restored-2")),
    };
    let made = folder.run(&["restore", copy.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let hub = Hub::start(&folder).await;
    let agency = agency.at(&hub.url);
    tell(&agency, "so-gui", 8..11).await;
    takes(&receiver, 11).await;
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    assert_eq!(one["state"], "active");
    let (all, records) = (taken(&receiver), ids(&agency, "records").await);
    assert_eq!(all[..8], lost, "what was sent before");
    assert_eq!(all[8..], records[5..], "what was told anew, under names of the new log");
    assert!(all[8..].iter().all(|id| !lost.contains(id)));
    assert_eq!(super::checked(&secret, &receiver.taken()[8..]), records[5..]);
    assert_eq!(standing(&agency, &id).await["lag"], 0);
    hub.stop();
    folder.verify();
}
