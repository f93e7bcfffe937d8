//! From a dossier's course to its due date, by steps. No day is walked over: each step is a few
//! look-ups in the timetable.
//!
//! The time used up is a sum that only grows: working days, days of the calendar or seconds of
//! working hours. The due date is where the sum reaches the limit and what stood still; so pauses
//! add up however they are split, and who is accepted later is never due earlier.

use contracts::Moment;

use super::{
    course::{Course, Pause, Why},
    model::{DeadlineRule, Left, Limit, LimitUnit, Resume},
};
use crate::registry::{
    calendar::{At, OutsideCalendar, Timetable},
    state::Extension,
};

/// When a dossier is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Then: an instant where the hour means something, else a day.
    At(Moment),
    /// Not to be said while it waits for its applicant.
    Waiting {
        /// Since when.
        since: Moment,
        /// What is left of the time limit when it goes on.
        left: Left,
    },
    /// Never: there is no time limit.
    Unlimited,
}

/// What came of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// Time stood still, and the due date moved.
    Shifted {
        /// By how much, in working days, days or seconds of working hours.
        by: i64,
        /// Due before.
        before: Moment,
        /// Due from then on.
        due: Moment,
    },
    /// The time limit began anew.
    Restarted {
        /// From when it counts.
        from: At,
        /// Due before.
        before: Moment,
        /// Due from then on.
        due: Moment,
    },
    /// It lasts.
    Lasts {
        /// What is left.
        left: Left,
    },
    /// It began when the time had run out: nothing moved.
    TooLate {
        /// When the dossier was due.
        due: Moment,
    },
    /// It was over when the dossier was accepted.
    BeforeAcceptance,
}

/// What came of a new date that the agency set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extended {
    /// It holds.
    Holds {
        /// Due before.
        before: Moment,
        /// Due from then on.
        due: Moment,
    },
    /// The rule wants a letter of apology, and none is told.
    NoLetter,
    /// As many as the rule allows were set before.
    TooMany {
        /// How many it allows.
        max: u32,
    },
    /// It names no date.
    NoDate,
    /// It is no later than the dossier was due.
    NotLater {
        /// When that is.
        due: Moment,
    },
}

/// One step of a reckoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The time limit begins.
    Accepted {
        /// When the dossier was accepted, as told.
        told: Moment,
        /// From when it counts.
        from: At,
        /// Whether it came after the hour up to which the rule takes a day.
        too_late: bool,
    },
    /// The time limit ends, if nothing comes between.
    Ends {
        /// When.
        due: Moment,
    },
    /// There is none.
    Unlimited,
    /// It waited.
    Waited(Pause, Paused),
    /// Its agency set a new date.
    NewDate(Extension, Extended),
}

/// A due date and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoning {
    /// The due date.
    pub due: Due,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// Reckons when a dossier is due.
///
/// # Errors
/// When a day that it needs is not in the calendar.
pub fn reckon(
    course: &Course,
    limit: Limit,
    rule: &DeadlineRule,
    days: &Timetable,
) -> Result<Reckoning, OutsideCalendar> {
    if limit.unit == LimitUnit::None {
        return Ok(Reckoning { due: Due::Unlimited, steps: vec![Step::Unlimited] });
    }
    let (from, too_late) = taken(course.accepted, rule, days)?;
    let mut clock = Clock { days, limit, rule, begun: from, from, exact: false, sum: 0, set: None };
    clock.begin(from, matches!(course.accepted, Moment::Instant(_)))?;
    let mut steps = vec![
        Step::Accepted { told: course.accepted, from, too_late },
        Step::Ends { due: clock.due()? },
    ];
    let mut extensions = course.extensions.iter().peekable();
    let mut extended = 0;
    for pause in &course.pauses {
        while let Some(next) = extensions.next_if(|one| one.at <= pause.from) {
            steps.push(Step::NewDate(*next, clock.extend(next, &mut extended)?));
        }
        let Some(mut since) = clock.pauses_from(course.accepted, pause)? else {
            steps.push(Step::Waited(*pause, clock.vain(course.accepted, pause)?));
            continue;
        };
        while let Some(next) =
            extensions.next_if(|one| pause.until.is_none_or(|until| one.at < until))
        {
            let outcome = clock.extend(next, &mut extended)?;
            // The new date knows of what stood still before it.
            if matches!(outcome, Extended::Holds { .. }) {
                since = since.max(days.taken(next.at)?);
            }
            steps.push(Step::NewDate(*next, outcome));
        }
        let Some(until) = pause.until else {
            let left = clock.left(since, pause)?;
            steps.push(Step::Waited(*pause, Paused::Lasts { left }));
            return Ok(Reckoning { due: Due::Waiting { since: pause.from, left }, steps });
        };
        steps.push(Step::Waited(*pause, clock.resume(since, pause, until)?));
    }
    for next in extensions {
        steps.push(Step::NewDate(*next, clock.extend(next, &mut extended)?));
    }
    Ok(Reckoning { due: Due::At(clock.due()?), steps })
}

/// From when an acceptance counts, and whether it came too late for its day.
fn taken(
    told: Moment,
    rule: &DeadlineRule,
    days: &Timetable,
) -> Result<(At, bool), OutsideCalendar> {
    let from = days.taken(told)?;
    let instant = matches!(told, Moment::Instant(_));
    let late = instant && rule.accept_until.is_some_and(|until| from.second > until);
    Ok((if late { days.opens_after(from.day)? } else { from }, late))
}

/// A time limit under way.
struct Clock<'a> {
    days: &'a Timetable,
    limit: Limit,
    rule: &'a DeadlineRule,
    /// From when it counts.
    begun: At,
    /// The day and the hour that the sum was last set by.
    from: At,
    /// Whether the hour of `from` is known.
    exact: bool,
    /// At which sum of time used up it ends.
    sum: i64,
    /// The date that the agency set, as long as nothing has moved it.
    set: Option<Moment>,
}

impl Clock<'_> {
    /// The sum of time at a time.
    fn used(&self, at: At) -> Result<i64, OutsideCalendar> {
        match self.limit.unit {
            LimitUnit::CalendarDays => Ok(i64::from(at.day)),
            LimitUnit::WorkingHours => {
                Ok(i64::try_from(self.days.seconds(at)?).unwrap_or(i64::MAX))
            }
            _ => self.days.worked(at.day),
        }
    }

    /// The whole limit, in what the sum counts.
    fn whole(&self) -> i64 {
        let value = i64::from(self.limit.value);
        if self.limit.unit == LimitUnit::WorkingHours { value * 3_600 } else { value }
    }

    fn begin(&mut self, from: At, exact: bool) -> Result<(), OutsideCalendar> {
        self.sum = self.used(from)?.saturating_add(self.whole());
        (self.begun, self.from, self.exact, self.set) = (from, from, exact, None);
        Ok(())
    }

    fn due(&self) -> Result<Moment, OutsideCalendar> {
        if let Some(set) = self.set {
            return Ok(set);
        }
        let day = |number: i32| Moment::Day(At { day: number, second: 0 }.date());
        match self.limit.unit {
            LimitUnit::CalendarDays => {
                let raw = i32::try_from(self.sum).unwrap_or(i32::MAX);
                Ok(day(self.days.working_from(raw)?))
            }
            LimitUnit::WorkingHours => {
                let at = self.days.at_seconds(u64::try_from(self.sum).unwrap_or(0))?;
                Ok(if self.exact { at.moment() } else { day(at.day) })
            }
            unit => {
                // A day that is open but none of the working days may be its own last.
                let same = self.sum == self.used(self.from)?;
                let number = if same { self.from.day } else { self.days.working_day(self.sum)? };
                let hour = self.exact && unit != LimitUnit::SameDay;
                // What came on an open day that is none of them came after all of the last one.
                let second =
                    if self.days.works(self.from.day)? { self.from.second } else { 86_400 };
                let at = self.days.within(number, second);
                Ok(if hour { at.moment() } else { day(number) })
            }
        }
    }

    /// From when a pause stops the time; none where it does not.
    fn pauses_from(&self, accepted: Moment, pause: &Pause) -> Result<Option<At>, OutsideCalendar> {
        if pause.until.is_some_and(|until| until <= accepted) {
            return Ok(None);
        }
        let since = match pause.from <= accepted {
            true => self.begun,
            false => self.days.taken(pause.from)?.max(self.begun),
        };
        let last = match self.limit.unit {
            // The day to which its end moves is the last one too.
            LimitUnit::CalendarDays => {
                let raw = i32::try_from(self.sum).unwrap_or(i32::MAX);
                i64::from(self.days.working_from(raw)?)
            }
            _ => self.sum,
        };
        Ok((self.used(since)? <= last).then_some(since))
    }

    /// Why a pause stopped nothing.
    fn vain(&self, accepted: Moment, pause: &Pause) -> Result<Paused, OutsideCalendar> {
        match pause.until {
            Some(until) if until <= accepted => Ok(Paused::BeforeAcceptance),
            _ => Ok(Paused::TooLate { due: self.due()? }),
        }
    }

    fn resume(
        &mut self,
        since: At,
        pause: &Pause,
        until: Moment,
    ) -> Result<Paused, OutsideCalendar> {
        let before = self.due()?;
        let again = self.days.taken(until)?.max(since);
        let exact = matches!(until, Moment::Instant(_));
        if self.resume_of(pause) == Resume::Restart {
            self.begin(again, exact)?;
            return Ok(Paused::Restarted { from: again, before, due: self.due()? });
        }
        let (stopped, goes_on) = (self.used(since)?, self.used(again)?);
        let by = goes_on.saturating_sub(stopped);
        if by > 0 {
            self.sum = self.sum.max(stopped).saturating_add(by);
            self.set = None;
        }
        // Of days the hour stays that it was; hours moved by days have none.
        let hours = self.limit.unit == LimitUnit::WorkingHours;
        self.exact &= !hours || (exact && matches!(pause.from, Moment::Instant(_)));
        Ok(Paused::Shifted { by, before, due: self.due()? })
    }

    /// How it goes on after a pause: what never counts begins nothing anew.
    fn resume_of(&self, pause: &Pause) -> Resume {
        match pause.why {
            Why::Status(_) => self.rule.resume,
            Why::Phase(_) => Resume::Shift,
        }
    }

    fn left(&self, since: At, pause: &Pause) -> Result<Left, OutsideCalendar> {
        let left = match self.resume_of(pause) {
            Resume::Restart => self.whole(),
            Resume::Shift => self.sum.saturating_sub(self.used(since)?).max(0),
        };
        Ok(match self.limit.unit {
            LimitUnit::CalendarDays => Left { value: left, unit: "calendar_days" },
            LimitUnit::WorkingHours => Left { value: left / 60, unit: "working_minutes" },
            _ => Left { value: left, unit: "working_days" },
        })
    }

    fn extend(
        &mut self,
        told: &Extension,
        extended: &mut u32,
    ) -> Result<Extended, OutsideCalendar> {
        let Some(new) = told.due_at else { return Ok(Extended::NoDate) };
        if self.rule.apology_required && !told.apology {
            return Ok(Extended::NoLetter);
        }
        if *extended >= self.rule.extensions_max {
            return Ok(Extended::TooMany { max: self.rule.extensions_max });
        }
        let before = self.due()?;
        if new.day() <= before.day() {
            return Ok(Extended::NotLater { due: before });
        }
        let from = self.days.taken(new)?;
        self.sum = self.used(from)?;
        (self.from, self.exact) = (from, matches!(new, Moment::Instant(_)));
        self.set = Some(new);
        *extended += 1;
        Ok(Extended::Holds { before, due: new })
    }
}

/// When a time limit ends that begins at a time and that nothing stops.
///
/// # Errors
/// When a day that it needs is not in the calendar.
pub(super) fn ends(
    told: Moment,
    limit: Limit,
    rule: &DeadlineRule,
    days: &Timetable,
) -> Result<Moment, OutsideCalendar> {
    let from = days.taken(told)?;
    let mut clock = Clock { days, limit, rule, begun: from, from, exact: false, sum: 0, set: None };
    clock.begin(from, matches!(told, Moment::Instant(_)))?;
    clock.due()
}
