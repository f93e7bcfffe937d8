//! Going on from where an export ended: nothing twice, nothing missed.

use serde_json::Value;

use super::{fetched, next, province};
use crate::{
    backend::{Backend, on_each_store},
    permutations::{Message, dossier, send_all},
};

on_each_store!(what_follows_is_exactly_the_rest);

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn what_follows_is_exactly_the_rest(backend: Backend) {
    let (_folder, hub, [agency, portal, _]) = province(backend, "exports-resumed").await;
    let (first, head) = fetched(&portal, "/v1/exports/records.ndjson").await;
    let (states, states_head) = fetched(&portal, "/v1/exports/dossiers.ndjson").await;
    let position: u64 = head["x-journal-position"].to_str().unwrap().parse().unwrap();
    let (nothing, same) = fetched(&portal, &next(&head)).await;
    assert_eq!((nothing.len(), next(&same)), (0, next(&head)));
    // Some that are new, and some of whom more is heard.
    let later = (55..75).flat_map(|one| dossier(9, one));
    let later = later.map(|one| Message { id: format!("later-{}", one.id), ..one });
    send_all(&agency, later.collect(), 2).await;
    let (rest, after) = fetched(&portal, &next(&head)).await;
    let feed = portal.feed("records", 500).await;
    assert!(!rest.is_empty());
    assert_eq!([lines(&first), lines(&rest)].concat(), feed);
    // The lines are the texts of the feed, byte for byte.
    let url = format!("{}/v1/feeds/records?limit=1000", portal.url);
    let page = portal.client.get(url).bearer_auth(portal.key()).send().await.unwrap();
    let page = page.text().await.unwrap();
    let all = String::from_utf8([first.clone(), rest].concat()).unwrap();
    assert_eq!(format!("[{}]", all.trim_end().replace('\n', ",")), page);
    // What had changed by then, and each dossier that has since: together all of them as they are.
    let (changed, _) = fetched(&portal, &next(&states_head)).await;
    let mut known: Vec<Value> = lines(&states);
    let changed = lines(&changed);
    known.retain(|one| changed.iter().all(|other| other["subject"] != one["subject"]));
    known.extend(changed.clone());
    assert!(!changed.is_empty() && changed.len() < known.len());
    assert_eq!(known, portal.feed("dossiers", 500).await);
    // Up to a position: what an export of then would have held; and what is after both.
    let (until, _) =
        fetched(&portal, &format!("/v1/exports/records.ndjson?until={position}")).await;
    assert_eq!(until, first);
    let beyond = format!("{}&until={position}", next(&after));
    assert_eq!(fetched(&portal, &beyond).await.0, b"");
    // Who has it already is not sent it again.
    let etag = after["etag"].to_str().unwrap();
    let again = portal.client.get(format!("{}/v1/exports/records.ndjson", portal.url));
    let again = again.bearer_auth(portal.key()).header("If-None-Match", etag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    hub.stop();
}
