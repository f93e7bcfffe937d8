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
