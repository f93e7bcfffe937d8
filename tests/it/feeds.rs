//! Feeds that are derived from the journal: who follows one holds what the hub answers.

mod catalogue;
mod refolded;
mod statistics;

use std::collections::BTreeSet;

use serde_json::Value;

/// The ids of events; each comes once.
fn ids(events: &[Value]) -> Vec<String> {
    let ids: Vec<String> =
        events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "an event came twice");
    ids
}
