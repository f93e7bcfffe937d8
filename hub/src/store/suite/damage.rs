//! What may be altered behind the hub's back.

use super::{message, snapshot};
use crate::store::Store;

/// Three dossiers, told once each, at the positions 0, 1 and 2.
pub(crate) async fn three_told(store: &dyn Store) {
    for number in 0..3 {
        let (id, record) = (format!("d-{number}"), snapshot(&format!("D-{number}"), 1, 4));
        let told = message(store, &id, &id, vec![Ok(vec![record])]);
        store.commit(vec![told]).await.unwrap();
    }
}

/// Each damage to what [`three_told`] leaves, what `verify` says of it, and what undoes it.
pub(crate) const DAMAGES: [(&str, &str, &str); 3] = [
    (
        "INSERT INTO observations (member, position, short)
         SELECT member, 0, short FROM observations WHERE position = 2",
        "4 observations are under names, but entries tell 3",
        "DELETE FROM observations WHERE position = 0 AND member = 2",
    ),
    (
        "UPDATE observations SET position = 5 WHERE position = 1",
        "the entry at position 1 is under no name",
        "UPDATE observations SET position = 1 WHERE position = 5",
    ),
    (
        "UPDATE payloads SET salt = NULL WHERE message = (SELECT min(message) FROM payloads)",
        "position 0: the raw bytes are not those the entry commits to",
        "SELECT 1",
    ),
];
