//! Who is sent events by webhooks, who follows dossiers, and what was found where links lead.

use super::Folder;
use crate::store::suite;

#[tokio::test]
async fn webhooks_are_sent_in_one_turn_at_a_time() {
    let folder = Folder::new("subscriptions");
    suite::subscriptions::subscriptions(&folder.open()).await;
}

#[tokio::test]
async fn links_are_visited_in_one_turn_at_a_time() {
    let folder = Folder::new("visits");
    suite::visits::visits(&folder.open()).await;
}

#[tokio::test]
async fn watches_are_told_of_their_dossier_until_they_end() {
    let folder = Folder::new("watches");
    suite::watches::watches(&folder.open()).await;
}
