//! The line between hub and server freezes or breaks.

use std::time::Duration;

use super::{BACK_MAX, Bed, proxy::Line};
use crate::{harness::Random, load::within};

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
