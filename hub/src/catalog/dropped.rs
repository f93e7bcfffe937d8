//! What `agency.toml` says of a channel's drop folder.

use std::{ops::Range, path::Path};

use adapters::file::{DropPath, Ready};
use mappings::Diagnostic;
use toml::Spanned;

use super::{Catalog, ChannelSettings, Received};

/// Seconds between two looks at a drop folder, unless told; and at most.
const LOOK_SECONDS: u64 = 10;
const LOOK_SECONDS_MAX: u64 = 3_600;

/// Files of one folder handed over at the same time, at most.
const AT_ONCE_MAX: u64 = 256;

/// A channel's drop folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Where it lies below the root of all drop folders.
    pub folder: DropPath,
    /// How a sender shows that a file is whole.
    pub ready: Ready,
    /// Seconds between two looks.
    pub look_seconds: u64,
    /// Files handed over at the same time.
    pub at_once: usize,
}

/// The file that is read, for faults in it.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn fault(
        &self,
        span: &Range<usize>,
        message: String,
        advice: &str,
    ) -> Box<Diagnostic> {
        let file = self.file.display().to_string();
        Box::new(Diagnostic::at(&file, self.text, span, message, advice))
    }
}

/// The drop folder that a channel declares, if it is received by files; alone in its folder.
pub(super) fn read(
    source: &Source<'_>,
    settings: &ChannelSettings,
    others: &Catalog,
) -> Result<Option<Dropped>, Box<Diagnostic>> {
    // A folder on a server is read, and its table says where it is.
    if settings.transport != Received::File || settings.sftp.is_some() {
        return not_declared(source, settings);
    }
    let Some(told) = &settings.folder else {
        let span = source.text.find("transport").map_or(0..0, |at| at..at);
        let message = "a channel with transport = \"file\" has no folder".to_owned();
        let advice = "write folder = \"AGENCY/CHANNEL\", below `drops` of hub.toml";
        return Err(source.fault(&span, message, advice));
    };
    let folder: DropPath = told.get_ref().parse().map_err(|error| {
        let message = format!("`{}` is no drop folder: {error}", told.get_ref());
        let advice = "write plain names below `drops` of hub.toml: folder = \"AGENCY/CHANNEL\"";
        source.fault(&told.span(), message, advice)
    })?;
    let met = others
        .channels
        .values()
        .find(|channel| channel.dropped.as_ref().is_some_and(|other| other.folder.meets(&folder)));
    if let Some(met) = met {
        let message = format!("`{folder}` and the folder of {} lie in one another", met.id);
        let advice = "give each channel a folder of its own";
        return Err(source.fault(&told.span(), message, advice));
    }
    let ready = ready(source, settings.ready.as_ref())?;
    let look_seconds = (settings.look_seconds.as_ref(), LOOK_SECONDS, LOOK_SECONDS_MAX);
    let look_seconds = number(source, look_seconds)?;
    let at_once = number(source, (settings.at_once.as_ref(), 1, AT_ONCE_MAX))? as usize;
    Ok(Some(Dropped { folder, ready, look_seconds, at_once }))
}

fn not_declared(
    source: &Source<'_>,
    settings: &ChannelSettings,
) -> Result<Option<Dropped>, Box<Diagnostic>> {
    let texts = [&settings.folder, &settings.ready].map(|told| told.as_ref().map(Spanned::span));
    let numbers = [&settings.look_seconds, &settings.at_once];
    let numbers = numbers.map(|told| told.as_ref().map(Spanned::span));
    match texts.into_iter().chain(numbers).flatten().next() {
        None => Ok(None),
        Some(span) => {
            let message = "this is said of drop folders alone".to_owned();
            let advice = "write transport = \"file\" too and no table `sftp`, or leave it out";
            Err(source.fault(&span, message, advice))
        }
    }
}

pub(super) fn ready(
    source: &Source<'_>,
    told: Option<&Spanned<String>>,
) -> Result<Ready, Box<Diagnostic>> {
    let Some(told) = told else { return Ok(Ready::default()) };
    match told.get_ref().as_str() {
        "stable" => Ok(Ready::Stable),
        "marker" => Ok(Ready::Marker),
        "rename" => Ok(Ready::Rename),
        other => {
            let message = format!("`{other}` is no way to show that a file is whole");
            Err(source.fault(&told.span(), message, "write stable, marker or rename"))
        }
    }
}

/// A number from 1 to a greatest, or what it is where nothing is told.
pub(super) fn number(
    source: &Source<'_>,
    (told, otherwise, max): (Option<&Spanned<u64>>, u64, u64),
) -> Result<u64, Box<Diagnostic>> {
    let Some(told) = told else { return Ok(otherwise) };
    match *told.get_ref() {
        number if (1..=max).contains(&number) => Ok(number),
        number => {
            let message = format!("{number} is not between 1 and {max}");
            Err(source.fault(&told.span(), message, "write a number between them"))
        }
    }
}
