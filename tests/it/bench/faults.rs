//! What faults of a few cost all others is told, whatever it is.

use crate::{
    cluster,
    lienthong::{run, stderr, stdout},
};

/// What a benchmark tells.
#[track_caller]
fn measured(arguments: &[&str]) -> String {
    let output = run(&[&["bench"], arguments, &["--seed", "11"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    let title = told.lines().next().unwrap();
    assert!(title.starts_with(&format!("# bench {}: ", arguments[0])), "{told}");
    assert!(title.ends_with(", seed 11"), "{told}");
    told
}

/// The figure of a line of it.
#[track_caller]
fn figure(told: &str, what: &str) -> f64 {
    let start = format!("{what}  ");
    let rest = told.lines().find_map(|line| line.strip_prefix(&start));
    let rest = rest.unwrap_or_else(|| panic!("no `{what}`: {told}"));
    rest.split_whitespace().next().unwrap().parse().unwrap_or_else(|_| panic!("{rest}"))
}

#[test]
fn a_load_with_poison_is_told_beside_the_same_without() {
    let few = ["--connections", "8", "--rounds", "1", "--seconds", "0.4", "--one-in", "10"];
    let other = cluster::database("bench-poison");
    for store in [&[][..], &["--store", &other]] {
        let told = measured(&[&["poison"], &few[..], store].concat());
        for line in ["", ", p99", ", CPU of the hub"] {
            assert!(figure(&told, &format!("without poison{line}")) > 0.0, "{told}");
            assert!(figure(&told, &format!("with poison{line}")) > 0.0, "{told}");
        }
        let loss = figure(&told, "loss of throughput by poison");
        let kept = figure(&told, "with poison") / figure(&told, "without poison");
        assert!((100.0 - loss - kept * 100.0).abs() < 2.0, "{told}");
        assert!(figure(&told, "poison, sent and refused") >= 1.0, "{told}");
        assert!(!told.contains("were poison"), "all of it was refused as what it is: {told}");
        assert!(!told.contains("# without poison"), "nothing else was refused: {told}");
    }
    let output = run(&["bench", "poison", "--store", "hub.db"]);
    assert_eq!(output.status.code(), Some(1), "it leaves no file behind");
    assert!(stderr(&output).contains("--store: messages go"), "{}", stderr(&output));
}

#[test]
fn what_others_hear_beside_a_sleeper_is_told_beside_what_they_hear_without() {
    let few = ["--others", "2", "--per-second", "40", "--seconds", "0.8", "--sleep-seconds", "20"];
    let other = cluster::database("bench-sleeper");
    for store in [&[][..], &["--store", &other]] {
        let told = measured(&[&["sleeper"], &few[..], store].concat());
        for side in ["all awake", "others beside a sleeper"] {
            let of = |share: &str| figure(&told, &format!("{side}, {share}"));
            assert!(0.0 < of("p50") && of("p50") <= of("p99"), "{told}");
            assert!(of("p99") <= of("longest"), "{told}");
        }
        let p99 = |side: &str| figure(&told, &format!("{side}, p99"));
        let ratio = 100.0 * p99("others beside a sleeper") / p99("all awake");
        let change = figure(&told, "change of the others' p99");
        assert!((ratio - 100.0 - change).abs() < 0.05 * ratio, "{told}");
        assert!(figure(&told, "messages, all awake") >= 2.0, "{told}");
        let heard = figure(&told, "of those, heard by the sleeper");
        assert!(heard <= figure(&told, "messages, beside a sleeper"), "{told}");
        // What a channel has under way at the same time, in both turns with a sleeper.
        assert!((2.0..=8.0).contains(&heard), "it sleeps: {told}");
    }
}
