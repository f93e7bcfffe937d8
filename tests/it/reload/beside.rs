//! What a hub writes itself is no part of its configuration, wherever it lies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;

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
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let sending = tokio::spawn({
        let (over, sent, sends) = (over.clone(), sent.clone(), sender.clone());
        async move {
            while !over.load(Ordering::Relaxed) {
                let number = sent.load(Ordering::Relaxed) + 1;
                stores(&sends, CHANNEL, &format!("D-{number}")).await;
                sent.store(number, Ordering::Relaxed);
            }
        }
    });
    for round in 0..3 {
        let before = sent.load(Ordering::Relaxed);
        while sent.load(Ordering::Relaxed) < before + 3 {
            assert!(!sending.is_finished(), "nothing is sent any more");
            sleep(Duration::from_millis(5)).await;
        }
        named(&folder, usize::from(round % 2 == 0));
        let told = changes(&hub, &sender).await;
        assert_eq!(told["hash"] != first["hash"], round % 2 == 0, "{told}");
    }
    over.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    hub.stop();
    folder.verify();
}
