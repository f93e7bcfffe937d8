//! The line between hub and server freezes or breaks.

use std::time::Duration;

use super::{BACK_MAX, Bed, proxy::Line};
use crate::{
    harness::Random,
    lienthong::stderr,
    load::within,
    permutations::{CHANNEL, dossier},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_frozen_line_is_noticed_and_nobody_waits_for_ever() {
    let Some(bed) = Bed::with_line("frozen").await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    bed.proxy.is(Line::Frozen);
    // Some had been on their way; then nothing is acknowledged, and everyone is told so.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = load.acknowledged();
    for _ in 0..5 {
        load.is_turned_away(BACK_MAX).await;
    }
    // Longer than any sender here waits for an answer: one that hangs would be seen.
    tokio::time::sleep(Duration::from_secs(22)).await;
    assert_eq!(load.acknowledged(), before, "acknowledged over a frozen line");
    bed.proxy.is(Line::Whole);
    bed.ends(load, &["did not answer within"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_stay_frozen_are_left_for_new_ones() {
    let Some(mut bed) = Bed::with_line("left_frozen").await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    bed.proxy.is(Line::Frozen);
    load.is_turned_away(BACK_MAX).await;
    // What is frozen never thaws; whatever is new passes.
    bed.proxy.strand();
    load.goes_on(20, BACK_MAX).await;
    bed.ends(load, &["did not answer within"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_line_that_breaks_all_the_time_loses_and_doubles_nothing() {
    let Some(bed) = Bed::with_line("broken").await else { return };
    let mut random = Random::new(bed.seed);
    let load = bed.load();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(random.between(1, 120))).await;
        bed.proxy.hiccup().await;
    }
    // A line that is down for a while is told as such.
    bed.proxy.is(Line::Cut);
    load.is_turned_away(BACK_MAX).await;
    bed.proxy.is(Line::Whole);
    let back = load.acknowledged() + 1;
    assert!(within(BACK_MAX, || load.acknowledged() >= back).await);
    bed.ends(load, &["connection closed"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hub_ends_in_good_order_over_a_frozen_line() {
    let Some(bed) = Bed::with_line("ending").await else { return };
    let sender = bed.hub.sender(&bed.key);
    let message = dossier(3, 3).remove(0);
    bed.proxy.is(Line::Frozen);
    let sending = tokio::spawn(async move {
        sender.push(CHANNEL, Some(&message.id), &message.bytes).await.map(|(status, _)| status)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It asserts that the hub ends, and well.
    tokio::task::spawn_blocking(move || bed.hub.stop()).await.unwrap();
    // The sender was told to come again, or was told nothing: never that its message is kept.
    assert!(matches!(sending.await.unwrap(), Err(_) | Ok(503)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_cannot_reach_the_store_says_so_and_ends() {
    let Some(bed) = Bed::with_line("commands").await else { return };
    for (line, words) in [(Line::Cut, "cannot answer"), (Line::Frozen, "did not answer within")] {
        bed.proxy.is(line);
        let output = tokio::task::block_in_place(|| bed.folder.run(&["verify"]));
        // 1 or 3, and no crash: it ended by itself.
        assert!(matches!(output.status.code(), Some(1 | 3)), "{line:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{line:?}: {}", stderr(&output));
    }
    bed.proxy.is(Line::Whole);
    bed.folder.verify();
}
