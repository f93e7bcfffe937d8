//! What a hub writes itself is no part of its configuration, wherever it lies.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{CHANNEL, changes, named, standing, stores};
use crate::harness::{Folder, Hub};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_lies_beside_its_agencies_keeps_no_reload_from_being_taken() {
    let folder = Folder::of("reload-beside", &["tests/corpus/delivery"]);
    let folder = folder.with_store("sqlite:agencies/hub.db".to_owned());
    let key = folder.key("agency:so-gui");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let first = standing(&sender).await;
    // It grows all the while, and so do the files beside it.
    let (over, sends) = (Arc::new(AtomicBool::new(false)), sender.clone());
    let told = over.clone();
    let sending = tokio::spawn(async move {
        let mut number = 0;
        while !told.load(Ordering::Relaxed) {
            number += 1;
            stores(&sends, CHANNEL, &format!("D-{number}")).await;
        }
        number
    });
    for round in 0..3 {
        named(&folder, usize::from(round % 2 == 0));
        let told = changes(&hub, &sender).await;
        assert_eq!(told["hash"] != first["hash"], round % 2 == 0, "{told}");
    }
    over.store(true, Ordering::Relaxed);
    assert!(sending.await.unwrap() > 3);
    hub.stop();
    folder.verify();
}
