//! What is read, found and followed.

use super::{figures, told};

#[test]
fn read_is_told_for_every_question_and_compared_between_sizes() {
    let arguments =
        ["read", "--seed", "11", "--compare", "20,60", "--connections", "4", "--seconds", "0.2"];
    let names = figures(&arguments);
    for question in [
        "dossier",
        "look-up by its applicant",
        "statistics by agency",
        "statistics by procedure",
        "statistics, every listed grouping",
        "statistics as of any position",
        "statistics by the hub's due dates",
        "feed page of 100",
    ] {
        for size in ["20", "60"] {
            let of = format!("{question}, {size}");
            let lines = ["p50", "p99", "CPU of the hub"].map(|line| format!("{of}, {line}"));
            told(&names, &[&of, &lines[0], &lines[1], &lines[2]]);
        }
    }
    assert_eq!(names.iter().filter(|name| name.starts_with("bare axum, ")).count(), 16);
}

#[test]
fn search_is_told_for_every_question_and_size() {
    let arguments = ["search", "--seed", "11", "--procedures", "30,90", "--seconds", "0.2"];
    let names = figures(&arguments);
    for question in ["one letter", "a whole name", "misspelt", "nothing there"] {
        for size in ["30", "90"] {
            told(&names, &[&format!("{size}: {question}, p99")]);
        }
    }
}

#[test]
fn follow_is_told_beside_a_bare_server_on_both_stores() {
    let few = ["follow", "--seed", "11", "--subscribers", "50", "--events", "6"];
    let few = [&few[..], &["--per-second", "20"]].concat();
    let other = crate::cluster::database("bench-follow");
    for arguments in [few.clone(), [&few[..], &["--store", &other]].concat()] {
        let names = figures(&arguments);
        for line in ["p50", "p99", "longest"] {
            let bare = format!("bare server, to the last of all, {line}");
            told(&names, &[&bare, &format!("to the last of all, {line}")]);
        }
        told(&names, &["memory of the hub, nobody follows", "memory of the hub, all follow"]);
        told(&names, &["memory of the hub, peak", "CPU of the hub, each told"]);
    }
}
