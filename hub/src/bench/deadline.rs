//! `bench deadline`: when dossiers are due, by prefix sums and with all steps told, beside a walk
//! from day to day over the same calendar.

use std::{hint::black_box, time::Instant};

use clap::Args;
use contracts::Status;
use jiff::civil::{Date, date};

use super::{BenchError, Table, clock, stop, workload::Random};
use crate::registry::{
    calendar::{At, Calendar, DayKind, Hours, SpecialDay, Sure, Timetable},
    deadline::{
        Course, DeadlineRule, Due, Limit, LimitUnit, Pause, Resume, Waits, Why, explained, reckon,
    },
    measure::{day_number, day_of},
};

/// Different dossiers in a round.
const DOSSIERS: usize = 4_096;
/// Years that the calendar covers.
const FIRST: Date = date(2013, 1, 1);
const LAST: Date = date(2042, 12, 31);

/// How long to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Rounds; each measures every line once, in turn.
    #[arg(long, default_value_t = 15)]
    pub(crate) rounds: u32,
}

struct Bench {
    calendar: Calendar,
    days: Timetable,
    rule: DeadlineRule,
    courses: Vec<(Course, Limit)>,
}

/// One way to find a due date; false where it could not.
type Work = fn(&Bench, &Course, Limit) -> bool;

const LINES: [(&str, Work); 3] = [
    ("walk from day to day", Bench::walk),
    ("reckon", Bench::reckon),
    ("reckon and explain", Bench::explain),
];

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let bench = Bench::new(seed);
    let mut least = [f64::INFINITY; LINES.len()];
    // The first round warms up and is not counted.
    for round in 0..=options.rounds.max(1) {
        for ((name, work), least) in LINES.iter().zip(&mut least) {
            let micros = bench.round(*work).ok_or_else(|| {
                BenchError::Damaged(format!("{name}: a dossier of the load has no due date"))
            })?;
            if round > 0 {
                *least = least.min(micros);
            }
        }
        stop::check()?;
    }
    let years = i32::from(LAST.year()) - i32::from(FIRST.year()) + 1;
    let mut table = Table::new(format!(
        "bench deadline: {DOSSIERS} dossiers with 0 to 3 pauses, calendar of {years} years, one \
         core, {} rounds, seed {seed}",
        options.rounds
    ));
    let [walk, reckon, explain] = least;
    table.line("walk from day to day, least", walk, "µs");
    table.against(("reckon, least", reckon, "µs"), ("walk", walk));
    table.against(("reckon and explain, least", explain, "µs"), ("walk", walk));
    Ok(table)
}

/// Holidays spread over every year.
fn special_days() -> Vec<SpecialDay> {
    let years = FIRST.year()..=LAST.year();
    let spots =
        [(1, 1), (2, 9), (2, 10), (2, 11), (2, 12), (2, 13), (4, 18), (4, 30), (5, 1), (9, 2)];
    let days = years.flat_map(|year| spots.map(|(month, day)| date(year, month, day)));
    let special = |date| SpecialDay {
        date,
        name: "Ngày nghỉ".to_owned(),
        kind: DayKind::Holiday,
        sure: Sure::Yes,
        pair: None,
        source: "-".to_owned(),
    };
    days.map(special).collect()
}

impl Bench {
    fn new(seed: u64) -> Self {
        let hours =
            Hours { weekdays: vec![(25_200, 41_400), (48_600, 61_200)], ..Hours::default() };
        let calendar =
            Calendar { first_day: FIRST, last_day: LAST, days: special_days(), hours: vec![hours] };
        let mut random = Random::new(seed, 0);
        let courses = (0..DOSSIERS).map(|_| course(&mut random)).collect();
        let rule = DeadlineRule {
            name: "chung".to_owned(),
            procedures: Vec::new(),
            fields: Vec::new(),
            agencies: Vec::new(),
            channel: None,
            limit: None,
            accept_until: None,
            resume: Resume::Shift,
            pauses: vec![Waits::Supplement, Waits::Payment],
            supplement: None,
            uncounted: Vec::new(),
            extensions_max: 1,
            apology_required: true,
            legal_basis: None,
            valid_from: None,
            valid_to: None,
        };
        Self { days: Timetable::new(&calendar, &[0]), calendar, rule, courses }
    }

    /// Microseconds a dossier.
    fn round(&self, work: Work) -> Option<f64> {
        let (wall, cpu) = (Instant::now(), clock::thread_nanos());
        for (course, limit) in &self.courses {
            if !black_box(work(self, black_box(course), *limit)) {
                return None;
            }
        }
        let wall = wall.elapsed().as_nanos() as f64;
        let spent = cpu.zip(clock::thread_nanos()).map(|(from, to)| to.saturating_sub(from) as f64);
        Some(spent.unwrap_or(wall) / 1_000.0 / DOSSIERS as f64)
    }

    fn reckon(&self, course: &Course, limit: Limit) -> bool {
        let told = reckon(course, limit, &self.rule, &self.days);
        told.is_ok_and(|told| matches!(told.due, Due::At(_)))
    }

    fn explain(&self, course: &Course, limit: Limit) -> bool {
        let Ok(told) = reckon(course, limit, &self.rule, &self.days) else { return false };
        let steps = explained(&told, (limit, &self.rule), (&self.calendar, &self.days));
        steps.len() >= 2
    }

    /// The due day as one would find it by hand: day after day, each looked up among the holidays.
    fn walk(&self, course: &Course, limit: Limit) -> bool {
        let works = |day: i32| {
            let date = day_of(day);
            let special = self.calendar.days.binary_search_by_key(&date, |one| one.date);
            special.is_err() && !crate::registry::calendar::is_weekend(date)
        };
        let paused = |day: i32| {
            course.pauses.iter().any(|pause| {
                let until = pause.until.map_or(i32::MAX, |until| At::of(until).day);
                At::of(pause.from).day < day && day <= until
            })
        };
        let (mut day, mut left) = (At::of(course.accepted).day, limit.value);
        while left > 0 && day < day_number(LAST) {
            day += 1;
            left -= u32::from(works(day) && !paused(day));
        }
        left == 0
    }
}

/// A dossier of some year, with up to three pauses of a few weeks.
fn course(random: &mut Random) -> (Course, Limit) {
    // No more than fits: days of the calendar's years, seconds of a day.
    let mut below = |n: u64| random.below(n) as i32;
    let mut day = day_number(FIRST) + 1 + below(9_000);
    let time = At { day, second: 28_800 + below(28_800).unsigned_abs() };
    let value = 3 + below(60).unsigned_abs();
    let mut pauses = Vec::new();
    for _ in 0..below(4) {
        let from = At { day: day + 1 + below(5), second: 36_000 };
        day = from.day + 1 + below(30);
        let until = Some(At { day, second: 36_000 }.moment());
        pauses.push(Pause { from: from.moment(), until, why: Why::Status(Status::SUPPLEMENT) });
    }
    let course = Course { pauses, ..Course::begun(time.moment()) };
    (course, Limit { value, unit: LimitUnit::WorkingDays })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dossier_of_the_load_has_a_due_date_by_every_way() {
        let bench = Bench::new(7);
        for (course, limit) in &bench.courses {
            assert!(LINES.iter().all(|(_, work)| work(&bench, course, *limit)), "{course:?}");
        }
    }
}
