//! Every day of a calendar for one office, counted ahead: no question walks over days.

use contracts::Moment;
use jiff::{
    civil::{Date, Weekday},
    tz::{Offset, offset},
};

use super::{Calendar, DayKind, Hours, Span, is_weekend};
use crate::registry::measure::{day_number, day_of};

/// Hours that Vietnam is ahead of UTC; it has no summer time.
const VIETNAM: Offset = offset(7);

/// A second of a day in Vietnam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Seconds since midnight.
    pub second: u32,
}

/// A day that the calendar does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideCalendar {
    /// The day that is asked for; at the ends of all calendars where it lies beyond.
    pub day: Date,
    /// First day covered.
    pub first: Date,
    /// Last day covered.
    pub last: Date,
}

impl At {
    /// The second of an instant; of a day, its midnight.
    pub fn of(moment: Moment) -> Self {
        match moment {
            Moment::Day(day) => Self { day: day_number(day), second: 0 },
            Moment::Instant(instant) => {
                let local = VIETNAM.to_datetime(instant);
                let [hour, minute, second] = [local.hour(), local.minute(), local.second()]
                    .map(|n| u32::from(n.max(0) as u8));
                Self { day: day_number(local.date()), second: hour * 3_600 + minute * 60 + second }
            }
        }
    }

    /// The day.
    pub fn date(self) -> Date {
        day_of(self.day)
    }

    /// The instant.
    pub fn moment(self) -> Moment {
        let second = self.second.min(86_399);
        let [hour, minute, second] =
            [second / 3_600, second / 60 % 60, second % 60].map(|n| n as i8);
        let local = self.date().at(hour, minute, second, 0);
        VIETNAM.to_timestamp(local).map_or(Moment::Day(self.date()), Moment::Instant)
    }
}

/// The days of one office.
#[derive(Debug)]
pub struct Timetable {
    /// Number of the first day.
    first: i32,
    /// Hours that days have; the first are none.
    patterns: Vec<Vec<Span>>,
    /// Of each day, its hours.
    hours: Vec<u16>,
    /// Working days before each day, and in all.
    before: Vec<u32>,
    /// Seconds of working days' hours before each day, and in all.
    seconds: Vec<u64>,
    /// The working days in their order.
    working: Vec<i32>,
    /// The days on which the office opens, in their order.
    open: Vec<i32>,
}

impl Timetable {
    /// The days of offices that keep some of the calendar's hours: of those in force on a day, the
    /// first. A day without any is closed.
    pub fn new(calendar: &Calendar, hours: &[usize]) -> Self {
        let (first, last) = (day_number(calendar.first_day), day_number(calendar.last_day));
        let mut made = Self {
            first,
            patterns: vec![Vec::new()],
            hours: Vec::new(),
            before: vec![0],
            seconds: vec![0],
            working: Vec::new(),
            open: Vec::new(),
        };
        let kept: Vec<&Hours> = hours.iter().filter_map(|at| calendar.hours.get(*at)).collect();
        let mut special = calendar.days.iter().peekable();
        for number in first..=last {
            let day = day_of(number);
            while special.next_if(|one| one.date < day).is_some() {}
            let kind = special.peek().filter(|one| one.date == day).map(|one| one.kind);
            let hours = kept.iter().find(|hours| hours.stand(day));
            let (spans, counts) = hours.map_or((&[][..], false), |hours| kept_on(hours, day, kind));
            made.push(number, spans, counts);
        }
        made
    }

    fn push(&mut self, day: i32, spans: &[Span], counts: bool) {
        let at = self.patterns.iter().position(|held| held == spans).unwrap_or_else(|| {
            self.patterns.push(spans.to_vec());
            self.patterns.len() - 1
        });
        self.hours.push(u16::try_from(at).unwrap_or(0));
        if counts {
            self.working.push(day);
        }
        if !spans.is_empty() {
            self.open.push(day);
        }
        let lasting: u32 = spans.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        let so_far = self.seconds.last().copied().unwrap_or(0);
        self.seconds.push(so_far + if counts { u64::from(lasting) } else { 0 });
        self.before.push(u32::try_from(self.working.len()).unwrap_or(u32::MAX));
    }

    fn last(&self) -> i32 {
        let days = i32::try_from(self.hours.len()).unwrap_or(i32::MAX);
        self.first.saturating_add(days).saturating_sub(1)
    }

    fn outside(&self, day: i32) -> OutsideCalendar {
        OutsideCalendar { day: day_of(day), first: day_of(self.first), last: day_of(self.last()) }
    }

    fn place(&self, day: i32) -> Result<usize, OutsideCalendar> {
        let place = usize::try_from(day.saturating_sub(self.first)).ok();
        place.filter(|place| *place < self.hours.len()).ok_or_else(|| self.outside(day))
    }

    fn spans(&self, place: usize) -> &[Span] {
        let pattern = self.hours.get(place).map(|at| usize::from(*at));
        pattern.and_then(|at| self.patterns.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Whether a day is a working day.
    ///
    /// # Errors
    /// When the calendar does not cover it.
    pub fn works(&self, day: i32) -> Result<bool, OutsideCalendar> {
        let place = self.place(day)?;
        Ok(self.before.get(place) != self.before.get(place + 1))
    }

    /// Working days up to a day, itself included.
    ///
    /// # Errors
    /// When the calendar does not cover it.
    pub fn worked(&self, day: i32) -> Result<i64, OutsideCalendar> {
        let place = self.place(day)?;
        Ok(self.before.get(place + 1).copied().map_or(0, i64::from))
    }

    /// The working day of a number, the first being 1: the inverse of [`Self::worked`].
    ///
    /// # Errors
    /// When it lies behind the calendar's end, or before its beginning.
    pub fn working_day(&self, number: i64) -> Result<i32, OutsideCalendar> {
        let place = usize::try_from(number - 1);
        let beyond = |_| self.outside(self.first.saturating_sub(1));
        let day = self.working.get(place.map_err(beyond)?).copied();
        day.ok_or_else(|| self.outside(self.last().saturating_add(1)))
    }

    /// The first working day from a day on.
    ///
    /// # Errors
    /// When the calendar does not cover it, or ends before.
    pub fn working_from(&self, day: i32) -> Result<i32, OutsideCalendar> {
        if self.works(day)? { Ok(day) } else { self.working_day(self.worked(day)? + 1) }
    }

    /// When something counts that comes in at a time: then where the office is open, else when it
    /// next opens. What is known by its day counts at the end of that day's hours.
    ///
    /// # Errors
    /// When the calendar does not cover it, or ends before.
    pub fn taken(&self, moment: Moment) -> Result<At, OutsideCalendar> {
        let at = At::of(moment);
        let spans = self.spans(self.place(at.day)?);
        let found = match moment {
            Moment::Day(_) => spans.last().map(|(_, close)| *close),
            Moment::Instant(_) => spans
                .iter()
                .find(|(_, close)| at.second <= *close)
                .map(|(open, _)| at.second.max(*open)),
        };
        match (found, moment) {
            (Some(second), _) => Ok(At { second, ..at }),
            (None, Moment::Day(_)) => self.opens_after(at.day).map(|at| self.closing(at.day)),
            (None, Moment::Instant(_)) => self.opens_after(at.day),
        }
    }

    /// When the office opens first behind a day.
    ///
    /// # Errors
    /// When the calendar ends before.
    pub fn opens_after(&self, day: i32) -> Result<At, OutsideCalendar> {
        let next = self.open.get(self.open.partition_point(|open| *open <= day)).copied();
        let day = next.ok_or_else(|| self.outside(self.last().saturating_add(1)))?;
        let first = self.spans(self.place(day)?).first();
        Ok(At { day, second: first.map_or(0, |(open, _)| *open) })
    }

    /// When the office closes on a day; its midnight where it is closed.
    pub fn closing(&self, day: i32) -> At {
        let spans = self.place(day).map_or(&[][..], |place| self.spans(place));
        At { day, second: spans.last().map_or(0, |(_, close)| *close) }
    }

    /// The same time on a day, drawn into its hours: the end of those that it lies behind.
    pub fn within(&self, day: i32, second: u32) -> At {
        let spans = self.place(day).map_or(&[][..], |place| self.spans(place));
        let begun = spans.iter().rev().find(|(open, _)| *open <= second);
        let second = match begun {
            Some((_, close)) => second.min(*close),
            None => spans.first().map_or(second, |(open, _)| *open),
        };
        At { day, second }
    }

    /// Seconds of working days' hours up to a time.
    ///
    /// # Errors
    /// When the calendar does not cover it.
    pub fn seconds(&self, at: At) -> Result<u64, OutsideCalendar> {
        let place = self.place(at.day)?;
        let before = self.seconds.get(place).copied().unwrap_or(0);
        if !self.works(at.day)? {
            return Ok(before);
        }
        let gone = |(open, close): &Span| at.second.clamp(*open, *close).saturating_sub(*open);
        Ok(before + self.spans(place).iter().map(gone).map(u64::from).sum::<u64>())
    }

    /// The first time up to which so many seconds are: the inverse of [`Self::seconds`].
    ///
    /// # Errors
    /// When it lies behind the calendar's end.
    pub fn at_seconds(&self, seconds: u64) -> Result<At, OutsideCalendar> {
        // The day at whose end there are as many for the first time.
        let place = self.seconds.partition_point(|sum| *sum < seconds).saturating_sub(1);
        let day = self.first.saturating_add(i32::try_from(place).unwrap_or(i32::MAX));
        if place >= self.hours.len() {
            return Err(self.outside(self.last().saturating_add(1)));
        }
        let mut left = seconds.saturating_sub(self.seconds.get(place).copied().unwrap_or(0));
        for (open, close) in self.spans(place) {
            let lasting = u64::from(close.saturating_sub(*open));
            if left <= lasting {
                // No more than a day's seconds.
                return Ok(At { day, second: open.saturating_add(left as u32) });
            }
            left -= lasting;
        }
        Ok(self.closing(day))
    }
}

/// The hours of a day and whether it is a working day.
fn kept_on(hours: &Hours, day: Date, kind: Option<DayKind>) -> (&[Span], bool) {
    match kind {
        Some(DayKind::Holiday | DayKind::CompensatoryDay) => (&[], false),
        Some(DayKind::MakeupWorkday) => (&hours.weekdays, true),
        None if !is_weekend(day) => (&hours.weekdays, true),
        None if day.weekday() == Weekday::Saturday && !hours.saturday.is_empty() => {
            (&hours.saturday, hours.saturday_counts)
        }
        None => (&[], false),
    }
}
