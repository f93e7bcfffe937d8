//! The line to PostgreSQL falls silent while many wait for one look at the journal's end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{AGENCY, CODE, Office};
use crate::{
    cluster,
    faults::proxy::{Line, Proxy},
    harness::{Folder, Hub, Sender},
    lienthong::root,
};

const READ: &str = "/v1/dossiers/BH.HKD.13.002201";

/// Who asks before a look begins, while it is under way, and while it is given up.
const WAVES: u64 = 3;
const ASK: u64 = 12;
/// Between two waves.
const BETWEEN: Duration = Duration::from_millis(1_500);
/// How long one of them may wait: for a look, and for what is read without.
const ANSWER_MAX: Duration = Duration::from_secs(16);
/// How long it may take until the hub answers again.
const BACK_MAX: Duration = Duration::from_secs(20);

/// Asks once; how long that took, and what was answered.
async fn asks(portal: Sender) -> (Duration, u16, Value) {
    let began = Instant::now();
    let (status, told) = portal.get(READ).await;
    (began.elapsed(), status, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_for_a_look_that_hears_nothing_and_none_is_told_what_was_before() {
    let database = cluster::database("look-ups-silent");
    let (line, by_way) = Proxy::before(&database).await;
    let office = Office::of(Folder::new("look-ups-silent").with_store(by_way)).await;
    let folder = Folder::new("look-ups-silent-2").with_store(database);
    let other = Hub::start(&folder).await;
    let portal = office.hub.sender(&office.portal);
    for _ in 0..3 {
        assert_eq!(portal.found(READ).await["dossier"]["status"], 2);
    }
    line.is(Line::Mute);
    let mut asking = JoinSet::new();
    for wave in 0..WAVES {
        (0..ASK).for_each(|_| _ = asking.spawn(asks(portal.clone())));
        if wave == 0 {
            // Meanwhile something is said where the line is whole.
            let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-0004.in.json");
            let bytes = std::fs::read(root().join(path)).unwrap();
            let agency = other.sender(&office.agency);
            let told = agency.push("ubnd-bien-hoa.ho-so", None, &bytes).await.unwrap();
            assert_eq!((told.0, &told.1["outcome"]), (200, &json!("stored")), "{CODE}: {told:?}");
        }
        tokio::time::sleep(BETWEEN).await;
    }
    let mut slowest = Duration::ZERO;
    while let Some(asked) = asking.join_next().await {
        let (took, status, told) = asked.unwrap();
        assert_eq!((status, &told["code"]), (503, &json!("unavailable")), "{told}");
        slowest = slowest.max(took);
    }
    assert!(slowest < ANSWER_MAX, "an answer took {slowest:?}");
    println!("the slowest was told so after {slowest:?}");

    line.is(Line::Whole);
    let began = Instant::now();
    let told = loop {
        let (_, status, told) = asks(portal.clone()).await;
        if status == 200 {
            break told;
        }
        assert!(began.elapsed() < BACK_MAX, "{status} after {:?}: {told}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(told["dossier"]["status"], 10, "what was told before the line was silent");
    for _ in 0..3 {
        assert_eq!(portal.found(READ).await, told, "kept again");
    }
    other.stop();
    office.hub.stop();
    office.folder.verify();
}
