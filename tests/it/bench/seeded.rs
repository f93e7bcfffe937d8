//! A seeded store answers as one that was filled through the front door, as far as it is meant to.

use serde_json::Value;

use super::{Place, figures, told};
use crate::{
    harness::{Folder, Hub, Sender},
    lienthong::{root, run, stderr},
};

/// More entries than one stride has, so that old positions are read by strides too.
const DOSSIERS: &str = "3000";
const YEAR: &str = "/v1/statistics?from=2023-01-01&to=2024-12-31";
const JUNE: &str = "/v1/statistics?from=2023-06-01&to=2023-06-30";

/// A hub on a benchmark's store, and who asks it.
async fn serving(name: &str, store: &Place) -> (Folder, Hub, Sender) {
    let folder = Folder::of(name, &[]).with_store(format!("sqlite:{}", store.path()));
    std::fs::create_dir_all(folder.path().join("agencies")).unwrap();
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    (folder, hub, sender)
}

async fn rows(of: &Sender, path: &str) -> Value {
    let mut told = of.found(path).await;
    assert!(told["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{path}: {told}");
    told["rows"].take()
}

#[tokio::test]
async fn a_seeded_store_answers_as_one_filled_through_the_front_door() {
    let (seeded, filled) = (Place::new("seeded.db"), Place::new("filled.db"));
    let of = ["--seed", "11", "--dossiers", DOSSIERS, "--store"];
    let names = figures(&[&["seed"], &of[..], &[seeded.path()]].concat());
    told(&names, &["seeding", "store, bytes of the file"]);
    let few = ["--connections", "2", "--seconds", "0.1"];
    figures(&[&["read"], &of[..], &[filled.path()], &few[..]].concat());
    // The benchmark takes it for what it is.
    let names = figures(&[&["read"], &of[..], &[seeded.path()], &few[..]].concat());
    told(&names, &["dossier", "statistics, every listed grouping"]);
    assert!(!names.iter().any(|name| name.starts_with("feed page")), "it has no texts: {names:?}");

    let (_first, _hub, seeded_hub) = serving("bench-seeded", &seeded).await;
    let (_second, _other, filled_hub) = serving("bench-filled", &filled).await;
    for by in ["", "agency", "procedure", "field", "commune", "agency,procedure", "agency,commune"]
        .into_iter()
        .chain(["agency,field", "channel", "commune,field"])
    {
        for path in [format!("{YEAR}&by={by}"), format!("{JUNE}&by={by},day").replace("=,", "=")] {
            let (one, other) = (rows(&seeded_hub, &path).await, rows(&filled_hub, &path).await);
            assert_eq!(one, other, "{path}");
        }
    }
    // As of any position: sums that are kept, and the same summed from all deltas.
    for as_of in [1_501, 4_096, 8_193, 8_999] {
        let of = |by: &str| format!("{YEAR}&agency=so-thu-nghiem-03&by={by}&as_of={as_of}");
        let kept = rows(&seeded_hub, &of("agency")).await;
        let summed = rows(&seeded_hub, &of("agency,channel")).await;
        let count = |rows: &Value, measure: &str| -> i64 {
            let all = rows.as_array().unwrap().iter();
            all.map(|row| row["measures"][measure].as_i64().unwrap_or(0)).sum()
        };
        for measure in ["accepted", "finished", "open"] {
            assert_eq!(count(&kept, measure), count(&summed, measure), "{measure} as of {as_of}");
        }
        assert!(count(&kept, "accepted") > 0, "{kept}");
    }
    // Of every 256th dossier there is all; the others are not there to be looked up.
    let path = "/v1/dossiers/TN-2023-00000512";
    let (one, other) = (seeded_hub.found(path).await, filled_hub.found(path).await);
    for member in ["status", "accepted_at", "procedure", "history", "timeline"] {
        assert_eq!(one["dossier"][member], other["dossier"][member], "{member}");
    }
    assert_eq!(seeded_hub.status("/v1/dossiers/TN-2023-00000513").await, 404);
}

#[test]
fn nothing_is_added_to_a_seeded_store_and_none_is_written_over() {
    let place = Place::new("stands.db");
    let of = ["--seed", "11", "--dossiers", "40", "--store", place.path()];
    figures(&[&["seed"], &of[..]].concat());
    let again = run(&[&["bench", "seed"], &of[..]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
    // Other rules would fold anew what is not there.
    let catalogue = root().join("examples/dong-nai");
    let with = ["--catalogue", catalogue.to_str().unwrap()];
    let other = run(&[&["bench", "read"], &of[..], &with[..]].concat());
    assert_eq!(other.status.code(), Some(3));
    let told = stderr(&other);
    assert!(told.contains("a benchmark has seeded this store"), "{told}");
}
