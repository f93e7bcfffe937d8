//! What is altered behind the hub's back, and how `verify` tells it.

use rusqlite::Connection;

use super::Folder;
use crate::store::{
    Store,
    suite::{damage, erasures},
};

#[tokio::test]
async fn what_no_entry_tells_of_what_is_missing_and_what_lost_its_salt_is_told() {
    let folder = Folder::new("damage");
    let store = folder.open();
    damage::three_told(&store).await;
    assert!(store.verify().await.unwrap().faults.is_empty());
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    outside.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for (sql, told, mended) in damage::DAMAGES {
        outside.execute_batch(sql).unwrap();
        let faults = store.verify().await.unwrap().faults;
        assert!(faults.iter().any(|fault| fault == told), "{sql}: {faults:?}");
        outside.execute_batch(mended).unwrap();
    }
}

#[tokio::test]
async fn erasures() {
    let folder = Folder::new("erasures");
    erasures::erasures(&folder.open()).await;
}
