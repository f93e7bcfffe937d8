//! One TOML file of a catalogue, whose every value has a place.

use std::{fs, ops::Range, path::Path};

use jiff::civil::Date;
use mappings::Diagnostic;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::cell::Faults;

/// A file larger than this is none that a person keeps.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file, for faults in it.
pub(super) struct Declared {
    file: String,
    text: String,
}

impl Declared {
    /// Reads a file, and what it declares. `page` is the document that describes it.
    ///
    /// # Errors
    /// What makes it unreadable; nothing in it is looked at then.
    pub(super) fn read<T: DeserializeOwned>(
        folder: &Path,
        name: &str,
        page: &str,
    ) -> Result<(Self, T), Box<Diagnostic>> {
        let path = folder.join(name);
        let mut declared = Self { file: path.display().to_string(), text: String::new() };
        let text = match fs::metadata(&path).map(|found| found.len()) {
            Ok(length) if length > FILE_BYTES_MAX => {
                let message = format!("it is larger than {FILE_BYTES_MAX} bytes");
                return Err(declared.told(&(0..0), message, "keep one province in a catalogue"));
            }
            _ => fs::read_to_string(&path),
        };
        declared.text = text.map_err(|error| {
            let advice = format!("{page} says which files there are, and which belong together");
            declared.told(&(0..0), format!("it cannot be read: {error}"), &advice)
        })?;
        let read = toml::from_str(&declared.text).map_err(|error| {
            let advice = format!("{page} says what stands here");
            declared.told(&error.span().unwrap_or(0..0), error.message().to_owned(), &advice)
        })?;
        Ok((declared, read))
    }

    fn told(&self, span: &Range<usize>, message: String, advice: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::at(&self.file, &self.text, span, message, advice))
    }

    /// A fault of a place.
    pub(super) fn fault(&self, span: &Range<usize>, message: String, advice: &str) -> Diagnostic {
        *self.told(span, message, advice)
    }

    /// Where a text in quotes stands first; the beginning where it does not.
    pub(super) fn place_of(&self, text: &str) -> Range<usize> {
        let quoted = format!("\"{text}\"");
        self.text.find(&quoted).map_or(0..0, |at| at..at + quoted.len())
    }

    /// A day of the calendar.
    pub(super) fn day(&self, told: &Spanned<String>, found: &mut Faults) -> Option<Date> {
        let text = told.get_ref();
        let day = text.parse::<Date>().ok().filter(|day| day.to_string() == *text);
        if day.is_none() {
            let message = format!("`{text}` is no day of the calendar");
            let advice = "write \"YYYY-MM-DD\", such as \"2025-07-01\"";
            found.push(self.fault(&told.span(), message, advice));
        }
        day
    }

    /// First and last day in force.
    pub(super) fn days(
        &self,
        from: Option<&Spanned<String>>,
        to: Option<&Spanned<String>>,
        found: &mut Faults,
    ) -> (Option<Date>, Option<Date>) {
        let first = from.and_then(|told| self.day(told, found));
        let last = to.and_then(|told| self.day(told, found));
        if let (Some(told), Some((first, last))) = (to, first.zip(last))
            && last < first
        {
            let message = "the last day in force lies before the first".to_owned();
            found.push(self.fault(&told.span(), message, "write the last day on which it holds"));
        }
        (first, last)
    }

    /// A time of day as seconds since midnight: `07:30`; `24:00` is the day's end.
    pub(super) fn time(text: &str) -> Option<u32> {
        let (hour, minute) = text.split_once(':')?;
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| digits)
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let second = hour * 3_600 + minute * 60;
        (minute < 60 && second <= 86_400).then_some(second)
    }

    /// Names that must be among those known.
    pub(super) fn known(
        &self,
        names: &[Spanned<String>],
        is_known: impl Fn(&str) -> bool,
        list: &str,
        found: &mut Faults,
    ) {
        for name in names.iter().filter(|name| !is_known(name.get_ref())) {
            let message = format!("`{}` is not in {list}", name.get_ref());
            found.push(self.fault(&name.span(), message, "mend the name, or add the row"));
        }
    }
}
