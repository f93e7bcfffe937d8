//! What a migration has asked for, and whoever migrated did not come to.

use rusqlite::Connection;

use super::Folder;
use crate::store::{Store, suite::damage};

#[tokio::test]
async fn a_store_whose_migration_was_cut_off_makes_its_folds_anew_when_it_is_opened() {
    let folder = Folder::new("refold");
    let store = folder.open();
    damage::three_told(&store).await;
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    outside.execute_batch("DELETE FROM dossiers; DELETE FROM rollups").unwrap();
    assert!(!store.verify().await.unwrap().faults.is_empty());
    drop(store);
    outside.execute_batch("UPDATE head SET refold = 1").unwrap();
    let store = folder.open();
    let verdict = store.verify().await.unwrap();
    assert!(verdict.faults.is_empty(), "{:?}", verdict.faults);
    let left: bool = outside.query_row("SELECT refold FROM head", [], |row| row.get(0)).unwrap();
    assert!(!left, "asked for once");
}
