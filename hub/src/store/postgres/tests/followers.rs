//! What follows behind the journal.

use std::sync::Arc;

use super::{Database, connect};
use crate::store::{Store, suite};

#[tokio::test]
async fn dossiers_stand_by_the_hubs_due_date_as_a_recount_has_them() {
    let database = Database::new("timeliness").await;
    suite::timeliness(Arc::new(database.open().await)).await;
    database.drop().await;
}

#[tokio::test]
async fn numbers_as_of_old_positions_are_a_few_strides() {
    let database = Database::new("strides").await;
    let store = database.open().await;
    suite::strides(&store).await;
    let other = connect(&database.superuser()).await;
    other
        .execute("DELETE FROM lienthong.strides WHERE stride = 6 AND slot % 3 = 0", &[])
        .await
        .unwrap();
    let faults = store.recount().await.unwrap().faults;
    // The eighth has the sixth in it.
    let told = ["16 to 23", "0 to 31"];
    let told = told.map(|of| format!("the sums of the entries {of} differ from their deltas"));
    assert_eq!(faults[..2], told);
    drop((store, other));
    database.drop().await;
}

#[tokio::test]
async fn publishing_is_one_turn_at_a_time() {
    let database = Database::new("published").await;
    suite::published::published(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn webhooks_are_sent_in_one_turn_at_a_time() {
    let database = Database::new("subscriptions").await;
    suite::subscriptions::subscriptions(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn links_are_visited_in_one_turn_at_a_time() {
    let database = Database::new("visits").await;
    suite::visits::visits(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn watches_are_told_of_their_dossier_until_they_end() {
    let database = Database::new("watches").await;
    suite::watches::watches(&database.open().await).await;
    database.drop().await;
}
