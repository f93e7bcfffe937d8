//! What is altered behind the hub's back, and how `verify` tells it.

use super::{Database, connect};
use crate::store::{
    Store,
    suite::{damage, erasures},
};

#[tokio::test]
async fn what_no_entry_tells_of_what_is_missing_and_what_lost_its_salt_is_told() {
    let database = Database::new("damage").await;
    let store = database.open().await;
    damage::three_told(&store).await;
    assert!(store.verify().await.unwrap().faults.is_empty());
    let superuser = connect(&database.superuser()).await;
    let unhindered = "SET session_replication_role = replica; SET search_path = lienthong";
    superuser.batch_execute(unhindered).await.unwrap();
    for (sql, told, mended) in damage::DAMAGES {
        superuser.batch_execute(sql).await.unwrap();
        let faults = store.verify().await.unwrap().faults;
        assert!(faults.iter().any(|fault| fault == told), "{sql}: {faults:?}");
        superuser.batch_execute(mended).await.unwrap();
    }
    drop(store);
    database.drop().await;
}

#[tokio::test]
async fn erasures() {
    let database = Database::new("erasures").await;
    erasures::erasures(&database.open().await).await;
    database.drop().await;
}
