//! Who is sent events by webhooks.

use super::Folder;
use crate::store::suite;

#[tokio::test]
async fn webhooks_are_sent_in_one_turn_at_a_time() {
    let folder = Folder::new("subscriptions");
    suite::subscriptions::subscriptions(&folder.open()).await;
}
