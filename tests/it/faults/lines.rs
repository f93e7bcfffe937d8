//! The line between hub and server is half open, slow, or ends in the midst of an answer.

use std::time::{Duration, Instant};

use super::{BACK_MAX, Bed, proxy::Line};
use crate::{harness::Random, load::within};

/// How long a balancer waits to be told that the store does not answer.
const TOLD_MAX: Duration = Duration::from_secs(4);
/// How often a line ends in the midst of answers, and after how many bytes of them at most.
const ENDS: u64 = 12;
const BYTES_MAX: u64 = 4_000;

/// Nobody is told by the system that nothing is carried one way.
async fn is_silent(name: &str, line: Line) {
    let Some(bed) = Bed::with_line(name).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    bed.proxy.is(line);
    // Some had been on their way; then nothing is acknowledged, and everyone is told so.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = load.acknowledged();
    let reader = bed.hub.sender(&bed.key);
    let began = Instant::now();
    let (status, problem) = reader.get("/readyz").await;
    assert_eq!((status, &problem["code"]), (503, &"unavailable".into()), "{problem}");
    assert!(began.elapsed() < TOLD_MAX, "a balancer waits {:?}", began.elapsed());
    for _ in 0..3 {
        load.is_turned_away(BACK_MAX).await;
    }
    assert_eq!(load.acknowledged(), before, "acknowledged over a line that is half open");
    bed.proxy.is(Line::Whole);
    bed.ends(load, &["did not answer within"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_not_reached_and_is_heard_keeps_nobody_waiting() {
    is_silent("deaf", Line::Deaf).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_reached_and_not_heard_keeps_nobody_waiting() {
    is_silent("mute", Line::Mute).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_a_slow_line_and_one_that_ends_within_answers_nothing_is_lost() {
    let Some(bed) = Bed::with_line("slow_line").await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    bed.proxy.is(Line::Slow);
    load.goes_on(8, BACK_MAX).await;
    let mut random = Random::new(bed.seed);
    for _ in 0..ENDS {
        let (ended, bytes) = (bed.proxy.ended(), random.between(1, BYTES_MAX));
        bed.proxy.is(Line::EndsAfter(bytes));
        let ends = within(BACK_MAX, || bed.proxy.ended() > ended).await;
        assert!(ends, "no connection ended after {bytes} bytes");
        bed.proxy.is(Line::Whole);
        load.goes_on(5, BACK_MAX).await;
    }
    bed.ends(load, &["PostgreSQL"]).await;
}
