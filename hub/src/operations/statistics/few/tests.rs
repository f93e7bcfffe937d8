//! What is left out, of rows that stand here.

use super::*;
use crate::registry::Dimension;

const LATE: &str = "finished-late";
const ON_TIME: &str = "finished-on-time";

fn asked(by: &[By]) -> Question {
    let day = "2024-03-01".parse().unwrap();
    Question { by: by.iter().copied().collect(), ..Question::of(day, day) }
}

fn row(places: &[(&'static str, &str)], measures: &[(&'static str, i64)]) -> Row {
    Row {
        place: places.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        status: None,
        day: None,
        measures: measures.iter().copied().collect(),
        suppressed: BTreeSet::new(),
    }
}

fn agencies(all: &[(&str, i64, i64)]) -> Vec<Row> {
    let one = |(name, on_time, late): &(&str, i64, i64)| {
        let told = [(ON_TIME, *on_time), (LATE, *late), ("open", 50)];
        row(&[("agency", name)], &told)
    };
    all.iter().map(one).collect()
}

/// The agencies of whose rows it is left out how what was finished was.
fn hidden(mut rows: Vec<Row>) -> Vec<String> {
    leave_out(&asked(&[By::Place(Dimension::Agency)]), &mut rows, 5);
    let of = rows.iter().filter(|row| row.suppressed.contains(LATE));
    of.map(|row| row.place["agency"].clone()).collect()
}

#[test]
fn few_of_many_are_told_and_all_of_few_are_not() {
    let mut rows = agencies(&[("a", 298, 2), ("b", 2, 1), ("c", 1, 2), ("d", 8, 0)]);
    rows[0].measures.insert("refused-3", 1);
    rows[0].measures.insert("accepted", 40);
    leave_out(&asked(&[By::Place(Dimension::Agency)]), &mut rows, 5);
    assert_eq!((rows[0].measures[LATE], rows[0].measures["refused-3"]), (2, 1));
    assert!(rows[0].suppressed.is_empty() && rows[3].suppressed.is_empty());
    assert_eq!(rows[1].measures, BTreeMap::from([("open", 50)]), "what else there is stays");
    // Which of them are not zero is not told either.
    assert_eq!(rows[1].suppressed, rows[2].suppressed);
    let names = ["finished-early", LATE, "withdrawn", "first-promise-late", "refused-8"];
    assert!(names.iter().all(|name| rows[1].suppressed.contains(name)));
    assert!(!rows[1].suppressed.contains("hub-late"), "nobody asked for it");
}

#[test]
fn what_a_sum_would_give_away_is_not_told() {
    let of = |all: &[(&str, i64, i64)]| hidden(agencies(all));
    let next = of(&[("a", 97, 3), ("b", 2, 1), ("c", 9, 2), ("d", 8, 0)]);
    assert_eq!(next, ["b", "d"], "the next smallest goes with the only one");
    let few = of(&[("a", 97, 3), ("b", 1, 0), ("c", 0, 1), ("d", 8, 0)]);
    assert_eq!(few, ["b", "c", "d"], "two that are fewer together than may be told");
    assert_eq!(of(&[("a", 97, 3), ("b", 2, 1), ("c", 1, 2)]), ["b", "c"], "six together");
    assert_eq!(of(&[("a", 2, 1)]), ["a"]);
    assert!(of(&[("a", 5, 0), ("b", 6, 0)]).is_empty());
}

#[test]
fn sums_over_either_of_two_dimensions_give_nothing_away() {
    let by = [By::Place(Dimension::Agency), By::Place(Dimension::Field)];
    let mut rows = Vec::new();
    for (agency, of_fields) in [("a", [2, 10, 20]), ("b", [30, 11, 21]), ("c", [31, 12, 22])] {
        for (field, n) in ["x", "y", "z"].into_iter().zip(of_fields) {
            rows.push(row(&[("agency", agency), ("field", field)], &[("submitted", n)]));
        }
    }
    leave_out(&asked(&by), &mut rows, 5);
    for name in ["agency", "field"] {
        for value in rows.iter().map(|row| &row.place[name]) {
            let of = rows.iter().filter(|row| row.place[name] == *value);
            assert_ne!(of.filter(|row| !row.suppressed.is_empty()).count(), 1, "{name} {value}");
        }
    }
    assert!(rows[0].suppressed.contains("submitted"));
    assert_eq!(rows.iter().filter(|row| !row.suppressed.is_empty()).count(), 4, "and no more");
}

#[test]
fn days_add_up_for_flows_and_statuses_are_of_the_same_dossiers() {
    let rows = |measure, each: [i64; 3]| -> Vec<Row> {
        let days = (1..).zip(each).map(|(day, n)| (jiff::civil::date(2024, 3, day), n));
        days.map(|(day, n)| Row { day: Some(day), ..row(&[], &[(measure, n)]) }).collect()
    };
    let lacking = |mut rows: Vec<Row>, by| {
        leave_out(&asked(&[by]), &mut rows, 5);
        rows.iter().map(|row| !row.suppressed.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(lacking(rows("accepted", [9, 2, 8]), By::Day), [false, true, true]);
    assert_eq!(lacking(rows("open", [9, 2, 8]), By::Day), [false, true, false]);
    let of = |status, n| Row { status: Some(status), ..row(&[], &[("in-status", n)]) };
    assert_eq!(lacking(vec![of(2, 1), of(4, 7)], By::Status), [false, false], "one of eight");
    assert_eq!(lacking(vec![of(2, 1), of(4, 3)], By::Status), [true, true]);
}

#[test]
fn every_measure_is_of_a_group() {
    for name in names().into_iter().chain(["refused", "in-status"]) {
        assert!(Group::of(name).is_some(), "{name}");
    }
}

#[test]
fn statuses_do_not_tell_what_stands_open_or_how_much_was_finished() {
    let of = |name, open: i64, ended: i64| {
        let told =
            [("open", open), ("in-status-2", open), ("in-status-10", ended), (ON_TIME, ended)];
        row(&[("agency", name)], &told)
    };
    for all in [[(2, 60), (30, 50), (7, 40)], [(60, 2), (50, 30), (40, 7)]] {
        let [a, b, c] = all;
        let mut rows = vec![of("a", a.0, a.1), of("b", b.0, b.1), of("c", c.0, c.1)];
        leave_out(&asked(&[By::Place(Dimension::Agency)]), &mut rows, 5);
        let lacks = |row: &Row, name: &str| {
            assert_ne!(row.suppressed.contains(name), row.measures.contains_key(name));
            row.suppressed.contains(name)
        };
        let few = if a.0 < 5 { "open" } else { ON_TIME };
        for (row, is_hidden) in rows.iter().zip([true, false, true]) {
            for name in [few, "in-status-2", "in-status-10"] {
                assert_eq!(lacks(row, name), is_hidden, "{name} {:?}", row.place);
            }
        }
    }
}
