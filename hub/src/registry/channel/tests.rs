use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::registry::{
    calendar::{At, is_weekend},
    measure::{day_number, day_of},
};

/// Working days of a country that has one holiday, Wednesday 4 September 2024.
fn works(day: i32) -> bool {
    !is_weekend(day_of(day)) && day != day_number(date(2024, 9, 4))
}

const HOUR: u32 = 3_600;

fn at(day: i8, hour: u32) -> At {
    At { day: day_number(date(2024, 9, day)), second: hour * HOUR }
}

/// Heard from on days of August 2024, each time at 8, and so often till 16.
fn august(days: impl Iterator<Item = i8>, messages: u64) -> Vec<Heard> {
    let one = |day| {
        let day = day_number(date(2024, 8, day));
        Heard { day, messages, first: 8 * HOUR, last: 16 * HOUR, pause: 600 }
    };
    days.map(one).filter(|one| works(one.day)).collect()
}

#[test]
fn a_channel_that_sends_once_a_working_day_is_due_on_the_next_one() {
    let rhythm = learned(&august(1..=30, 1), &works).unwrap();
    let expected = Rhythm::Learned {
        days: Days::Working,
        every_days: 1,
        by_second: 8 * HOUR,
        within_day: None,
    };
    assert_eq!(rhythm, expected);
    // Tuesday's is followed by a holiday, Friday's by a weekend.
    assert_eq!(due(&rhythm, at(3, 8), &works), at(5, 9));
    assert_eq!(due(&rhythm, at(6, 8), &works), at(9, 9));
}

#[test]
fn one_that_sends_all_day_is_missed_within_the_day() {
    let rhythm = learned(&august(1..=30, 200), &works).unwrap();
    let Rhythm::Learned { within_day: Some((600, until)), .. } = rhythm else {
        panic!("{rhythm:?}")
    };
    assert_eq!(until, 16 * HOUR);
    let half = At { second: 10 * HOUR + 1_800, ..at(5, 10) };
    assert_eq!(due(&rhythm, at(5, 10), &works), half);
    // After its hours, and on a day off, not before the next working day.
    assert_eq!(due(&rhythm, at(5, 16), &works), at(6, 9));
    assert_eq!(due(&rhythm, at(4, 10), &works), at(5, 9));
}

#[test]
fn one_outage_is_no_rhythm_and_few_days_are_none() {
    let mut heard = august((1..=30).filter(|day| !(12..=16).contains(day)), 1);
    let rhythm = learned(&heard, &works).unwrap();
    assert!(matches!(rhythm, Rhythm::Learned { every_days: 1, .. }), "{rhythm:?}");
    heard.truncate(4);
    assert_eq!(learned(&heard, &works), None);
    assert_eq!(learned(&[], &works), None);
}

#[test]
fn a_declared_rhythm_counts_hours_of_expected_days_alone() {
    let rhythm = |days, within_hours| Rhythm::Declared { days, within_hours };
    assert_eq!(due(&rhythm(Days::All, 24), at(6, 10), &works), at(7, 10));
    assert_eq!(due(&rhythm(Days::Working, 24), at(6, 10), &works), at(9, 10));
    assert_eq!(due(&rhythm(Days::Working, 2), at(6, 10), &works), at(6, 12));
    assert_eq!(due(&rhythm(Days::Working, 1), at(7, 10), &works), at(9, 1));
}

fn figures() -> impl Strategy<Value = Figures> {
    let some = || 0..1_000_u64;
    let counts = (some(), some(), some(), some(), some(), some(), some());
    let told = (prop::option::of(0..30_u32), prop::option::of((some(), some())));
    (counts, told, prop::option::of(0..30_u64)).prop_map(|(counts, told, drift)| {
        let (records, refused, messages, repeats, in_time, late, overdue) = counts;
        let (silent_days, controlled) = told;
        let controlled = controlled.map(|(a, b)| (a.max(b), a.min(b)));
        Figures {
            silent_days,
            controlled,
            records,
            refused,
            messages,
            repeats,
            drift,
            in_time,
            late,
            overdue,
        }
    })
}

fn parts(of: &Conformance) -> [Component; 6] {
    [of.freshness, of.completeness, of.refusals, of.duplicates, of.drift, of.deadlines]
}

proptest! {
    /// Every part is from 0 to 100, and the score lies between the least and the greatest.
    #[test]
    fn the_score_lies_between_its_parts(figures in figures()) {
        let of = conformance(&figures);
        let known: Vec<u8> = parts(&of).into_iter().flatten().collect();
        prop_assert!(known.iter().all(|part| *part <= 100));
        prop_assert_eq!(of.score.is_some(), !known.is_empty());
        if let Some(score) = of.score {
            let least = known.iter().min().copied().unwrap_or(0);
            let most = known.iter().max().copied().unwrap_or(0);
            prop_assert!((least..=most).contains(&score));
        }
    }

    /// What is worse never scores higher, and moves no other part.
    #[test]
    fn what_is_worse_never_scores_higher(figures in figures(), which in 0..6_usize) {
        let mut worse = figures;
        match which {
            0 => worse.silent_days = worse.silent_days.map(|days| days + 1),
            1 => worse.controlled = worse.controlled.map(|(told, had)| (told + 1, had)),
            2 => worse.refused += 1,
            3 => worse.repeats += 1,
            4 => worse.drift = worse.drift.map(|changes| changes + 1),
            _ => worse.overdue += 1,
        }
        let (better, worse) = (conformance(&figures), conformance(&worse));
        for (at, (better, worse)) in parts(&better).into_iter().zip(parts(&worse)).enumerate() {
            if at != which {
                prop_assert_eq!(better, worse);
            } else if let (Some(better), Some(worse)) = (better, worse) {
                prop_assert!(worse <= better);
            }
        }
    }

    /// Whatever it did and whenever it was heard from last, what is due lies ahead, on a day on
    /// which something is expected, and never moves back as it goes on.
    #[test]
    fn what_is_due_lies_ahead(
        days in prop::collection::btree_set(19_900..20_000_i32, 5..40),
        messages in 1..20_u64, first in 0..43_200_u32, lasts in 0..43_200_u32,
        last in 19_900..20_000_i32, second in 0..86_400_u32, later in 0..86_400_u32,
    ) {
        let heard: Vec<Heard> = days.iter().map(|day| Heard {
            day: *day, messages, first, last: first + lasts, pause: lasts / 4,
        }).collect();
        let rhythm = learned(&heard, &works).unwrap();
        let at = |second| At { day: last, second };
        let end = due(&rhythm, at(second), &works);
        prop_assert!(end > at(second));
        let Rhythm::Learned { days, .. } = rhythm else { unreachable!() };
        prop_assert!(days == Days::All || works(end.day));
        prop_assert!(due(&rhythm, at(second.max(later)), &works) >= end);
    }
}
