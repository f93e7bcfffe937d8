//! The province's own calendar, day by day, and where it ends.

use std::{path::Path, sync::LazyLock};

use contracts::{Contracts, Moment};

use super::*;
use crate::registry::{Catalogue, measure::day_number};

/// The example's catalogue, with its calendar and rules.
pub(crate) static DONG_NAI: LazyLock<Catalogue> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dong-nai");
    crate::catalogue::load(&folder, &Contracts::builtin().unwrap()).unwrap()
});

fn calendar() -> &'static Calendar {
    DONG_NAI.calendar.as_ref().unwrap()
}

fn timetable(agency: &str) -> Timetable {
    Timetable::new(calendar(), &calendar().hours_of(agency))
}

fn number(day: &str) -> i32 {
    day_number(day.parse().unwrap())
}

/// A time in Vietnam, or a day.
pub(in crate::registry) fn moment(text: &str) -> Moment {
    match text.split_once(' ') {
        Some((day, time)) => format!("{day}T{time}:00+07:00")
            .parse::<jiff::Timestamp>()
            .map_or_else(|error| panic!("{text}: {error}"), Moment::Instant),
        None => Moment::Day(text.parse().unwrap()),
    }
}

#[test]
fn every_day_works_as_announced() {
    let days = timetable("so-xay-dung");
    for (day, works) in [
        ("2013-05-04", true),
        ("2014-12-27", true),
        ("2019-01-05", true),
        ("2024-05-04", true),
        ("2025-04-26", true),
        ("2026-08-22", true),
        ("2026-08-29", false),
        ("2025-11-24", true),
        ("2026-11-24", false),
        ("2026-04-26", false),
        ("2026-04-27", false),
        ("2026-04-28", true),
        ("2018-12-31", false),
    ] {
        assert_eq!(days.works(number(day)), Ok(works), "{day}");
    }
    for day in ["2023-01-19", "2023-01-27", "2024-02-07", "2024-02-15", "2026-02-13"] {
        assert_eq!(days.works(number(day)), Ok(true), "{day} is beside Tết");
    }
    for (first, last) in [("2023-01-20", "2023-01-26"), ("2025-01-25", "2025-02-02")] {
        for day in number(first)..=number(last) {
            assert_eq!(
                days.works(day),
                Ok(false),
                "{} is Tết",
                crate::registry::measure::day_of(day)
            );
        }
    }
}

#[test]
fn counts_and_their_inverses_agree_with_walking() {
    let days = timetable("so-xay-dung");
    let (mut working, mut seconds) = (0, 0);
    for day in number("2013-01-01")..=number("2027-12-31") {
        if days.works(day).unwrap() {
            working += 1;
            seconds += 8 * 3_600;
            assert_eq!(days.working_day(working), Ok(day));
            let closing = days.closing(day);
            assert_eq!(days.seconds(closing), Ok(seconds));
            assert_eq!(days.at_seconds(seconds), Ok(closing));
        }
        assert_eq!(days.worked(day), Ok(working));
    }
    assert_eq!(days.working_day(working + 1).unwrap_err().day.to_string(), "2028-01-01");
    assert_eq!(days.at_seconds(seconds + 1).unwrap_err().day.to_string(), "2028-01-01");
}

#[test]
fn what_comes_outside_hours_counts_from_the_next_opening() {
    let (usual, saturdays) = (timetable("so-xay-dung"), timetable("ubnd-bien-hoa"));
    for (told, office, open) in [
        ("2026-04-24 10:00", &usual, "2026-04-24 10:00"),
        ("2026-04-24 06:10", &usual, "2026-04-24 07:00"),
        ("2026-04-24 12:00", &usual, "2026-04-24 13:30"),
        ("2026-04-24 17:00", &usual, "2026-04-24 17:00"),
        ("2026-04-24 17:01", &usual, "2026-04-28 07:00"),
        ("2026-04-25 09:00", &usual, "2026-04-28 07:00"),
        ("2026-04-25 09:00", &saturdays, "2026-04-25 09:00"),
        ("2026-04-25 11:31", &saturdays, "2026-04-28 07:00"),
        // A make-up Saturday has the hours of a weekday.
        ("2026-08-22 15:00", &saturdays, "2026-08-22 15:00"),
        ("2026-04-24", &usual, "2026-04-24 17:00"),
        ("2026-04-26", &usual, "2026-04-28 17:00"),
    ] {
        assert_eq!(office.taken(moment(told)), Ok(At::of(moment(open))), "{told}");
    }
    assert_eq!(saturdays.works(number("2026-04-25")), Ok(false), "open, but no working day");
}

#[test]
fn a_day_outside_is_an_error_by_name() {
    let days = timetable("so-xay-dung");
    for told in ["2012-12-31 09:00", "2028-01-03", "2027-12-31 18:00"] {
        let outside = days.taken(moment(told)).unwrap_err();
        assert_eq!(outside.first.to_string(), "2013-01-01", "{told}");
        assert_eq!(outside.last.to_string(), "2027-12-31", "{told}");
        assert_ne!(outside.day.to_string(), "2027-12-31", "{told}");
    }
    assert_eq!(days.working_day(0).unwrap_err().day.to_string(), "2012-12-31");
}
