//! What is decided while something else is written.

use super::Folder;
use crate::store::suite;

#[tokio::test]
async fn chunks_in_a_row_are_taken_in_their_order() {
    let folder = Folder::new("in-a-row");
    suite::chunks_in_a_row(&folder.open()).await;
}
