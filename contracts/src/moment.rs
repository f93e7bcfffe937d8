//! A time as its source knew it: a day, or an instant.
//!
//! Agencies keep different precisions and the hub never invents the missing part. A day is a day
//! in Asia/Ho_Chi_Minh (fixed UTC+7 since 1975); an instant is UTC. Semantics §3.

use std::{cmp::Ordering, fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Seconds that Vietnam is ahead of UTC.
pub const VIETNAM_OFFSET_SECONDS: i32 = 7 * 3600;

/// A day (`2013-10-02`) or a UTC instant (`2013-11-04T01:15:30Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A whole day in Vietnam; sorts at the end of that day.
    Day(Date),
    /// A point in time.
    Instant(Timestamp),
}

/// The text is neither a date nor a UTC instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a date (YYYY-MM-DD) nor a UTC instant (YYYY-MM-DDThh:mm:ssZ)")]
pub struct NotAMoment(String);

const VIETNAM: tz::Offset = tz::offset(7);

impl Moment {
    /// The day in Vietnam on which this moment lies.
    pub fn day(self) -> Date {
        match self {
            Self::Day(date) => date,
            Self::Instant(at) => VIETNAM.to_datetime(at).date(),
        }
    }

    /// The last instant this moment can mean: a day ends at 23:59:59.999999999 in Vietnam.
    pub fn latest(self) -> Timestamp {
        match self {
            Self::Day(date) => {
                VIETNAM.to_timestamp(date.at(23, 59, 59, 999_999_999)).unwrap_or(Timestamp::MAX)
            }
            Self::Instant(at) => at,
        }
    }

    /// The first instant this moment can mean.
    pub fn earliest(self) -> Timestamp {
        match self {
            Self::Day(date) => VIETNAM.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN),
            Self::Instant(at) => at,
        }
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of one precision they compare as they are, without a clock.
        match (self, other) {
            (Self::Day(one), Self::Day(other)) => return one.cmp(other),
            (Self::Instant(one), Self::Instant(other)) => return one.cmp(other),
            _ => {}
        }
        let rank = |moment: &Self| matches!(moment, Self::Day(_));
        self.latest().cmp(&other.latest()).then_with(|| rank(self).cmp(&rank(other)))
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => write!(out, "{date}"),
            Self::Instant(at) => write!(out, "{at}"),
        }
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    /// Reads the canonical text only: agencies' own forms are the mappings' business.
    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        if let Some(moment) = plain(text) {
            return Ok(moment);
        }
        let bad = || NotAMoment(text.to_owned());
        if text.len() == 10 {
            return text.parse().map(Self::Day).map_err(|_| bad());
        }
        if !text.ends_with('Z') || text.as_bytes().get(10) != Some(&b'T') {
            return Err(bad());
        }
        text.parse().map(Self::Instant).map_err(|_| bad())
    }
}

/// `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ` that the calendar has: nearly every moment is such, and
/// the whole grammar of times costs much more to read.
fn plain(text: &str) -> Option<Moment> {
    let (day, time) = text.as_bytes().split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let (century, year) = (i16::from(two([*y1, *y2])?), i16::from(two([*y3, *y4])?));
    let day = Date::new(century * 100 + year, two([*m1, *m2])?, two([*d1, *d2])?).ok()?;
    match time {
        [] => Some(Moment::Day(day)),
        [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] => {
            let (hour, minute) = (two([*h1, *h2])?, two([*m1, *m2])?);
            let time = Time::new(hour, minute, two([*s1, *s2])?, 0).ok()?;
            tz::Offset::UTC.to_timestamp(day.to_datetime(time)).ok().map(Moment::Instant)
        }
        _ => None,
    }
}

/// A number of two digits.
fn two(digits: [u8; 2]) -> Option<i8> {
    let [tens, ones] = digits.map(|digit| digit.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some((tens * 10 + ones) as i8)
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_sorts_at_its_end_and_keeps_its_precision() {
        let day: Moment = "2013-10-02".parse().unwrap();
        let noon: Moment = "2013-10-02T05:00:00Z".parse().unwrap();
        let late: Moment = "2013-10-02T16:59:59Z".parse().unwrap();
        let next: Moment = "2013-10-02T17:00:00Z".parse().unwrap();
        assert!(noon < day && late < day && day < next);
        assert_eq!(next.day(), "2013-10-03".parse().unwrap());
        assert_eq!(day.to_string(), "2013-10-02");
        assert_eq!(noon.to_string(), "2013-10-02T05:00:00Z");
    }

    #[test]
    fn other_forms_are_refused_not_guessed() {
        for text in
            ["02/10/2013", "2013-10-02T05:00:00", "2013-10-02T05:00:00+07:00", "2013-2-3", ""]
        {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn plain_moments_are_read_as_by_the_whole_grammar(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]\
                (T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9])?Z?)?"
        ) {
            if let Some(found) = plain(&text) {
                let whole = match text.len() {
                    10 => Moment::Day(text.parse().unwrap()),
                    _ => Moment::Instant(text.parse().unwrap()),
                };
                proptest::prop_assert_eq!(found, whole);
            }
        }
    }
}
