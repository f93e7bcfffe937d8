//! Messages that were taken though nobody was told: the reply is lost, or the line falls silent.

use std::time::Duration;

use serde_json::json;

use super::{
    ROUTE,
    agency::{Agency, Reply},
    at, line, office, send, stands, started,
};
use crate::backend::{Backend, on_each_store};

on_each_store!(what_was_taken_unheard_comes_again_under_the_same_id);

/// Longer than any wait of the hub's: as a line of which the other end is gone.
const FOR_EVER: Duration = Duration::from_secs(3_600);

async fn what_was_taken_unheard_comes_again_under_the_same_id(backend: Backend) {
    let agency = Agency::new(|seen, before| match (seen.subject(), before) {
        ("U-0", 0 | 1) => Reply::TakesAndDrops,
        ("U-1", 0) => Reply::After(FOR_EVER),
        _ => Reply::TAKEN,
    })
    .await;
    let endpoint = at(&agency.url);
    let folder = office(backend, "delivery-unanswered", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let (hub, sender, operator) = started(&folder).await;
    let lines: String = (0..3).map(|number| line(&format!("U-{number}"), 1, "MOI")).collect();
    send(&sender, "m-1", &lines).await;
    let one = stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    assert_eq!(one["dead"], json!(0), "nobody knows is no refusal");
    for (subject, times) in [("U-0", 3), ("U-1", 2), ("U-2", 1)] {
        let seen = agency.seen();
        let own: Vec<_> = seen.iter().filter(|one| one.subject() == subject).collect();
        assert_eq!(own.len(), times, "{subject}");
        assert!(own.iter().all(|one| one.id() == own[0].id() && one.body == own[0].body));
    }
    assert_eq!(agency.count(), 3, "by its id each was taken once");
    hub.stop();
    folder.verify();
}
