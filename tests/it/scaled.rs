//! `examples/dong-nai-scaled`: two hubs on one PostgreSQL and one RabbitMQ, one of them killed.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use crate::lienthong::{binary, root, stderr, stdout};

/// What the example promises, on a machine that does other things too.
const WITHIN: Duration = Duration::from_secs(120);

#[test]
fn the_example_on_two_servers_loses_nothing_and_leaves_nothing_behind() {
    let folder = std::env::temp_dir().join(format!("lienthong-{}-scaled", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(root().join("examples/dong-nai-scaled/run"));
    command.arg("40").env("LIENTHONG", binary()).env("TMPDIR", &folder);
    let began = Instant::now();
    let done = command.output().unwrap();
    let told = stdout(&done);
    assert_eq!(done.status.code(), Some(0), "{told} {}", stderr(&done));
    assert!(began.elapsed() < WITHIN, "{:?}", began.elapsed());
    for words in [
        "is killed",
        "messages acknowledged, and stored once                     40",
        "all holds",
        "the broker has every event",
        "nothing is lost",
    ] {
        assert!(told.contains(words), "no `{words}` in {told}");
    }
    // The database server ends within seconds of who started it.
    let began = Instant::now();
    while fs::read_dir(&folder).unwrap().next().is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "{folder:?} is not empty");
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::remove_dir_all(&folder).unwrap();
    // What it cannot work with it names.
    let refused = Command::new(root().join("examples/dong-nai-scaled/run")).arg("0").output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("MESSAGES"), "{}", stderr(&refused));
}
