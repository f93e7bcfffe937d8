//! Several processes of one store: each goes by its own configuration until it is told to reload,
//! and which one goes by which is seen.

use serde_json::Value;

use super::{CHANNEL, NAMES, changes, named, procedure, standing, stores};
use crate::{
    backend::Backend,
    cluster::database,
    harness::{Folder, Hub},
};

/// The same agencies in two folders, of two processes.
fn folders(name: &str) -> [Folder; 2] {
    let store = database(name);
    ["one", "other"].map(|which| {
        let folder = Folder::of(&format!("{name}-{which}"), &["tests/corpus/delivery"]);
        folder.with_store(store.clone())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_change_one_after_the_other_and_are_told_apart() {
    assert_eq!(Backend::ALL.len(), 2, "a file has one process");
    let folders = folders("reload-together");
    let key = folders[0].key("agency:so-gui");
    let (one, other) = (Hub::start(&folders[0]).await, Hub::start(&folders[1]).await);
    let [first, second] = [&one, &other].map(|hub| hub.sender(&key));
    let hash = async |sender| -> Value { standing(sender).await["hash"].clone() };
    let before = hash(&first).await;
    assert_eq!(before, hash(&second).await, "the same files, wherever they lie");
    let counted = "[counting]\nstopped = \"paused\"\n";
    named(&folders[0], 1);
    let toml = folders[0].path().join("hub.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(&toml, format!("{text}{counted}")).unwrap();
    changes(&one, &first).await;
    let now = hash(&first).await;
    assert!(now != before && hash(&second).await == before);
    // Both take messages, each by its own mapping; the rules are the store's.
    stores(&first, CHANNEL, "T-1").await;
    stores(&second, CHANNEL, "T-2").await;
    assert_eq!(procedure(&second, "T-1").await, NAMES[1]);
    assert_eq!(procedure(&first, "T-2").await, NAMES[0]);
    let size = async || first.found("/healthz").await["size"].clone();
    let entries = size().await;
    named(&folders[1], 1);
    let toml = folders[1].path().join("hub.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(&toml, format!("{text}{counted}")).unwrap();
    changes(&other, &second).await;
    assert_eq!(hash(&second).await, now, "they go by the same again");
    assert_eq!(size().await, entries, "the rules were in force already");
    stores(&second, CHANNEL, "T-3").await;
    assert_eq!(procedure(&first, "T-3").await, NAMES[1]);
    one.stop();
    other.stop();
    folders[0].verify();
}
