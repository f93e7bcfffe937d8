//! Watermarks: values that only grow with changes, in whatever form a source writes them. Pure.
//!
//! A form is kept: what is asked for is written as the source writes it, since many compare texts.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::Offset,
};

/// Times without a zone are those of Viet Nam.
const LOCAL: Offset = Offset::constant(7);

/// A watermark, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Number(i64),
    Day(Date),
    Time {
        at: DateTime,
        /// What stands between day and time.
        between: char,
        /// Digits of its fraction.
        fraction: usize,
        /// Its zone as written; empty where there is none.
        zone: String,
    },
}

impl Form {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        let day: Date = text.get(..10)?.parse().ok()?;
        let Some(rest) = text.get(10..).filter(|rest| !rest.is_empty()) else {
            return Some(Self::Day(day));
        };
        let between = rest.chars().next().filter(|mark| matches!(mark, ' ' | 'T' | 't'))?;
        let rest = &rest[1..];
        let clock = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
        let (clock, zone) = rest.split_at(clock);
        let fraction = clock.split_once('.').map_or(0, |(_, digits)| digits.len());
        // A time may lack its seconds; more digits than nanoseconds are beyond what jiff reads.
        let at = day.to_datetime(clock.parse().ok()?);
        let told = Self::Time { at, between, fraction, zone: zone.to_owned() };
        told.offset().map(|_| told)
    }

    fn offset(&self) -> Option<Offset> {
        let Self::Time { zone, .. } = self else { return Some(LOCAL) };
        let zone = zone.trim();
        match zone {
            "" => return Some(LOCAL),
            "Z" | "z" => return Some(Offset::UTC),
            _ => {}
        }
        let sign = if zone.starts_with('-') { -1 } else { 1 };
        let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
        let hours: i32 = digits.get(..2)?.parse().ok()?;
        let minutes: i32 = if digits.len() >= 4 { digits.get(2..4)?.parse().ok()? } else { 0 };
        Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
    }

    fn write(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Day(day) => day.to_string(),
            Self::Time { at, between, fraction, zone } => {
                let clock = at.strftime("%H:%M:%S").to_string();
                let mut nanoseconds = format!("{:09}", at.subsec_nanosecond());
                nanoseconds.truncate(*fraction);
                let dot = if *fraction > 0 { "." } else { "" };
                format!("{}{between}{clock}{dot}{nanoseconds}{zone}", at.date())
            }
        }
    }

    fn instant(&self) -> Option<Timestamp> {
        let at = match self {
            Self::Number(_) => return None,
            Self::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
            Self::Time { at, .. } => *at,
        };
        self.offset()?.to_timestamp(at).ok()
    }
}

/// The same watermark earlier: by so many seconds where it is a time, by so much where it is a
/// number. Nothing where its form is none that is known.
pub(crate) fn earlier(text: &str, overlap: u64) -> Option<String> {
    let by = i64::try_from(overlap).ok()?;
    let form = match Form::read(text)? {
        Form::Number(number) => Form::Number(number.saturating_sub(by)),
        Form::Day(day) => {
            Form::Day(day.checked_sub(by.div_euclid(86_400).checked_add(1)?.days()).ok()?)
        }
        Form::Time { at, between, fraction, zone } => {
            let at = at.checked_sub(SignedDuration::from_secs(by)).ok()?;
            Form::Time { at, between, fraction, zone }
        }
    };
    Some(form.write())
}

/// The later of two watermarks of one form; of two that cannot be compared the second.
pub(crate) fn later(one: Option<String>, other: &str) -> String {
    let Some(one) = one else { return other.to_owned() };
    let ordered = match (Form::read(&one), Form::read(other)) {
        (Some(Form::Number(one)), Some(Form::Number(other))) => one > other,
        (Some(first), Some(second)) => first.instant() > second.instant(),
        _ => false,
    };
    if ordered { one } else { other.to_owned() }
}

/// A watermark, or where it is beyond a moment, that moment in its form: one row with a date far
/// ahead must not make the rest be passed over.
pub(crate) fn not_after(text: &str, moment: Timestamp) -> Option<String> {
    let form = Form::read(text)?;
    let Some(instant) = form.instant().filter(|instant| *instant > moment) else {
        return Some(text.to_owned());
    };
    let _ = instant;
    let at = form.offset()?.to_datetime(moment);
    let capped = match form {
        Form::Time { between, fraction, zone, .. } => Form::Time { at, between, fraction, zone },
        Form::Day(_) => Form::Day(at.date()),
        number @ Form::Number(_) => number,
    };
    Some(capped.write())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_goes_back_in_its_own_form() {
        for (text, seconds, expected) in [
            ("2024-03-04 08:10:00", 600, "2024-03-04 08:00:00"),
            ("2024-03-04T00:05:00.123", 600, "2024-03-03T23:55:00.123"),
            ("2024-03-04T00:05:00.123456+07:00", 300, "2024-03-04T00:00:00.123456+07:00"),
            ("2024-03-04 00:05:00+00", 300, "2024-03-04 00:00:00+00"),
            ("2024-03-04T00:05:00Z", 1, "2024-03-04T00:04:59Z"),
            ("2024-03-01", 600, "2024-02-29"),
            ("2024-03-01", 86_400, "2024-02-28"),
            ("1001", 1, "1000"),
            ("-5", 10, "-15"),
        ] {
            assert_eq!(earlier(text, seconds).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "infinity", "04/03/2024", "2024-02-30", "2024-03-04x", "2024-03-04T1", "ạ"]
        {
            assert_eq!(earlier(text, 1), None, "{text}");
        }
    }

    #[test]
    fn a_row_from_the_future_does_not_carry_the_watermark_along() {
        let now: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2099-01-01T00:00:00", "2026-11-26T08:00:00"),
            ("2099-01-01 00:00:00.5+00", "2026-11-26 01:00:00.0+00"),
            ("2099-01-01", "2026-11-26"),
            ("2026-11-26T07:59:59", "2026-11-26T07:59:59"),
            ("77", "77"),
        ] {
            assert_eq!(not_after(text, now).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_later_of_two_is_told_by_its_instant() {
        let later = |one: &str, other: &str| later(Some(one.to_owned()), other);
        assert_eq!(later("9", "10"), "10");
        assert_eq!(
            later("2024-03-04T08:00:00+07:00", "2024-03-04T02:00:00Z"),
            "2024-03-04T02:00:00Z"
        );
        assert_eq!(later("2024-03-05", "2024-03-04"), "2024-03-05");
    }
}
