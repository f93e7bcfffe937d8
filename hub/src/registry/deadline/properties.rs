//! What holds of every deadline, over random calendars and courses; and that the prefix sums come
//! to what a walk from day to day comes to.

use std::collections::BTreeMap;

use contracts::{Moment, Status};
use jiff::{ToSpan, civil::date};
use proptest::prelude::*;

use super::{
    tests::{limit, plain},
    *,
};
use crate::registry::{
    calendar::{At, Calendar, DayKind, Hours, OutsideCalendar, Span, SpecialDay, Sure, Timetable},
    measure::{day_number, day_of},
};

/// Days that random calendars cover, and those of them in which dossiers are accepted.
const COVERED: i32 = 1_000;
const ACCEPTING: i32 = 300;

const FIRST: jiff::civil::Date = date(2024, 1, 1);

const PATTERNS: [&[Span]; 3] = [
    &[(7 * 3_600, 11 * 3_600 + 1_800), (13 * 3_600 + 1_800, 17 * 3_600)],
    &[(8 * 3_600, 12 * 3_600), (13 * 3_600, 15 * 3_600), (15 * 3_600 + 60, 16 * 3_600)],
    &[(0, 86_340)],
];

fn a_calendar() -> impl Strategy<Value = Calendar> {
    let kind = prop_oneof![
        Just(DayKind::Holiday),
        Just(DayKind::CompensatoryDay),
        Just(DayKind::MakeupWorkday),
    ];
    let days = prop::collection::vec((0..COVERED, kind), 0..120);
    let saturday = prop::option::of((0..3_usize, any::<bool>()));
    (days, 0..3_usize, saturday).prop_map(|(days, weekdays, saturday)| {
        let days: BTreeMap<i32, DayKind> = days.into_iter().collect();
        let special = |(at, kind): (i32, DayKind)| SpecialDay {
            date: FIRST.checked_add(at.days()).unwrap(),
            name: String::new(),
            kind,
            sure: Sure::Yes,
            pair: None,
            source: String::new(),
        };
        let hours = Hours {
            weekdays: PATTERNS[weekdays].to_vec(),
            saturday: saturday.map_or(Vec::new(), |(at, _)| PATTERNS[at].to_vec()),
            saturday_counts: saturday.is_some_and(|(_, counts)| counts),
            ..Hours::default()
        };
        Calendar {
            first_day: FIRST,
            last_day: FIRST.checked_add((COVERED - 1).days()).unwrap(),
            days: days.into_iter().map(special).collect(),
            hours: vec![hours],
        }
    })
}

/// A minute behind the calendar's first.
fn minute(at: i32) -> Moment {
    At { day: day_number(FIRST) + at / 1_440, second: (at % 1_440) as u32 * 60 }.moment()
}

fn a_course() -> impl Strategy<Value = Course> {
    let accepted = 0..ACCEPTING * 1_440;
    let pauses = prop::collection::vec(-20_000..60_000_i32, 0..7);
    (accepted, pauses).prop_map(|(accepted, mut times)| {
        times.sort_unstable();
        times.dedup();
        let pause = |pair: &[i32]| Pause {
            from: minute((accepted + pair[0]).max(0)),
            until: Some(minute((accepted + pair[1]).max(1))),
            why: Why::Status(Status::SUPPLEMENT),
        };
        let pauses = times.chunks_exact(2).map(pause).collect();
        Course { pauses, ..Course::begun(minute(accepted)) }
    })
}

fn a_limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (1..30_u32).prop_map(|n| limit(n, LimitUnit::WorkingDays)),
        (1..60_u32).prop_map(|n| limit(n, LimitUnit::CalendarDays)),
        (1..80_u32).prop_map(|n| limit(n, LimitUnit::WorkingHours)),
        Just(limit(0, LimitUnit::SameDay)),
    ]
}

fn a_rule() -> impl Strategy<Value = DeadlineRule> {
    prop_oneof![Just(plain(Resume::Shift)), Just(plain(Resume::Restart))]
}

fn timetable(calendar: &Calendar) -> Timetable {
    Timetable::new(calendar, &[0])
}

fn due(
    course: &Course,
    limit: Limit,
    rule: &DeadlineRule,
    days: &Timetable,
) -> Result<Moment, OutsideCalendar> {
    match reckon(course, limit, rule, days)?.due {
        Due::At(due) => Ok(due),
        due => panic!("{due:?}"),
    }
}

/// The same reckoned by walking, from what the calendar's rows say.
struct Walk<'a> {
    calendar: &'a Calendar,
    limit: Limit,
    resume: Resume,
}

/// The walk left the calendar.
struct Left;

impl Walk<'_> {
    fn on(&self, day: i32) -> Result<(&[Span], bool), Left> {
        let (date, hours) = (day_of(day), &self.calendar.hours[0]);
        if date < self.calendar.first_day || self.calendar.last_day < date {
            return Err(Left);
        }
        let at = self.calendar.days.binary_search_by_key(&date, |one| one.date);
        let kind = at.ok().map(|at| self.calendar.days[at].kind);
        Ok(match (kind, date.weekday().to_monday_one_offset()) {
            (Some(DayKind::MakeupWorkday), _) | (None, 1..=5) => (&hours.weekdays, true),
            (None, 6) if !hours.saturday.is_empty() => (&hours.saturday, hours.saturday_counts),
            _ => (&[], false),
        })
    }

    /// Days are counted as they are, or those worked alone.
    fn counts(&self, day: i32) -> Result<bool, Left> {
        Ok(self.on(day)?.1 || self.limit.unit == LimitUnit::CalendarDays)
    }

    fn taken(&self, moment: Moment) -> Result<At, Left> {
        let mut at = At::of(moment);
        loop {
            for (open, close) in self.on(at.day)?.0 {
                if at.second <= *close {
                    return Ok(At { second: at.second.max(*open), ..at });
                }
            }
            at = At { day: at.day + 1, second: 0 };
        }
    }

    fn rolled(&self, mut day: i32) -> Result<i32, Left> {
        while self.limit.unit == LimitUnit::CalendarDays && !self.on(day)?.1 {
            day += 1;
        }
        Ok(day)
    }

    /// Pauses as far as they lie behind the acceptance.
    fn pauses(&self, course: &Course, from: At) -> Result<Vec<(At, At)>, Left> {
        let behind = course.pauses.iter().filter(|one| one.until.unwrap() > course.accepted);
        let clipped = |one: &Pause| {
            let since = match one.from <= course.accepted {
                true => from,
                false => self.taken(one.from)?.max(from),
            };
            Ok((since, self.taken(one.until.unwrap())?.max(since)))
        };
        behind.map(clipped).collect()
    }

    /// The day a limit of days ends on.
    fn day(&self, course: &Course) -> Result<i32, Left> {
        let start = self.taken(course.accepted)?;
        let (mut day, mut left, mut begun) = (start.day, self.limit.value, start.day);
        for (since, until) in self.pauses(course, start)? {
            while left > 0 && day < since.day {
                day += 1;
                left -= u32::from(self.counts(day)?);
            }
            if left == 0 {
                let end = self.last_counted(day, begun)?;
                let gone = (self.rolled(end)? + 1..=since.day).map(|one| self.counts(one));
                if gone.collect::<Result<Vec<_>, _>>()?.contains(&true) {
                    return self.rolled(end);
                }
            }
            day = until.day;
            if self.resume == Resume::Restart {
                (left, begun) = (self.limit.value, until.day);
            }
        }
        while left > 0 {
            day += 1;
            left -= u32::from(self.counts(day)?);
        }
        self.rolled(self.last_counted(day, begun)?)
    }

    fn last_counted(&self, mut day: i32, begun: i32) -> Result<i32, Left> {
        while day > begun && !self.counts(day)? {
            day -= 1;
        }
        // Nothing counted since: on the day it began, though that be none of those counted.
        let any = (begun..=day).map(|one| self.counts(one)).collect::<Result<Vec<_>, _>>()?;
        Ok(if any.contains(&true) { day } else { begun })
    }

    fn works(&self, at: At) -> Result<bool, Left> {
        let (spans, counts) = self.on(at.day)?;
        Ok(counts && spans.iter().any(|(open, close)| (*open..*close).contains(&at.second)))
    }

    /// The minute a limit of hours ends on.
    fn minute(&self, course: &Course) -> Result<At, Left> {
        let next = |at: At| match at.second + 60 {
            86_400 => At { day: at.day + 1, second: 0 },
            second => At { second, ..at },
        };
        let whole = self.limit.value * 60;
        let (mut at, mut left) = (self.taken(course.accepted)?, whole);
        let mut end = at;
        for (since, until) in self.pauses(course, at)? {
            while at < since {
                if self.works(at)? {
                    if left == 0 {
                        return Ok(end);
                    }
                    left -= 1;
                    end = next(at);
                }
                at = next(at);
            }
            // The end of the minutes worked by then, where nothing is left.
            while at < until {
                if self.works(at)? {
                    end = next(at);
                }
                at = next(at);
            }
            if self.resume == Resume::Restart {
                left = whole;
            }
        }
        while left > 0 {
            if self.works(at)? {
                left -= 1;
                end = next(at);
            }
            at = next(at);
        }
        Ok(end)
    }
}

proptest! {
    // A walk by the minute is slow.
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn sums_of_hours_come_to_what_a_walk_by_the_minute_comes_to(
        calendar in a_calendar(), course in a_course(), hours in 1..80_u32, rule in a_rule(),
    ) {
        let limit = limit(hours, LimitUnit::WorkingHours);
        let fast = due(&course, limit, &rule, &timetable(&calendar));
        let walk = Walk { calendar: &calendar, limit, resume: rule.resume };
        match walk.minute(&course) {
            Ok(at) => prop_assert_eq!(fast.map(At::of), Ok(at)),
            Err(Left) => prop_assert!(fast.is_err()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn sums_of_days_come_to_what_a_walk_from_day_to_day_comes_to(
        calendar in a_calendar(), course in a_course(), rule in a_rule(),
        limit in a_limit().prop_map(|limit| match limit.unit {
            LimitUnit::WorkingHours => Limit { unit: LimitUnit::WorkingDays, ..limit },
            _ => limit,
        }),
    ) {
        let fast = due(&course, limit, &rule, &timetable(&calendar));
        let walk = Walk { calendar: &calendar, limit, resume: rule.resume };
        match walk.day(&course) {
            Ok(day) => prop_assert_eq!(fast.map(Moment::day), Ok(day_of(day))),
            Err(Left) => prop_assert!(fast.is_err()),
        }
    }

    #[test]
    fn who_is_accepted_later_is_not_due_earlier(
        calendar in a_calendar(), course in a_course(), limit in a_limit(), rule in a_rule(),
        later in 1..20_000_i32,
    ) {
        let days = timetable(&calendar);
        let At { day, second } = At::of(course.accepted);
        let at = (day - day_number(FIRST)) * 1_440 + (second / 60) as i32 + later;
        let other = Course { accepted: minute(at), ..course.clone() };
        if let (Ok(one), Ok(other)) =
            (due(&course, limit, &rule, &days), due(&other, limit, &rule, &days))
        {
            prop_assert!(one.day() <= other.day(), "{one} {other}");
        }
        // Without pauses by the minute too.
        let bare = Course::begun;
        let due = |accepted| due(&bare(accepted), limit, &rule, &days);
        if let (Ok(one), Ok(other)) = (due(course.accepted), due(minute(at))) {
            prop_assert!(one <= other, "{one} {other}");
        }
    }

    #[test]
    fn standing_still_for_n_working_days_moves_the_due_day_by_n(
        calendar in a_calendar(), accepted in 0..ACCEPTING * 1_440, value in 1..30_u32,
        (before, n) in (0..30_i64, 0..40_i64),
    ) {
        let days = timetable(&calendar);
        let (rule, limit) = (plain(Resume::Shift), limit(value, LimitUnit::WorkingDays));
        let mut course = Course::begun(minute(accepted));
        let Ok(first) = due(&course, limit, &rule, &days) else { return Ok(()) };
        let last = days.worked(day_number(first.day())).unwrap();
        // It begins on a working day no later than the due day, behind the day of acceptance.
        let (Ok(since), Ok(until)) = (
            days.working_day((last - before % i64::from(value)).max(1)),
            days.working_day((last - before % i64::from(value)).max(1) + n),
        ) else {
            return Ok(());
        };
        let noon = |day| At { day, second: 10 * 3_600 }.moment();
        let (from, until) = (noon(since), Some(noon(until)));
        course.pauses = vec![Pause { from, until, why: Why::Status(Status::PAYMENT) }];
        let Ok(moved) = due(&course, limit, &rule, &days) else { return Ok(()) };
        prop_assert_eq!(days.worked(day_number(moved.day())).unwrap(), last + n);
    }

    #[test]
    fn a_pause_may_be_told_in_parts(
        calendar in a_calendar(), course in a_course(), limit in a_limit(), rule in a_rule(),
        cut in 1..1_000_i32,
    ) {
        let days = timetable(&calendar);
        let mut parts = course.clone();
        parts.pauses = Vec::new();
        for pause in &course.pauses {
            let number = |moment| {
                let At { day, second } = At::of(moment);
                (day - day_number(FIRST)) * 1_440 + (second / 60) as i32
            };
            let (from, until) = (number(pause.from), number(pause.until.unwrap()));
            let middle = minute(from + (until - from) * cut / 1_000);
            parts.pauses.push(Pause { until: Some(middle), ..*pause });
            parts.pauses.push(Pause { from: middle, ..*pause });
        }
        prop_assert_eq!(due(&course, limit, &rule, &days), due(&parts, limit, &rule, &days));
    }

    #[test]
    fn another_version_of_the_calendar_changes_what_it_touches_alone(
        calendar in a_calendar(), course in a_course(), limit in a_limit(), rule in a_rule(),
        (at, works) in (0..COVERED, any::<bool>()),
    ) {
        let Ok(before) = due(&course, limit, &rule, &timetable(&calendar)) else { return Ok(()) };
        let day = FIRST.checked_add(at.days()).unwrap();
        let kind = if works { DayKind::MakeupWorkday } else { DayKind::Holiday };
        let mut other = calendar.clone();
        other.days.retain(|one| one.date != day);
        other.days.push(SpecialDay {
            date: day,
            name: String::new(),
            kind,
            sure: Sure::Yes,
            pair: None,
            source: String::new(),
        });
        other.days.sort_by_key(|one| one.date);
        if day < course.accepted.day() || before.day() < day {
            let after = due(&course, limit, &rule, &timetable(&other));
            // A later request may touch the day and still come too late.
            prop_assert_eq!(after, Ok(before));
        }
    }
}
