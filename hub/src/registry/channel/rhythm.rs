//! When something is due of a channel: by what it has declared, or by what it did so far.

use serde::Serialize;

use crate::registry::{
    calendar::{At, Calendar, DayKind, is_weekend},
    measure::day_of,
};

/// On which days a channel is expected to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RhythmDays)]
pub enum Days {
    /// Working days of the province.
    Working,
    /// Every day.
    All,
}

/// The rhythm in which a channel is heard from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "known", rename_all = "lowercase")]
pub enum Rhythm {
    /// As its file declares.
    Declared {
        /// On which days.
        days: Days,
        /// Hours of such days that may pass between two messages.
        within_hours: u32,
    },
    /// As it was heard from so far.
    Learned {
        /// On which days.
        days: Days,
        /// How many such days pass from one on which it sends to the next.
        every_days: u32,
        /// The second of the day by which it has sent then.
        by_second: u32,
        /// For one that sends every such day, many times: seconds between two messages, and the
        /// second of the day until which that holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        within_day: Option<(u32, u32)>,
    },
}

/// A day on which a channel was heard from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Messages.
    pub messages: u64,
    /// The second of the day of the first message, and of the last.
    pub first: u32,
    /// The second of the day of the last message.
    pub last: u32,
    /// The longest time between two of them, in seconds.
    pub pause: u32,
}

/// Days on which it must have been heard from before a rhythm is known.
const DAYS_MIN: usize = 5;
/// Messages of a day that show how long it pauses.
const MESSAGES_MIN: u64 = 5;
/// How much later than so far is not late yet: seconds, at most and at least.
const SLACK: u32 = 3_600;
const PAUSE_MIN: u32 = 1_800;
/// Days that are looked through for one on which something is expected.
const SEARCHED_MAX: i32 = 1_000;
const DAY_SECONDS: u32 = 86_400;

impl Days {
    fn has(self, day: i32, works: &dyn Fn(i32) -> bool) -> bool {
        self == Self::All || works(day)
    }
}

/// What nine in ten do not exceed; nothing of nothing.
fn nine_in_ten(mut all: Vec<u32>) -> Option<u32> {
    all.sort_unstable();
    let at = (all.len() * 9).div_ceil(10);
    all.get(at.checked_sub(1)?).copied()
}

/// The rhythm of a channel that was heard from on some days, which are in their order. `works`
/// tells working days. `None` where there are too few days to tell.
pub fn learned(heard: &[Heard], works: &dyn Fn(i32) -> bool) -> Option<Rhythm> {
    let (first, last) = (heard.first()?, heard.last()?);
    if heard.len() < DAYS_MIN {
        return None;
    }
    let off = (first.day..=last.day).filter(|day| !works(*day)).count();
    let heard_off = heard.iter().filter(|one| !works(one.day)).count();
    let days = if heard_off > 0 && heard_off * 2 >= off { Days::All } else { Days::Working };
    let gap = |pair: &[Heard]| {
        let (from, to) = (pair.first()?.day, pair.last()?.day);
        let expected = (from + 1..=to).filter(|day| days.has(*day, works)).count();
        u32::try_from(expected.max(1)).ok()
    };
    let every_days = nine_in_ten(heard.windows(2).filter_map(gap).collect())?;
    let by_second = nine_in_ten(heard.iter().map(|one| one.first).collect())?;
    let busy: Vec<&Heard> = heard.iter().filter(|one| one.messages >= MESSAGES_MIN).collect();
    let within_day = if every_days == 1 && busy.len() >= DAYS_MIN {
        let pause = nine_in_ten(busy.iter().map(|one| one.pause).collect())?;
        // The end of the day: what one in ten ends before.
        let until =
            nine_in_ten(busy.iter().map(|one| DAY_SECONDS.saturating_sub(one.last)).collect())?;
        Some((pause, DAY_SECONDS.saturating_sub(until)))
    } else {
        None
    };
    Some(Rhythm::Learned { days, every_days, by_second, within_day })
}

/// The how-manieth day behind a day on which something is expected.
fn expected_after(day: i32, number: u32, days: Days, works: &dyn Fn(i32) -> bool) -> i32 {
    let last = day.saturating_add(SEARCHED_MAX);
    let mut expected = (day.saturating_add(1)..last).filter(|day| days.has(*day, works));
    expected.nth(number.saturating_sub(1) as usize).unwrap_or(last)
}

/// Until when something must be heard of a channel after it was heard from last; it is silent
/// from then on.
pub fn due(rhythm: &Rhythm, last: At, works: &dyn Fn(i32) -> bool) -> At {
    match *rhythm {
        Rhythm::Learned { days, every_days, by_second, within_day } => {
            if let Some((pause, until)) = within_day
                && days.has(last.day, works)
            {
                let second = last.second.saturating_add(pause.saturating_mul(2).max(PAUSE_MIN));
                if second <= until {
                    return At { day: last.day, second };
                }
            }
            let day = expected_after(last.day, every_days, days, works);
            At { day, second: by_second.saturating_add(SLACK).min(DAY_SECONDS - 1) }
        }
        Rhythm::Declared { days, within_hours } => {
            let mut left = u64::from(within_hours) * 3_600;
            let (mut day, mut from) = (last.day, last.second);
            let end = last.day.saturating_add(SEARCHED_MAX);
            while day < end {
                let lasts = u64::from(DAY_SECONDS.saturating_sub(from));
                if days.has(day, works) {
                    if left < lasts {
                        return At { day, second: from + u32::try_from(left).unwrap_or(0) };
                    }
                    left -= lasts;
                }
                (day, from) = (day.saturating_add(1), 0);
            }
            At { day: end, second: 0 }
        }
    }
}

/// Whether the province works on a day: as its calendar says; on a day that it does not cover, as
/// the week does.
pub fn works(calendar: Option<&Calendar>, day: i32) -> bool {
    let date = day_of(day);
    let special = calendar.and_then(|calendar| calendar.between(date, date).first());
    match special.map(|special| special.kind) {
        Some(DayKind::Holiday | DayKind::CompensatoryDay) => false,
        Some(DayKind::MakeupWorkday) => true,
        None => !is_weekend(date),
    }
}
