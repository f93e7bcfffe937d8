//! When something is expected of a channel, as its file declares it.

use toml::Spanned;

use super::{
    ChannelSettings,
    dropped::{Source, number},
};
use crate::registry::channel::{Days, Rhythm};
use mappings::Diagnostic;

/// Hours between two messages where only the days are declared, and at most.
const HOURS: u64 = 24;
const HOURS_MAX: u64 = 8_760;

/// When something is expected of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// As it did so far.
    #[default]
    Learned,
    /// As it is declared.
    Declared(Rhythm),
    /// Never: it may be silent.
    Never,
}

/// What a channel declares.
pub(super) fn read(
    source: &Source<'_>,
    settings: &ChannelSettings,
) -> Result<Expected, Box<Diagnostic>> {
    let hours = settings.expect_hours.as_ref();
    let days = match settings.expect_days.as_ref().map(|told| (told, told.get_ref().as_str())) {
        None if hours.is_none() => return Ok(Expected::Learned),
        None | Some((_, "working")) => Days::Working,
        Some((_, "all")) => Days::All,
        Some((told, "never")) => match hours.map(Spanned::span) {
            None => return Ok(Expected::Never),
            Some(_) => {
                let message = "hours are told of a channel that is never expected".to_owned();
                return Err(source.fault(&told.span(), message, "leave expect_hours out"));
            }
        },
        Some((told, other)) => {
            let message = format!("`{other}` are no days on which something is expected");
            return Err(source.fault(&told.span(), message, "write working, all or never"));
        }
    };
    let within_hours = u32::try_from(number(source, (hours, HOURS, HOURS_MAX))?).unwrap_or(24);
    Ok(Expected::Declared(Rhythm::Declared { days, within_hours }))
}
