//! A time as its source knew it: a day, or an instant.
//!
//! Agencies keep different precisions and the hub never invents the missing part. A day is a day
//! in Asia/Ho_Chi_Minh (fixed UTC+7 since 1975); an instant is UTC. Semantics §3.

use std::{cmp::Ordering, fmt, fmt::Write as _, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

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

impl Moment {
    /// Whether its year has four digits, as contracts and readers expect.
    pub(crate) fn is_usual(self) -> bool {
        let year = match self {
            Self::Day(date) => date.year(),
            Self::Instant(at) => tz::Offset::UTC.to_datetime(at).year(),
        };
        (0..=9999).contains(&year)
    }

    /// Its text, without an allocation.
    pub(crate) fn written(self) -> Written {
        let mut text = Written { bytes: [0; WRITTEN_BYTES_MAX], length: 0 };
        match self {
            Self::Day(date) if date.year() >= 0 => text.date(date),
            Self::Instant(at) if at.subsec_nanosecond() == 0 && self.is_usual() => {
                let at = tz::Offset::UTC.to_datetime(at);
                text.date(at.date());
                text.pair(b'T', at.hour());
                text.pair(b':', at.minute());
                text.pair(b':', at.second());
                text.push(b'Z');
            }
            // The rest is rare; all of it fits.
            Self::Day(date) => _ = write!(text, "{date}"),
            Self::Instant(at) => _ = write!(text, "{at}"),
        }
        text
    }
}

/// Bytes of the longest text of a moment: six digits of a year and its sign, nine of a second.
const WRITTEN_BYTES_MAX: usize = 40;

/// The text of a moment.
pub(crate) struct Written {
    bytes: [u8; WRITTEN_BYTES_MAX],
    length: usize,
}

impl Written {
    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(next) = self.bytes.get_mut(self.length) {
            *next = byte;
            self.length += 1;
        }
    }

    /// Two digits behind a mark.
    fn pair(&mut self, mark: u8, number: i8) {
        self.push(mark);
        self.digits(number);
    }

    fn digits(&mut self, number: i8) {
        let number = number.unsigned_abs();
        self.push(b'0' + number / 10);
        self.push(b'0' + number % 10);
    }

    fn date(&mut self, date: Date) {
        let year = date.year();
        self.digits((year / 100) as i8);
        self.digits((year % 100) as i8);
        self.pair(b'-', date.month());
        self.pair(b'-', date.day());
    }
}

impl fmt::Write for Written {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.written().as_str())
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    /// Reads the canonical text only: agencies' own forms are the mappings' business.
    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let instant = || {
            let (at, zone) = date_time(text)?;
            let canonical = zone == "Z" && text.as_bytes().get(10) == Some(&b'T');
            let at = tz::Offset::UTC.to_timestamp(at).ok().filter(|_| canonical);
            at.map(Self::Instant)
        };
        plain(text).or_else(instant).ok_or_else(|| NotAMoment(text.to_owned()))
    }
}

/// The date and time that a text of RFC 3339 begins with, and its rest, which says the zone:
/// `2013-11-04T08:15:30.5` and `+07:00`. Between the two stands `T`, `t` or a blank; seconds are 0
/// to 59, a fraction has at most nine digits; the day is in the calendar.
pub fn date_time(text: &str) -> Option<(DateTime, &str)> {
    let (day, time) = text.as_bytes().split_at_checked(10)?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, ..] = time else { return None };
    let rest = text.get(19..)?;
    let (nanosecond, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let (told, zone) = fraction.split_at_checked(digits).filter(|_| digits <= 9)?;
            // Nine digits are nanoseconds; `parse` refuses that there are none.
            let told: i32 = told.parse().ok()?;
            (told * 10_i32.pow(9 - digits as u32), zone)
        }
    };
    let (hour, minute) = (two([*h1, *h2])?, two([*m1, *m2])?);
    let time = Time::new(hour, minute, two([*s1, *s2])?, nanosecond).ok()?;
    Some((calendar(day)?.to_datetime(time), zone))
}

/// `YYYY-MM-DD` that the calendar has.
fn calendar(day: &[u8]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let (century, year) = (i16::from(two([*y1, *y2])?), i16::from(two([*y3, *y4])?));
    Date::new(century * 100 + year, two([*m1, *m2])?, two([*d1, *d2])?).ok()
}

/// `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ` that the calendar has: nearly every moment is such, and
/// the whole grammar of times costs much more to read.
fn plain(text: &str) -> Option<Moment> {
    let (day, time) = text.as_bytes().split_at_checked(10)?;
    let day = calendar(day)?;
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
        to.serialize_str(self.written().as_str())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Reader)
    }
}

/// Reads a moment from its text where it stands.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date or a UTC instant")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map_err(E::custom)
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
        for text in [
            "2013-W40-3",
            "2013-10-02Z",
            "2013-10-02T05Z",
            "2013-10-02T05:00Z",
            "2013-10-02T050000Z",
            "2013-10-02T05:00:60Z",
            "2013-10-02T24:00:00Z",
            "2013-02-29T05:00:00Z",
            "2013-10-02T05:00:00z",
            "2013-10-02t05:00:00Z",
            "2013-10-02 05:00:00Z",
            "2013-10-02T05:00:00,5Z",
            "2013-10-02T05:00:00.Z",
            "2013-10-02T05:00:00.+5Z",
            "2013-10-02T05:00:00.1234567891Z",
            "2013-10-02T05:00:00+07:00Z",
            "2013-10-02T05:00:00[Asia/Tokyo]Z",
            "+002013-10-02T05:00:00Z",
            " 2013-10-02T05:00:00Z",
            "2013-10-02T05:00:00.5Zđ",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fraction_of_a_second_is_kept() {
        for text in ["2013-10-02T05:00:00.5Z", "2013-10-02T05:00:00.000000001Z"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        let zeros: Moment = "2013-10-02T05:00:00.250Z".parse().unwrap();
        assert_eq!(zeros.to_string(), "2013-10-02T05:00:00.25Z");
    }

    proptest::proptest! {
        #[test]
        fn plain_moments_are_read_as_by_the_whole_grammar(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]\
                (T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9])?Z?)?"
        ) {
            if let Some(found) = plain(&text) {
                proptest::prop_assert_eq!(found.to_string(), &*text);
                let whole = match text.len() {
                    10 => Moment::Day(text.parse().unwrap()),
                    _ => Moment::Instant(text.parse().unwrap()),
                };
                proptest::prop_assert_eq!(found, whole);
            }
        }
    }
}
