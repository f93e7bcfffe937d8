//! Moments that are held.

use super::Folder;
use crate::store::suite;

#[tokio::test]
async fn a_moment_that_is_held_stays_what_it_was() {
    let folder = Folder::new("moments");
    suite::moments::moments(&folder.open()).await;
}
