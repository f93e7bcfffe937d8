//! A clock that was ahead and was set back.

use std::time::Duration;

use rusqlite::Connection;

use super::Folder;
use crate::store::suite;

#[tokio::test]
async fn no_turn_waits_for_a_time_that_never_was() {
    let folder = Folder::new("clocks");
    let store = folder.open();
    suite::clocks::turns(&store, async |sql| {
        let other = Connection::open(folder.0.join("hub.db")).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch(sql).unwrap();
    })
    .await;
}
